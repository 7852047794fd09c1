//! One client of one person, set up and run as Element X does it.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, ensure};
use matrix_sdk::{
    Client, Room, ThreadingSupport,
    authentication::matrix::MatrixSession,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    ruma::{
        RoomId, UserId,
        api::client::{
            account::register,
            uiaa::{AuthData, MatrixUserIdentifier, Password, RegistrationToken, UserIdentifier},
        },
    },
    sliding_sync::{Version, VersionBuilder},
};
use matrix_sdk_ui::{
    RoomListService,
    room_list_service::RoomListLoadingState,
    sync_service::{State, SyncService},
};

use crate::wait::{heard, until, until_true};

/// Where the server is, how one gets in, and where clients may keep their databases.
pub struct World {
    pub url: String,
    pub registration_token: String,
    pub restart_url: String,
    pub folder: PathBuf,
}

pub struct Person {
    pub name: String,
    pub client: Client,
    sync: Arc<SyncService>,
}

/// What of a client outlives its program.
pub struct Asleep {
    name: String,
    folder: PathBuf,
    session: MatrixSession,
}

pub fn password_of(name: &str) -> String {
    format!("a long password of {name}")
}

async fn client(world: &World, folder: &PathBuf) -> Result<Client> {
    let client = Client::builder()
        .server_name_or_homeserver_url(&world.url)
        .sqlite_store(folder, None)
        .sliding_sync_version_builder(VersionBuilder::DiscoverNative)
        .handle_refresh_tokens()
        .with_encryption_settings(EncryptionSettings {
            auto_enable_cross_signing: true,
            backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
            auto_enable_backups: true,
        })
        .with_enable_share_history_on_invite(true)
        .with_threading_support(ThreadingSupport::Enabled { with_subscriptions: true })
        .build()
        .await?;
    ensure!(matches!(client.sliding_sync_version(), Version::Native), "no sliding sync");
    Ok(client)
}

impl Person {
    /// A new account, by way of a registration token.
    pub async fn sign_up(world: &World, name: &str) -> Result<Self> {
        let client = client(world, &world.folder.join(format!("{name}-phone"))).await?;
        let mut request = register::v3::Request::new();
        request.username = Some(name.to_owned());
        request.password = Some(password_of(name));
        request.initial_device_display_name = Some(format!("{name}'s phone"));
        request.refresh_token = true;
        let refused = client.matrix_auth().register(request.clone()).await;
        let refused = refused.err().context("an account without a token")?;
        let asked = refused.as_uiaa_response().context("no user-interactive authentication")?;
        let mut answer = RegistrationToken::new(world.registration_token.clone());
        answer.session = asked.session.clone();
        request.auth = Some(AuthData::RegistrationToken(answer));
        client.matrix_auth().register(request).await?;
        Self::awake(name, client).await
    }

    /// A further client of somebody who has an account.
    pub async fn log_in(world: &World, name: &str, device: &str) -> Result<Self> {
        let client = client(world, &world.folder.join(format!("{name}-{device}"))).await?;
        client
            .matrix_auth()
            .login_username(name, &password_of(name))
            .initial_device_display_name(&format!("{name}'s {device}"))
            .request_refresh_token()
            .send()
            .await?;
        Self::awake(name, client).await
    }

    /// The program is started again, with the databases that it had.
    pub async fn wake(world: &World, asleep: Asleep) -> Result<Self> {
        let client = client(world, &asleep.folder).await?;
        client.restore_session(asleep.session).await?;
        Self::awake(&asleep.name, client).await
    }

    async fn awake(name: &str, client: Client) -> Result<Self> {
        client.encryption().wait_for_e2ee_initialization_tasks().await;
        client.event_cache().subscribe()?;
        let sync = SyncService::builder(client.clone()).with_offline_mode().build().await?;
        let sync = Arc::new(sync);
        sync.start().await;
        let person = Self { name: name.to_owned(), client, sync };
        person.until_synced().await?;
        Ok(person)
    }

    /// Ends the program. Not the session.
    pub async fn sleep(self, world: &World, device: &str) -> Result<Asleep> {
        self.sync.stop().await;
        let session = self.client.matrix_auth().session().context("no session")?;
        let folder = world.folder.join(format!("{}-{device}", self.name));
        Ok(Asleep { name: self.name, folder, session })
    }

    /// Resolves when the list of rooms is there and the client is online.
    pub async fn until_synced(&self) -> Result<()> {
        let list = self.rooms().all_rooms().await?;
        until_true("a list of rooms", list.loading_state(), async || {
            Ok(!matches!(list.loading_state().get(), RoomListLoadingState::NotLoaded))
        })
        .await?;
        until_true("the client is online", self.sync.state(), async || {
            Ok(matches!(self.state(), State::Running))
        })
        .await
    }

    pub fn state(&self) -> State {
        self.sync.state().get()
    }

    pub fn service(&self) -> Arc<SyncService> {
        self.sync.clone()
    }

    pub fn rooms(&self) -> Arc<RoomListService> {
        self.sync.room_list_service()
    }

    pub fn id(&self) -> Result<&UserId> {
        self.client.user_id().context("nobody is logged in")
    }

    /// What this person proves an identity with.
    pub fn password(&self, session: Option<String>) -> Result<AuthData> {
        let who = UserIdentifier::Matrix(MatrixUserIdentifier::new(self.id()?.to_string()));
        let mut auth = Password::new(who, password_of(&self.name));
        auth.session = session;
        Ok(AuthData::Password(auth))
    }

    /// The room as this client knows it, when the condition holds of it.
    pub async fn room_when(
        &self,
        what: &str,
        id: &RoomId,
        condition: impl Fn(&Room) -> bool,
    ) -> Result<Room> {
        let changes = heard(self.client.room_info_notable_update_receiver());
        let what = format!("{}: {what}", self.name);
        until(&what, changes, async || Ok(self.client.get_room(id).filter(&condition))).await
    }

    /// Opens a room on the screen: its events come as they happen.
    pub async fn open(&self, id: &RoomId) {
        self.rooms().set_room_subscriptions(&[id]).await;
    }
}
