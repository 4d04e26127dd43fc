//! `sogs room image`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Args;
use shared::blob::{BlobKey, BlobStore};
use shared::cli::output;
use shared::db::DbError;
use shared::filing::meet;

use crate::cli::beside::Server;
use crate::cli::scope::{number, room, title, token};
use crate::cli::why::Why;
use crate::files::Files;
use crate::model::{RoomToken, UserNo};
use crate::settings::Settings;
use crate::store::{NewFile, RoomRow};

/// Give a room an image
#[derive(Args)]
pub(in crate::cli) struct Image {
    /// The room: its token, or enough of its beginning
    #[arg(value_parser = token)]
    token: RoomToken,
    /// A picture: PNG, JPEG, GIF or WebP
    file: PathBuf,
    #[command(flatten)]
    why: Why,
}

impl Image {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let bytes = self.read(server.settings)?;
        let blobs = BlobStore::open(&server.settings.blobs()).context("the place for the files cannot be used")?;
        meet(server.store.database(), &blobs).await?;
        let files = Files::new(server.settings, server.store.clone(), blobs, server.clock.clone());
        if !files.space.is_enough() {
            bail!("less is free on the disk than files.free_space_floor says");
        }
        let size = bytes.len() as u64;
        let blob = files.write(bytes).await.context("the picture could not be stored")?;
        let room = self.use_file(server, size, blob.as_ref()).await;
        // After a commit that seemed to fail the room may have the image all the same.
        let unknown = |error: &anyhow::Error| error.downcast_ref::<DbError>().is_some_and(DbError::is_unavailable);
        if let (Err(error), Some(key)) = (&room, &blob)
            && !unknown(error)
        {
            files.discard(key).await;
        }
        let room = room?;
        println!("{} is the image of {} now", self.file.display(), title(&room));
        println!("{}", server.link(&room.token));
        server.warn_of_links();
        server.store.database().close().await;
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self, settings: &Settings) -> Result<Bytes> {
        let shown = self.file.display();
        let metadata = std::fs::metadata(&self.file).with_context(|| format!("cannot read {shown}"))?;
        let most = settings.files.max_size.0;
        if metadata.len() > most {
            bail!(
                "{shown} is too large: it has {}, and files.max_size is {}",
                output::size(metadata.len()),
                output::size(most)
            );
        }
        let bytes = std::fs::read(&self.file).with_context(|| format!("cannot read {shown}"))?;
        if !is_picture(&bytes) {
            bail!("{shown} is no picture that clients show: they take PNG, JPEG, GIF and WebP");
        }
        Ok(bytes.into())
    }

    /// Gives the bytes a row and makes that the image.
    async fn use_file(&self, server: &Server<'_>, size: u64, blob: Option<&BlobKey>) -> Result<RoomRow> {
        let mut write = server.change_because(&self.why).await?;
        let room = room(&mut write, &self.token).await?;
        let name = self.file.file_name().map(|name| name.to_string_lossy());
        let file = NewFile {
            room: number(&room),
            uploader: UserNo::SYSTEM,
            size,
            lifetime: None,
            filename: name.as_deref(),
            blob: blob.map(BlobKey::as_str),
        };
        let id = write.add_file(file).await?.context("the room was deleted in between")?;
        let lifetime = server.settings.files.lifetime();
        if !write.set_image(number(&room), id, lifetime).await? {
            bail!("the room was deleted in between");
        }
        write.commit().await?;
        Ok(room)
    }
}

/// Whether these are the bytes of a picture, by how they begin.
fn is_picture(bytes: &[u8]) -> bool {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let others: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"];
    webp || others.iter().any(|begin| bytes.starts_with(begin))
}
