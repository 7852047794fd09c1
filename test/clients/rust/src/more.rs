//! What else a phone does in a day: notifications, polls, spaces, people whom one ignores, rooms that move on.

use anyhow::{Context, Result, bail, ensure};
use matrix_sdk::{
    RoomState,
    ruma::{
        RoomVersionId,
        api::client::room::{create_room, upgrade_room},
        events::{
            AnyMessageLikeEventContent,
            poll::{
                unstable_response::UnstablePollResponseEventContent,
                unstable_start::{
                    NewUnstablePollStartEventContent, UnstablePollAnswer, UnstablePollAnswers,
                    UnstablePollStartContentBlock, UnstablePollStartEventContent,
                },
            },
        },
        room::RoomType,
        serde::Raw,
    },
};
use matrix_sdk_ui::{
    notification_client::{NotificationClient, NotificationProcessSetup, NotificationStatus},
    spaces::SpaceService,
};

use crate::{
    chat::Seat,
    person::Person,
    screen::{Screen, body_of},
    tally::Tally,
    wait::until_true,
};

/// What a phone shows for an event that a push named, also where it has to decrypt it first.
pub async fn notification(
    from: &Seat<'_>,
    to: &Seat<'_>,
    text: &str,
    tally: &Tally,
) -> Result<()> {
    let theirs = Screen::open(from.person, from.room).await?;
    let id = theirs.say(text).await?;
    let setup = NotificationProcessSetup::SingleProcess { sync_service: to.person.service() };
    let phone = NotificationClient::new(to.person.client.clone(), setup).await?;
    let NotificationStatus::Event(item) = phone.get_notification(to.room.room_id(), &id).await?
    else {
        bail!("nothing to show for {id}")
    };
    ensure!(item.sender_display_name.as_deref() == Some("Ada"), "{:?}", item.sender_display_name);
    ensure!(item.is_noisy == Some(true) || !to.room.is_dm(), "a direct message makes no noise");
    tally.step("a push is shown with its sender's name");
    Ok(())
}

pub async fn poll(ada: &Seat<'_>, bob: &Seat<'_>, tally: &Tally) -> Result<()> {
    let hers = Screen::open(ada.person, ada.room).await?;
    let his = Screen::open(bob.person, bob.room).await?;
    let answers = ["Apple", "Pear"].map(|fruit| UnstablePollAnswer::new(fruit, fruit));
    let answers = UnstablePollAnswers::try_from(answers.to_vec())?;
    let question = UnstablePollStartContentBlock::new("Which fruit?", answers);
    let start = NewUnstablePollStartEventContent::plain_text("Which fruit?", question);
    let start = UnstablePollStartEventContent::New(start);
    hers.timeline.send(AnyMessageLikeEventContent::UnstablePollStart(start)).await?;
    let seen = his.see("the poll", |item| item.content().is_poll()).await?;
    let id = seen.event_id().context("a poll without an id")?.to_owned();
    let vote = UnstablePollResponseEventContent::new(vec!["Pear".to_owned()], id.clone());
    his.timeline.send(AnyMessageLikeEventContent::UnstablePollResponse(vote)).await?;
    hers.see_become(&id, "a vote", |item| {
        let votes = item.content().as_poll().map(|poll| poll.results().votes);
        votes.and_then(|votes| votes.get("Pear").map(Vec::len)) == Some(1)
    })
    .await?;
    tally.step("a poll is asked, and answered");
    Ok(())
}

/// Nothing comes from whom one ignores, until one does not any more.
pub async fn ignoring(ada: &Seat<'_>, bob: &Seat<'_>, tally: &Tally) -> Result<()> {
    let account = bob.person.client.account();
    let her = ada.person.id()?;
    let mut changes = bob.person.client.subscribe_to_ignore_user_list_changes();
    account.ignore_user(her).await?;
    until_true("she is ignored", &mut changes, async || {
        Ok(bob.person.client.is_user_ignored(her).await)
    })
    .await?;
    let hers = Screen::open(ada.person, ada.room).await?;
    let unheard = hers.say("Do you hear me?").await?;
    let his = Screen::open(bob.person, bob.room).await?;
    let own = his.say("So quiet here").await?;
    his.see_become(&own, "his own words", |item| body_of(item).is_some()).await?;
    ensure!(his.timeline.item_by_event_id(&unheard).await.is_none(), "an ignored one is heard");
    account.unignore_user(her).await?;
    until_true("she is not ignored", &mut changes, async || {
        Ok(!bob.person.client.is_user_ignored(her).await)
    })
    .await?;
    tally.step("who is ignored is not heard");
    Ok(())
}

