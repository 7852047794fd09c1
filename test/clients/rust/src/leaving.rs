//! Tokens, passwords, programs that end and begin again, and the end of a session.

use anyhow::{Context, Result, ensure};
use matrix_sdk::Room;

use crate::{
    chat::Seat,
    person::{Person, World},
    screen::Screen,
    tally::Tally,
};

/// A program that was not running when something was said.
pub async fn sleep_and_wake(
    world: &World,
    ada: Person,
    bob: &Seat<'_>,
    tally: &Tally,
) -> Result<Person> {
    let asleep = ada.sleep(world, "phone").await?;
    let his = Screen::open(bob.person, bob.room).await?;
    for number in 1..=30 {
        his.say(&format!("while you slept {number}")).await?;
    }
    let ada = Person::wake(world, asleep).await?;
    let room = ada.client.get_room(bob.room.room_id()).context("no room after waking")?;
    let hers = Screen::open(&ada, &room).await?;
    hers.see_text("while you slept 30").await?;
    hers.scroll_to_start().await?;
    let texts = hers.texts().await;
    let missed: Vec<_> =
        texts.iter().filter(|text| text.starts_with("while you slept")).collect();
    let expected: Vec<_> = (1..=30).map(|number| format!("while you slept {number}")).collect();
    ensure!(missed == expected.iter().collect::<Vec<_>>(), "after waking: {missed:?}");
    tally.step("a client that slept has missed nothing");
    Ok(ada)
}

/// The server ends and begins again; nobody does anything about it.
pub async fn restart(
    world: &World,
    ada: &Seat<'_>,
    bob: &Seat<'_>,
    tally: &Tally,
) -> Result<()> {
    let answer = ada.person.client.http_client().post(&world.restart_url).send().await?;
    ensure!(answer.status().is_success(), "no restart: {}", answer.status());
    let hers = Screen::open(ada.person, ada.room).await?;
    let his = Screen::open(bob.person, bob.room).await?;
    hers.say("Are you still there?").await?;
    his.see_text("Are you still there?").await?;
    his.say("As ever").await?;
    hers.see_text("As ever").await?;
    ada.person.until_synced().await?;
    bob.person.until_synced().await?;
    tally.step("the server starts anew, and the chat goes on");
    Ok(())
}

pub async fn tokens(ada: &Person, tally: &Tally) -> Result<()> {
    let before = ada.client.access_token().context("no token")?;
    ada.client.refresh_access_token().await?;
    ensure!(ada.client.access_token().as_deref() != Some(&*before), "the same token");
    ensure!(ada.client.whoami().await?.user_id == ada.id()?, "somebody else");
    tally.step("a token is renewed");
    Ok(())
}

pub async fn log_out(person: Person, room: &Room, tally: &Tally) -> Result<()> {
    room.leave().await?;
    let device = person.client.device_id().map(ToOwned::to_owned).context("no device")?;
    ensure!(person.client.device_exists(device).await?, "not among the devices");
    person.client.logout().await?;
    ensure!(person.client.whoami().await.is_err(), "the token still works");
    tally.step("logged out");
    Ok(())
}

/// The account and all its sessions end.
pub async fn deactivate(person: Person, tally: &Tally) -> Result<()> {
    let account = person.client.account();
    let refused = account.deactivate(None, None, false).await;
    let refused = refused.err().context("an account ends without a password")?;
    let session = refused.as_uiaa_response().context("no authentication")?.session.clone();
    account.deactivate(None, Some(person.password(session)?), false).await?;
    ensure!(person.client.whoami().await.is_err(), "the token still works");
    tally.step("an account is ended");
    Ok(())
}
