//! Two people in a room that is not encrypted.

use anyhow::{Context, Result, ensure};
use matrix_sdk::{
    Room,
    notification_settings::RoomNotificationMode,
    room::edit::EditedContent,
    ruma::{
        api::client::{
            push::{PusherIds, PusherInit, PusherKind},
            receipt::create_receipt::v3::ReceiptType,
            search::search_events::v3 as search,
        },
        events::{
            AnyMessageLikeEventContent, Mentions,
            room::message::{RoomMessageEventContent, RoomMessageEventContentWithoutRelation},
        },
        push::HttpPusherData,
    },
};
use matrix_sdk_ui::timeline::{
    RoomExt, TimelineDetails, TimelineEventFocusThreadMode, TimelineFocus,
};

use crate::{
    person::Person,
    screen::{Screen, body_of, item_of},
    tally::Tally,
    wait::{heard, until, until_true},
};

/// One of two, and the room as they have it.
pub struct Seat<'a> {
    pub person: &'a Person,
    pub room: &'a Room,
}

pub async fn messages(ada: &Seat<'_>, bob: &Seat<'_>, tally: &Tally) -> Result<()> {
    let id = ada.room.room_id();
    let hers = Screen::open(ada.person, ada.room).await?;
    let his = Screen::open(bob.person, bob.room).await?;

    let question = hers.say("Are the apples ripe?").await?;
    his.see_text("Are the apples ripe?").await?;
    bob.person
        .room_when("one unread", id, |room| {
            room.num_unread_messages() == 1
                && room.unread_notification_counts().notification_count == 1
        })
        .await?;
    tally.step("a message arrives, and counts as unread");

    let (_listening, typing) = ada.room.subscribe_to_typing_notifications();
    let typing = heard(typing);
    bob.room.typing_notice(true).await?;
    let mut typing = std::pin::pin!(typing);
    let mut seen = None;
    until_true("somebody types", futures_util::stream::repeat(()), async || {
        seen = futures_util::StreamExt::next(&mut typing).await.context("no more typing")?;
        Ok(seen.as_deref() == Some(&[bob.person.id()?.to_owned()]))
    })
    .await?;
    bob.room.typing_notice(false).await?;
    until_true("nobody types", futures_util::stream::repeat(()), async || {
        seen = futures_util::StreamExt::next(&mut typing).await.context("no more typing")?;
        Ok(seen.as_ref().is_some_and(Vec::is_empty))
    })
    .await?;
    tally.step("typing is seen, and its end");

    let answer = his.answer(&question, "Next week").await?;
    let seen = hers.see_text("Next week").await?;
    let reply = seen.content().in_reply_to().context("no reply")?;
    ensure!(reply.event_id == question, "a reply to {}", reply.event_id);
    let TimelineDetails::Ready(replied) = reply.event else {
        anyhow::bail!("what is replied to is not there")
    };
    ensure!(replied.sender == ada.person.id()?, "a reply to {}", replied.sender);
    tally.step("a reply knows what it replies to");

    hers.timeline.toggle_reaction(&item_of(&answer), "🍏").await?;
    his.see_become(&answer, "the reaction", |item| {
        item.content().reactions().is_some_and(|all| all.contains_key("🍏"))
    })
    .await?;
    hers.see_become(&answer, "her own reaction from the server", |item| {
        let by_her = item.content().reactions().and_then(|all| all.get("🍏"));
        by_her.is_some_and(|all| all.values().all(|one| one.send_state.is_none()))
    })
    .await?;
    hers.timeline.toggle_reaction(&item_of(&answer), "🍏").await?;
    his.see_become(&answer, "the reaction gone", |item| {
        item.content().reactions().is_some_and(|all| all.is_empty())
    })
    .await?;
    tally.step("a reaction comes and goes");

    let better = RoomMessageEventContentWithoutRelation::text_plain("In two weeks");
    his.timeline.edit(&item_of(&answer), EditedContent::RoomMessage(better)).await?;
    hers.see_become(&answer, "the edit", |item| {
        body_of(item) == Some("In two weeks")
            && item.content().as_message().is_some_and(|message| message.is_edited())
    })
    .await?;
    tally.step("an edit replaces the words");

    let slip = his.say("Oops").await?;
    hers.see_text("Oops").await?;
    his.timeline.redact(&item_of(&slip), Some("a slip")).await?;
    hers.see_become(&slip, "the redaction", |item| item.content().is_redacted()).await?;
    tally.step("a redaction removes them");

    his.timeline.mark_as_read(ReceiptType::Read).await?;
    let reader = bob.person.id()?;
    hers.see("his receipt", |item| item.read_receipts().contains_key(reader)).await?;
    bob.person
        .room_when("nothing unread", id, |room| {
            room.num_unread_messages() == 0
                && room.unread_notification_counts().notification_count == 0
        })
        .await?;
    his.timeline.send_single_receipt(ReceiptType::FullyRead, answer.clone()).await?;
    tally.step("a read receipt is seen, and nothing is unread");

    let call = RoomMessageEventContent::text_plain("Bob, look at this")
        .add_mentions(Mentions::with_user_ids([reader.to_owned()]));
    hers.timeline.send(AnyMessageLikeEventContent::RoomMessage(call)).await?;
    let seen = his.see_text("Bob, look at this").await?;
    ensure!(seen.is_highlighted(), "a mention is not highlighted");
    bob.person
        .room_when("a highlight", id, |room| {
            room.num_unread_mentions() == 1
                && room.unread_notification_counts().highlight_count == 1
        })
        .await?;
    his.timeline.mark_as_read(ReceiptType::ReadPrivate).await?;
    bob.person
        .room_when("no highlight", id, |room| {
            room.num_unread_mentions() == 0
                && room.unread_notification_counts().highlight_count == 0
        })
        .await?;
    tally.step("a mention is highlighted, and a private receipt reads it");

    ada.room.pin_event(&question).await?;
    bob.person
        .room_when("a pinned message", id, |room| {
            room.pinned_event_ids().is_some_and(|all| all == [question.clone()])
        })
        .await?;
    let pinned = Screen::focused(bob.person, bob.room, TimelineFocus::PinnedEvents).await?;
    pinned.see_text("Are the apples ripe?").await?;
    tally.step("a message is pinned");
    Ok(())
}