/// A space, with a room that its members may enter.
pub async fn space(ada: &Seat<'_>, bob: &Person, tally: &Tally) -> Result<()> {
    let mut content = create_room::v3::CreationContent::new();
    content.room_type = Some(RoomType::Space);
    let mut request = create_room::v3::Request::new();
    request.name = Some("The farm".to_owned());
    request.preset = Some(create_room::v3::RoomPreset::PublicChat);
    request.creation_content = Some(Raw::new(&content)?);
    let made = ada.person.client.create_room(request).await?;
    let id = made.room_id().to_owned();
    ada.person.room_when("the space", &id, |room| room.is_space()).await?;
    let hers = SpaceService::new(ada.person.client.clone()).await;
    hers.add_child_to_space(ada.room.room_id().to_owned(), id.clone()).await?;
    bob.client.join_room_by_id(&id).await?;
    bob.room_when("the space", &id, |room| room.is_space()).await?;
    let his = SpaceService::new(bob.client.clone()).await;
    let spaces = his.top_level_joined_spaces().await;
    ensure!(spaces.iter().any(|space| space.room_id == id), "spaces: {spaces:?}");
    let list = his.space_room_list(id).await;
    list.paginate().await?;
    let rooms = list.rooms().await;
    ensure!(rooms.iter().any(|room| room.room_id == *ada.room.room_id()), "rooms: {rooms:?}");
    tally.step("a space shows its rooms");
    Ok(())
}

/// A room moves on to another version, and both follow.
pub async fn upgrade(ada: &Person, bob: &Person, tally: &Tally) -> Result<()> {
    let mut request = create_room::v3::Request::new();
    request.name = Some("The shed".to_owned());
    request.preset = Some(create_room::v3::RoomPreset::PublicChat);
    request.room_version = Some(RoomVersionId::V10);
    let old = ada.client.create_room(request).await?;
    bob.client.join_room_by_id(old.room_id()).await?;
    let upgrade = upgrade_room::v3::Request::new(old.room_id().to_owned(), RoomVersionId::V12);
    let new = ada.client.send(upgrade).await?.replacement_room;
    let left = bob
        .room_when("the end of the old room", old.room_id(), |room| {
            room.successor_room().is_some_and(|next| next.room_id == new)
        })
        .await?;
    ensure!(left.is_tombstoned(), "a successor without a tombstone");
    bob.client.join_room_by_id(&new).await?;
    let joined = bob
        .room_when("the new room", &new, |room| {
            room.state() == RoomState::Joined && room.version() == Some(RoomVersionId::V12)
        })
        .await?;
    let before = joined.predecessor_room().context("the new room comes from nowhere")?;
    ensure!(before.room_id == old.room_id(), "the new room comes from {}", before.room_id);
    let screen = Screen::open(bob, &joined).await?;
    screen.say("Here we are").await?;
    tally.step("a room moves on to version 12");
    Ok(())
}

/// What a client asks of its server before it offers something.
pub async fn abilities(bob: &Seat<'_>, tally: &Tally) -> Result<()> {
    let client = &bob.person.client;
    let capabilities = client.homeserver_capabilities();
    ensure!(capabilities.can_change_password().await?, "no change of password");
    ensure!(capabilities.can_change_displayname().await?, "no change of name");
    ensure!(client.discover_rtc_transports().await?.is_none_or(|all| all.is_empty()));
    client.account().request_openid_token().await?;
    let screen = Screen::open(bob.person, bob.room).await?;
    // The SDK has forgotten what it knew of all rooms when somebody was ignored.
    screen.scroll_to_start().await?;
    let latest = screen.timeline.latest_event_id().await.context("an empty room")?;
    bob.room.report_content(latest, Some("to see whether it is taken".to_owned())).await?;
    tally.step("capabilities, calls, tokens for others, and a report");
    Ok(())
}
