//! Two clients compare seven pictures.

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join;
use matrix_sdk::encryption::verification::{
    SasState, SasVerification, Verification, VerificationRequest, VerificationRequestState,
};

use crate::wait::until;

/// From the request on to its end.
///
/// # Errors
/// When the pictures differ or one of the two gives up.
pub async fn compare(asking: &VerificationRequest, asked: &VerificationRequest) -> Result<()> {
    asked.accept().await?;
    until("the request is taken", asking.changes(), async || match asking.state() {
        VerificationRequestState::Ready { .. } => Ok(Some(())),
        VerificationRequestState::Cancelled(why) => bail!("cancelled: {}", why.reason()),
        _ => Ok(None),
    })
    .await?;
    let first = asking.start_sas().await?.context("no comparing of pictures")?;
    let second = until("the comparing begins", asked.changes(), async || match asked.state() {
        VerificationRequestState::Transitioned { verification: Verification::SasV1(sas), .. } => {
            Ok(Some(sas))
        }
        VerificationRequestState::Cancelled(why) => bail!("cancelled: {}", why.reason()),
        _ => Ok(None),
    })
    .await?;
    second.accept().await?;
    try_join(shown(&first), shown(&second)).await?;
    let (one, other) = (first.emoji().context("none")?, second.emoji().context("none")?);
    let names = |all: &[matrix_sdk::encryption::verification::Emoji; 7]| {
        all.iter().map(|emoji| emoji.description).collect::<Vec<_>>()
    };
    ensure!(names(&one) == names(&other), "{:?} and {:?}", names(&one), names(&other));
    try_join(first.confirm(), second.confirm()).await?;
    try_join(done(&first), done(&second)).await?;
    Ok(())
}

async fn shown(sas: &SasVerification) -> Result<()> {
    until("the pictures", sas.changes(), async || match sas.state() {
        SasState::KeysExchanged { .. } => Ok(Some(())),
        SasState::Cancelled(why) => bail!("cancelled: {}", why.reason()),
        _ => Ok(None),
    })
    .await
}

async fn done(sas: &SasVerification) -> Result<()> {
    until("the end of the comparing", sas.changes(), async || match sas.state() {
        SasState::Done { .. } => Ok(Some(())),
        SasState::Cancelled(why) => bail!("cancelled: {}", why.reason()),
        _ => Ok(None),
    })
    .await
}
