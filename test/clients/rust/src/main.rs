//! A day of three people on matrix-sdk, in sliding sync, set up as Element X is.
//!
//! SERVER_URL, REGISTRATION_TOKEN, RESTART_URL (a POST to it restarts the server), FOLDER (for databases) and PICTURE
//! (a PNG) come from the environment. Says a line for each thing that worked, and ends with a tally.

// The SDK's futures are deep.
#![recursion_limit = "256"]

mod chat;
mod files;
mod leaving;
mod more;
mod person;
mod rooms;
mod screen;
mod secrets;
mod tally;
mod verify;
mod wait;
mod warnings;

use std::{env, fs, process::ExitCode};

use anyhow::{Context, Result, ensure};
use matrix_sdk_ui::sync_service::State;

use crate::{
    chat::Seat,
    person::{Person, World},
    tally::Tally,
    warnings::Warnings,
};

fn setting(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}

async fn day(world: &World, picture: &[u8], tally: &Tally) -> Result<()> {
    let ada = Person::sign_up(world, "ada").await?;
    let bob = Person::sign_up(world, "bob").await?;
    tally.step("two accounts by registration token, in sliding sync");
    secrets::identity(&ada).await?;
    secrets::identity(&bob).await?;
    tally.step("both have cross-signing and a backup of keys");
    files::profile(&ada, picture, tally).await?;

    let (hers, his) = rooms::public_room(&ada, &bob, tally).await?;
    rooms::invitation(&ada, &bob, tally).await?;
    let found = bob.client.search_users("ada", 10).await?;
    ensure!(found.results.iter().any(|user| Some(&*user.user_id) == ada.client.user_id()));
    tally.step("the directory of users finds somebody");

    {
        let (hers, his) =
            (Seat { person: &ada, room: &hers }, Seat { person: &bob, room: &his });
        chat::messages(&hers, &his, tally).await?;
        chat::threads(&hers, &his, tally).await?;
        chat::history(&hers, &his, tally).await?;
        chat::notifications(&his, tally).await?;
        files::open_pictures(&hers, &his, picture, tally).await?;
        more::notification(&hers, &his, "Ada, and Bob too", tally).await?;
        more::poll(&hers, &his, tally).await?;
        more::space(&hers, &bob, tally).await?;
        more::ignoring(&hers, &his, tally).await?;
        more::abilities(&his, tally).await?;
    }

    let (her_secret, his_secret) = secrets::direct_chat(&ada, &bob, picture, tally).await?;
    {
        let hers = Seat { person: &ada, room: &her_secret };
        let his = Seat { person: &bob, room: &his_secret };
        more::notification(&hers, &his, "Ada, in secret", tally).await?;
    }
    more::upgrade(&ada, &bob, tally).await?;
    secrets::verify_each_other(&ada, &bob, tally).await?;
    let key = secrets::set_up_recovery(&bob, tally).await?;
    let tablet = secrets::recover(world, &his_secret, &key, tally).await?;
    let laptop = secrets::verify_a_client(world, &tablet, &his_secret, tally).await?;
    let carol = Person::sign_up(world, "carol").await?;
    secrets::invite_a_third(&Seat { person: &ada, room: &her_secret }, &carol, tally).await?;

    let seat = Seat { person: &bob, room: &his_secret };
    let ada = leaving::sleep_and_wake(world, ada, &seat, tally).await?;
    let her_secret = ada.client.get_room(his_secret.room_id()).context("no room")?;
    leaving::restart(world, &Seat { person: &ada, room: &her_secret }, &seat, tally).await?;
    leaving::tokens(&ada, tally).await?;
    secrets::forget_device(&bob, laptop, tally).await?;
    for person in [&ada, &bob, &tablet, &carol] {
        let state = person.state();
        ensure!(matches!(state, State::Running), "{} is {state:?}", person.name);
    }
    tally.step("all of them are still in sync");
    leaving::log_out(ada, &her_secret, tally).await?;
    leaving::deactivate(carol, tally).await
}

#[tokio::main]
async fn main() -> ExitCode {
    let run = async {
        let world = World {
            url: setting("SERVER_URL")?,
            registration_token: setting("REGISTRATION_TOKEN")?,
            restart_url: setting("RESTART_URL")?,
            folder: setting("FOLDER")?.into(),
        };
        rustls::crypto::ring::default_provider()
            .install_default()
            .map_err(|_| anyhow::anyhow!("TLS has a provider already"))?;
        let picture = fs::read(setting("PICTURE")?)?;
        let tally = Tally::new(Warnings::listen()?);
        let outcome = day(&world, &picture, &tally).await;
        let is_well = tally.end();
        outcome?;
        ensure!(is_well, "the SDK does not understand all answers");
        anyhow::Ok(())
    };
    match run.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}
