//! Waiting for what a server tells: never for a time, always for a change.

use std::{ops::AsyncFnMut, pin::pin, time::Duration};

use anyhow::{Context, Result, bail};
use futures_util::{Stream, StreamExt, stream};
use tokio::{sync::broadcast, time::timeout};

/// What takes longer has failed: all is on one machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Looks at first, and again after each change, until `probe` finds something.
///
/// # Errors
/// With `what`, when it is not there within the limit, or when there will be no more changes.
pub async fn until<T>(
    what: &str,
    changes: impl Stream,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let mut changes = pin!(changes);
    let search = async {
        loop {
            if let Some(found) = probe().await? {
                return Ok(found);
            }
            if changes.next().await.is_none() {
                bail!("nothing changes any more");
            }
        }
    };
    timeout(LIMIT, search)
        .await
        .with_context(|| format!("not within {LIMIT:?}: {what}"))?
        .with_context(|| what.to_owned())
}

/// The same for a condition.
pub async fn until_true(
    what: &str,
    changes: impl Stream,
    mut condition: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    until(what, changes, async || Ok(condition().await?.then_some(()))).await
}

/// What a broadcast says, also after some of it was missed.
pub fn heard<T: Clone>(receiver: broadcast::Receiver<T>) -> impl Stream<Item = Option<T>> {
    stream::unfold(receiver, async |mut receiver| match receiver.recv().await {
        Ok(said) => Some((Some(said), receiver)),
        Err(broadcast::error::RecvError::Lagged(_)) => Some((None, receiver)),
        Err(broadcast::error::RecvError::Closed) => None,
    })
}