pub async fn threads(ada: &Seat<'_>, bob: &Seat<'_>, tally: &Tally) -> Result<()> {
    let hers = Screen::open(ada.person, ada.room).await?;
    let his = Screen::open(bob.person, bob.room).await?;
    let root = hers.say("Which tree next?").await?;
    his.see_text("Which tree next?").await?;
    let thread = TimelineFocus::Thread { root_event_id: root.clone() };
    let hers_inside = Screen::focused(ada.person, ada.room, thread.clone()).await?;
    let his_inside = Screen::focused(bob.person, bob.room, thread).await?;
    his_inside.say("The pear").await?;
    hers_inside.see_text("The pear").await?;
    hers_inside.say("Then the plum").await?;
    his_inside.see_text("Then the plum").await?;
    for screen in [&hers, &his] {
        screen
            .see_become(&root, "a thread of two answers", |item| {
                item.content().thread_summary().is_some_and(|thread| thread.num_replies == 2)
            })
            .await?;
    }
    ensure!(!hers.texts().await.iter().any(|text| text == "The pear"), "a thread in the room");
    let list = ada.room.thread_list_service();
    list.paginate().await?;
    let roots: Vec<_> =
        list.items().iter().map(|item| item.root_event.event_id.clone()).collect();
    ensure!(roots == [root], "threads: {roots:?}");
    tally.step("a thread is led beside the room, and listed");
    Ok(())
}

