//! Rooms: made, found, previewed, entered, and what the list of rooms says of them.

use anyhow::{Context, Result, ensure};
use matrix_sdk::{
    Room, RoomState,
    room_directory_search::RoomDirectorySearch,
    ruma::{
        RoomAliasId,
        api::client::room::{Visibility, create_room},
        events::tag::TagName,
    },
};

use crate::{person::Person, tally::Tally};

/// A room that everybody finds, with both of them in it.
pub async fn public_room(ada: &Person, bob: &Person, tally: &Tally) -> Result<(Room, Room)> {
    let mut request = create_room::v3::Request::new();
    request.name = Some("The garden".to_owned());
    request.topic = Some("What grows, and what does not".to_owned());
    request.room_alias_name = Some("garden".to_owned());
    request.preset = Some(create_room::v3::RoomPreset::PublicChat);
    request.visibility = Visibility::Public;
    let made = ada.client.create_room(request).await?;
    let id = made.room_id();
    let hers = ada
        .room_when("the new room is in the list", id, |room| {
            room.state() == RoomState::Joined && room.name().as_deref() == Some("The garden")
        })
        .await?;
    tally.step("a public room is made and comes with the sync");

    let mut search = RoomDirectorySearch::new(bob.client.clone());
    search.search(Some("garden".to_owned()), 10, None).await?;
    let (found, _) = search.results();
    let alias = RoomAliasId::parse(format!("#garden:{}", bob.id()?.server_name()))?;
    ensure!(
        found.iter().any(|room| room.room_id == id && room.alias.as_ref() == Some(&alias)),
        "the directory has {found:?}"
    );
    ensure!(search.is_at_last_page(), "the directory has more pages");
    tally.step("the directory finds it");

    let preview = bob.client.get_room_preview((&*alias).into(), vec![]).await?;
    ensure!(preview.name.as_deref() == Some("The garden"), "{preview:?}");
    ensure!(preview.num_joined_members == 1 && preview.state.is_none(), "{preview:?}");
    tally.step("its preview is there for those outside");

    bob.client.join_room_by_id_or_alias((&*alias).into(), &[]).await?;
    let his = bob
        .room_when("the room that he joined", id, |room| {
            room.state() == RoomState::Joined
                && room.topic().as_deref() == Some("What grows, and what does not")
                && room.canonical_alias().as_ref() == Some(&alias)
        })
        .await?;
    ada.room_when("two in the room", id, |room| room.joined_members_count() == 2).await?;
    tally.step("somebody joins by alias, and both hear of it");

    hers.set_name("The orchard".to_owned()).await?;
    bob.room_when("the new name", id, |room| room.name().as_deref() == Some("The orchard"))
        .await?;
    tally.step("a new name reaches the other");

    his.set_is_favourite(true, Some(0.5)).await?;
    bob.room_when("a favourite", id, |room| room.is_favourite()).await?;
    his.set_unread_flag(true).await?;
    bob.room_when("marked as unread", id, |room| room.is_marked_unread()).await?;
    his.set_unread_flag(false).await?;
    bob.room_when("not marked", id, |room| !room.is_marked_unread()).await?;
    his.remove_tag(TagName::Favorite).await?;
    bob.room_when("no favourite", id, |room| !room.is_favourite()).await?;
    tally.step("tags and marks come back with the sync");
    Ok((hers, his))
}

/// Invited, refused, invited again, and in.
pub async fn invitation(ada: &Person, bob: &Person, tally: &Tally) -> Result<()> {
    let mut request = create_room::v3::Request::new();
    request.name = Some("The cellar".to_owned());
    request.preset = Some(create_room::v3::RoomPreset::PrivateChat);
    let hers = ada.client.create_room(request).await?;
    let id = hers.room_id().to_owned();
    hers.invite_user_by_id(bob.id()?).await?;
    let invited = bob
        .room_when("an invitation", &id, |room| {
            room.state() == RoomState::Invited && room.name().as_deref() == Some("The cellar")
        })
        .await?;
    let details = invited.invite_details().await?;
    ensure!(details.inviter_id == ada.id()?, "invited by {}", details.inviter_id);
    let inviter = details.inviter.context("nothing of who invites")?;
    ensure!(inviter.display_name() == Some("Ada"), "{:?} invites", inviter.display_name());
    tally.step("an invitation says who invites, and to what");

    invited.leave().await?;
    ensure!(bob.client.get_room(&id).is_none(), "a refused invitation is still there");
    hers.invite_user_by_id(bob.id()?).await?;
    let again =
        bob.room_when("invited again", &id, |room| room.state() == RoomState::Invited).await?;
    again.join().await?;
    bob.room_when("in", &id, |room| {
        room.state() == RoomState::Joined && room.joined_members_count() == 2
    })
    .await?;
    tally.step("an invitation is refused, and the next one taken");

    let hers = ada.room_when("he is in", &id, |room| room.joined_members_count() == 2).await?;
    hers.kick_user(bob.id()?, Some("the cellar is full")).await?;
    let out = bob.room_when("out", &id, |room| room.state() == RoomState::Left).await?;
    hers.ban_user(bob.id()?, Some("still full")).await?;
    bob.room_when("banned", &id, |room| room.state() == RoomState::Banned).await?;
    out.forget().await?;
    ensure!(bob.client.get_room(&id).is_none(), "a forgotten room is still there");
    tally.step("kicked, banned, forgotten");
    Ok(())
}
