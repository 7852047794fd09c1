//! Answers that the SDK does not understand: it logs them and does without, which would hide a fault of the server.
//!
//! Most of its other warnings are about itself, such as what it cannot decrypt until the key has come.

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry,
};

/// How it speaks of an answer, or a part of one, that is not as it should be.
const SIGNS: [&str; 6] =
    ["eserializ", "invalid type", "missing field", "M_UNRECOGNIZED", "canonical JSON", "malformed"];

const HARMLESS: [&str; 2] = [
    // That a request was refused is often just what was asked; the listener in between judges refusals.
    "matrix_sdk::http_client",
    // Version 0.19 stumbles over the redactions that it makes itself until the server's have come: in rooms of version 11
    // and later it leaves the id of the redacted event empty (matrix-sdk, `send_queue/mod.rs`).
    "matrix_sdk::latest_events::latest_event::builder",
];

/// A line for each such answer, in their order.
#[derive(Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Listens from now on, in the whole program.
    pub fn listen() -> anyhow::Result<Self> {
        let warnings = Self::default();
        tracing::subscriber::set_global_default(registry().with(warnings.clone()))?;
        Ok(warnings)
    }

    /// Those that came since it was last asked.
    pub fn take(&self) -> Vec<String> {
        self.0.lock().map(|mut lines| std::mem::take(&mut *lines)).unwrap_or_default()
    }
}

impl<S: Subscriber> Layer<S> for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        let is_harmless = HARMLESS.contains(&metadata.target());
        metadata.is_span() || (*metadata.level() <= Level::WARN && !is_harmless)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}:", metadata.level(), metadata.target()));
        event.record(&mut line);
        let is_sign = SIGNS.iter().any(|sign| line.0.contains(sign));
        if is_sign && let Ok(mut lines) = self.0.lock() {
            lines.push(line.0);
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing into a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