pub async fn history(ada: &Seat<'_>, bob: &Seat<'_>, tally: &Tally) -> Result<()> {
    let hers = Screen::open(ada.person, ada.room).await?;
    let watching = Screen::open(bob.person, bob.room).await?;
    let mut tenth = None;
    for number in 1..=60 {
        let id = hers.say(&format!("basket {number}")).await?;
        if number == 10 {
            tenth = Some(id);
        }
    }
    let tenth = tenth.context("no tenth basket")?;

    // A timeline of version 0.19 shows twice what arrives just while it is made.
    watching.see_text("basket 60").await?;
    drop(watching);
    let his = Screen::open(bob.person, bob.room).await?;
    his.scroll_to_start().await?;
    let texts = his.texts().await;
    let baskets: Vec<_> = texts.iter().filter(|text| text.starts_with("basket")).collect();
    let expected: Vec<_> = (1..=60).map(|number| format!("basket {number}")).collect();
    if baskets != expected.iter().collect::<Vec<_>>() {
        anyhow::bail!("going back gave {:#?}", his.lines().await);
    }
    ensure!(texts.first().map(String::as_str) == Some("Are the apples ripe?"), "{texts:?}");
    tally.step("sixty messages further back, none is missing or twice");

    let focus = TimelineFocus::Event {
        target: tenth.clone(),
        num_context_events: 10,
        thread_mode: TimelineEventFocusThreadMode::Automatic { hide_threaded_events: true },
    };
    let link = Screen::focused(bob.person, bob.room, focus).await?;
    link.see_text("basket 10").await?;
    ensure!(!link.timeline.paginate_forwards(5).await?, "the end of the room, too early");
    link.see_text("basket 20").await?;
    tally.step("a link to a message shows what is around it");

    let mut criteria = search::Criteria::new("apples".to_owned());
    criteria.order_by = Some(search::OrderBy::Recent);
    let mut categories = search::Categories::new();
    categories.room_events = Some(criteria);
    let found = bob.person.client.send(search::Request::new(categories)).await?;
    let found = found.search_categories.room_events;
    ensure!(found.count == Some(1_u8.into()), "found {:?}", found.count);
    let hit = found.results.first().and_then(|hit| hit.result.as_ref()).context("no hit")?;
    let hit = hit.deserialize()?;
    ensure!(hit.sender() == ada.person.id()?, "found {hit:?}");
    tally.step("the server's search finds a word");
    Ok(())
}

/// What is asked of each client about notifications.
pub async fn notifications(bob: &Seat<'_>, tally: &Tally) -> Result<()> {
    let settings = bob.person.client.notification_settings().await;
    let id = bob.room.room_id();
    let changes = heard(settings.subscribe_to_changes());
    settings.set_room_notification_mode(id, RoomNotificationMode::MentionsAndKeywordsOnly).await?;
    let mode = until("a rule from the server", changes, async || {
        Ok(settings.get_user_defined_room_notification_mode(id).await)
    })
    .await?;
    ensure!(mode == RoomNotificationMode::MentionsAndKeywordsOnly, "{mode:?}");
    settings.add_keyword("orchard".to_owned()).await?;
    settings.remove_keyword("orchard").await?;
    settings.delete_user_defined_room_rules(id).await?;
    let changes = heard(settings.subscribe_to_changes());
    until_true("no rule of the room's own", changes, async || {
        Ok(settings.get_user_defined_room_notification_mode(id).await.is_none())
    })
    .await?;
    tally.step("a room is muted by a push rule, and no more");

    let ids = PusherIds::new("a key of the phone".to_owned(), "im.example.app".to_owned());
    let gateway = "https://push.example.org/_matrix/push/v1/notify".to_owned();
    let pusher = PusherInit {
        ids: ids.clone(),
        kind: PusherKind::Http(HttpPusherData::new(gateway)),
        app_display_name: "Rust".to_owned(),
        device_display_name: "phone".to_owned(),
        profile_tag: None,
        lang: "en".to_owned(),
    };
    bob.person.client.pusher().set(pusher.into(), false).await?;
    bob.person.client.pusher().delete(ids).await?;
    tally.step("a pusher is set, and taken back");
    Ok(())
}
