//! Pictures: sent, seen, shrunk by the server, and put where a place was kept.

use anyhow::{Context, Result, ensure};
use matrix_sdk::{
    attachment::{AttachmentInfo, BaseImageInfo, Thumbnail},
    media::{MediaFormat, MediaRequestParameters, MediaThumbnailSettings},
    ruma::{
        events::room::{MediaSource, message::MessageType},
        media::Method,
        uint,
    },
};
use matrix_sdk_ui::timeline::{AttachmentConfig, AttachmentSource, EventTimelineItem};

use crate::{chat::Seat, screen::Screen, tally::Tally};

/// A picture goes from one to the other and is the same.
///
/// # Errors
/// When it is not, or when `is_sealed` is not how it was sent.
pub async fn picture(
    from: &Seat<'_>,
    to: &Seat<'_>,
    bytes: &[u8],
    is_sealed: bool,
) -> Result<MediaSource> {
    let theirs = Screen::open(from.person, from.room).await?;
    let mine = Screen::open(to.person, to.room).await?;
    let name = if is_sealed { "sealed.png" } else { "open.png" };
    let source = AttachmentSource::Data { bytes: bytes.to_vec(), filename: name.to_owned() };
    let config = AttachmentConfig {
        info: Some(AttachmentInfo::Image(BaseImageInfo::default())),
        thumbnail: Some(Thumbnail {
            data: bytes.to_vec(),
            content_type: mime::IMAGE_PNG,
            height: uint!(90),
            width: uint!(160),
            size: u32::try_from(bytes.len())?.into(),
        }),
        ..Default::default()
    };
    theirs.timeline.send_attachment(source, mime::IMAGE_PNG, config).use_send_queue().await?;
    let named = |item: &EventTimelineItem| {
        let message = item.content().as_message();
        matches!(message.map(|message| message.msgtype()),
            Some(MessageType::Image(image)) if image.filename() == name)
    };
    theirs.see("the picture sent", |item| !item.is_local_echo() && named(item)).await?;
    let item = mine.see("the picture", named).await?;
    let Some(MessageType::Image(image)) = item.content().as_message().map(|m| m.msgtype()) else {
        anyhow::bail!("no picture")
    };
    ensure!(matches!(image.source, MediaSource::Encrypted(_)) == is_sealed, "{:?}", image.source);
    let media = to.person.client.media();
    let whole = media.get_file(image, false).await?.context("no file")?;
    ensure!(whole == bytes, "{} bytes came of {}", whole.len(), bytes.len());
    let small = MediaThumbnailSettings::new(uint!(160), uint!(90));
    let small = media.get_thumbnail(image, small, false).await?.context("no thumbnail")?;
    ensure!(!small.is_empty(), "an empty thumbnail");
    Ok(image.source.clone())
}

pub async fn open_pictures(ada: &Seat<'_>, bob: &Seat<'_>, bytes: &[u8], tally: &Tally) -> Result<()> {
    let most = ada.person.client.load_or_fetch_max_upload_size().await?;
    ensure!(most > uint!(1_000_000), "uploads of at most {most}");
    let source = picture(ada, bob, bytes, false).await?;
    tally.step("a picture goes from one to the other");

    let mut settings = MediaThumbnailSettings::new(uint!(32), uint!(32));
    settings.method = Method::Crop;
    let format = MediaFormat::Thumbnail(settings);
    let media = bob.person.client.media();
    let small =
        media.get_media_content(&MediaRequestParameters { source, format }, false).await?;
    ensure!(small.len() < bytes.len(), "a thumbnail of {} bytes", small.len());
    tally.step("the server makes a thumbnail");

    let media = ada.person.client.media();
    let place = media.create_content_uri().await?;
    let uri = place.uri.clone();
    media.upload_preallocated(place, &mime::IMAGE_PNG, bytes.to_vec()).await?;
    let source = MediaSource::Plain(uri);
    let format = MediaFormat::File;
    let whole = bob
        .person
        .client
        .media()
        .get_media_content(&MediaRequestParameters { source, format }, false)
        .await?;
    ensure!(whole == bytes, "{} bytes came of {}", whole.len(), bytes.len());
    tally.step("a place is kept, and filled");
    Ok(())
}

/// What others see of a person.
pub async fn profile(ada: &crate::person::Person, bytes: &[u8], tally: &Tally) -> Result<()> {
    let account = ada.client.account();
    account.set_display_name(Some("Ada")).await?;
    ensure!(account.get_display_name().await?.as_deref() == Some("Ada"), "another name");
    let avatar = account.upload_avatar(&mime::IMAGE_PNG, bytes.to_vec()).await?;
    ensure!(account.get_avatar_url().await? == Some(avatar), "another picture");
    let seen = account.get_avatar(MediaFormat::File).await?.context("no picture")?;
    ensure!(seen == bytes, "another picture");
    tally.step("a name and a picture of one's own");
    Ok(())
}
