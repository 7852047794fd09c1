//! A room as somebody sees it: its timeline.

use anyhow::{Context, Result};
use matrix_sdk::{
    Room,
    ruma::{
        EventId, OwnedEventId,
        events::{
            AnyMessageLikeEventContent,
            room::message::{RoomMessageEventContent, RoomMessageEventContentWithoutRelation},
        },
    },
};
use matrix_sdk_ui::{
    Timeline,
    timeline::{EventTimelineItem, RoomExt, TimelineEventItemId, TimelineFocus},
};

use crate::{person::Person, wait::until};

pub struct Screen {
    whose: String,
    pub timeline: Timeline,
}

/// The words of a message, as it is now.
pub fn body_of(item: &EventTimelineItem) -> Option<&str> {
    item.content().as_message().map(|message| message.body())
}

impl Screen {
    /// The newest messages of a room, and those that come.
    pub async fn open(person: &Person, room: &Room) -> Result<Self> {
        person.open(room.room_id()).await;
        Self::focused(person, room, TimelineFocus::Live { hide_threaded_events: true }).await
    }

    pub async fn focused(person: &Person, room: &Room, focus: TimelineFocus) -> Result<Self> {
        let timeline = room.timeline_builder().with_focus(focus).build().await?;
        Ok(Self { whose: person.name.clone(), timeline })
    }

    /// Resolves with the newest item that it holds of.
    pub async fn see(
        &self,
        what: &str,
        condition: impl Fn(&EventTimelineItem) -> bool,
    ) -> Result<EventTimelineItem> {
        let (_, changes) = self.timeline.subscribe().await;
        let what = format!("{} sees {what}", self.whose);
        let found = until(&what, changes, async || {
            let items = self.timeline.items().await;
            let mut events = items.iter().rev().filter_map(|item| item.as_event());
            Ok(events.find(|event| condition(event)).cloned())
        })
        .await;
        if found.is_err() {
            for item in self.timeline.items().await.iter().filter_map(|item| item.as_event()) {
                eprintln!("   {:?} {:?}", item.event_id(), item.content());
            }
        }
        found
    }

    /// Resolves when a message with these words has come from the server.
    pub async fn see_text(&self, text: &str) -> Result<EventTimelineItem> {
        self.see(&format!("`{text}`"), |item| {
            !item.is_local_echo() && body_of(item) == Some(text)
        })
        .await
    }

    /// Resolves when an event that is known has become what is expected.
    pub async fn see_become(
        &self,
        id: &EventId,
        what: &str,
        condition: impl Fn(&EventTimelineItem) -> bool,
    ) -> Result<EventTimelineItem> {
        self.see(what, |item| item.event_id() == Some(id) && condition(item)).await
    }

    /// Says something. @returns the event's id, once the server has it
    pub async fn say(&self, text: &str) -> Result<OwnedEventId> {
        let content = RoomMessageEventContent::text_plain(text);
        self.timeline.send(AnyMessageLikeEventContent::RoomMessage(content)).await?;
        self.id_of_text(text).await
    }

    pub async fn answer(&self, to: &EventId, text: &str) -> Result<OwnedEventId> {
        let content = RoomMessageEventContentWithoutRelation::text_plain(text);
        self.timeline.send_reply(content, to.to_owned()).await?;
        self.id_of_text(text).await
    }

    async fn id_of_text(&self, text: &str) -> Result<OwnedEventId> {
        let item = self.see_text(text).await?;
        item.event_id().map(ToOwned::to_owned).context("a remote event without an id")
    }

    /// Goes back until the room begins.
    pub async fn scroll_to_start(&self) -> Result<()> {
        for _ in 0..100 {
            if self.timeline.paginate_backwards(20).await? {
                return Ok(());
            }
        }
        anyhow::bail!("{} scrolls for ever", self.whose)
    }

    /// The words of all messages, in their order.
    pub async fn texts(&self) -> Vec<String> {
        let items = self.timeline.items().await;
        let events = items.iter().filter_map(|item| item.as_event());
        events.filter_map(|event| body_of(event).map(ToOwned::to_owned)).collect()
    }

    /// The same with the events' ids, for whoever looks for what went wrong.
    pub async fn lines(&self) -> Vec<String> {
        let items = self.timeline.items().await;
        let events = items.iter().filter_map(|item| item.as_event());
        events.map(|event| format!("{:?} {:?}", event.identifier(), body_of(event))).collect()
    }

    /// # Errors
    /// When something is not decrypted in time: keys come from the backup one by one.
    pub async fn ensure_all_is_readable(&self) -> Result<()> {
        let (_, changes) = self.timeline.subscribe().await;
        until(&format!("{} can read everything", self.whose), changes, async || {
            let items = self.timeline.items().await;
            let mut events = items.iter().filter_map(|item| item.as_event());
            Ok((!events.any(|event| event.content().is_unable_to_decrypt())).then_some(()))
        })
        .await
    }
}

pub fn item_of(id: &EventId) -> TimelineEventItemId {
    TimelineEventItemId::EventId(id.to_owned())
}
