//! The files: whether they are where they should be, and all there.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::files::bytes_folder;
use super::inside::Inside;
use super::{Finding, Report, chain};
use crate::blob::{BlobError, BlobStore};
use crate::cli::output;
use crate::db::{Database, DbError};
use crate::filing::{InstallationError, installation, verify};
use crate::run;

/// How long files are looked for.
const LOOKING: Duration = Duration::from_secs(15);

/// Files that are asked for at the same time.
const AT_ONCE: usize = 8;

const PAGE: &str = "SELECT blob, size FROM files WHERE blob > $1 ORDER BY blob LIMIT 200";

const STILL: &str = "SELECT COUNT(*) FROM files WHERE blob = $1";

const COUNT: &str = "SELECT COUNT(*) FROM files WHERE blob IS NOT NULL";

pub(super) async fn look(inside: &Inside, report: &mut Report, db: Option<&Database>) {
    let place = inside.blobs.directory();
    if let Some(folder) = &place {
        // Opening would make it.
        if !folder.exists() {
            report.add(no_folder(db, &folder.display().to_string()).await);
            return;
        }
        if let Some(finding) = bytes_folder(folder) {
            report.add(finding);
            return;
        }
    }
    let blobs = match BlobStore::open(&inside.blobs) {
        Ok(blobs) => blobs,
        Err(error) => return report.add(not_usable(&error)),
    };
    if let Err(error) = blobs.ping().await {
        return report.add(not_usable(&error));
    }
    let Some(db) = db else { return };
    match belong_together(db, &blobs).await {
        Ok(Some(finding)) => report.add(finding),
        Ok(None) => report.add(
            all_there(inside, db, &blobs)
                .await
                .unwrap_or_else(|error| broken_off(&error)),
        ),
        Err(error) => report.add(broken_off(&error)),
    }
}

async fn no_folder(db: Option<&Database>, folder: &str) -> Finding {
    let count = match db {
        Some(db) => count(db).await.unwrap_or(0),
        None => 0,
    };
    if count == 0 {
        return Finding::skipped(
            "files",
            format!("There are no files yet, nor the folder {folder} for them."),
        );
    }
    Finding::error(
        "files",
        format!("The folder {folder} is gone, and with it the bytes of {count} files."),
        "Is the disk mounted, and --data or --blob-url the same as the server's? Otherwise restore a backup.",
    )
}

fn not_usable(error: &BlobError) -> Finding {
    let said = chain(error);
    let remedy = match error {
        BlobError::Settings(_) => "Set blob_url to a folder or to s3://BUCKET/PREFIX, or leave it out.",
        BlobError::Refused(_) => {
            "Compare s3.access_key_id and s3.secret_access_key with those of the S3 service; the key must be allowed to \
             list, read, write and delete in the bucket."
        }
        BlobError::Unavailable(_) => {
            "Does the S3 service run, does the bucket exist, and are s3.endpoint and s3.region right? Here, is the disk \
             mounted?"
        }
        BlobError::Full(_) => "Make room on the disk of the files.",
        _ => "Look at the disk or the S3 service, and compare blob_url with what the server uses.",
    };
    Finding::error("files", format!("The place for files cannot be used: {said}."), remedy)
}

/// What is wrong if database and files are not of one installation.
async fn belong_together(db: &Database, blobs: &BlobStore) -> Result<Option<Finding>, DbError> {
    if installation(db).await?.is_none() {
        return Ok(Some(Finding::skipped(
            "files",
            "No server has used this database yet, so it has no files.",
        )));
    }
    Ok(match verify(db, blobs).await {
        Ok(()) => None,
        Err(InstallationError::Database(error)) => return Err(error),
        Err(InstallationError::Blobs(error)) => Some(not_usable(&error)),
        // What these say is what to do.
        Err(InstallationError::FilesGone(_)) if count(db).await? == 0 => None,
        Err(error) => Some(Finding::error(
            "files",
            "The files are not those of this database.",
            error.to_string(),
        )),
    })
}

async fn count(db: &Database) -> Result<i64, DbError> {
    let mut tx = db.read().await?;
    run!(tx, fetch_one, query_scalar::<_, i64>, COUNT)
}

/// What looking at the bytes of files has come to.
#[derive(Default)]
struct Looked {
    files: u64,
    bytes: u64,
    lost: u64,
    unreadable: Option<BlobError>,
}

async fn all_there(inside: &Inside, db: &Database, blobs: &BlobStore) -> Result<Finding, DbError> {
    const CHECK: &str = "bytes";
    let deadline = Instant::now() + LOOKING;
    let (mut after, mut looked, mut all) = (String::new(), Looked::default(), false);
    while !all && Instant::now() < deadline && looked.unreadable.is_none() {
        let mut tx = db.read().await?;
        let page = run!(tx, fetch_all, query_as::<_, (String, i64)>, PAGE, &after)?;
        drop(tx);
        match page.last() {
            Some((last, _)) => after.clone_from(last),
            None => all = true,
        }
        one_page(db, blobs, page, &mut looked).await?;
    }
    let Looked {
        files,
        bytes,
        lost,
        unreadable,
    } = looked;
    if let Some(error) = unreadable {
        return Ok(not_usable(&error));
    }
    let among = if all {
        format!("{files} files")
    } else {
        format!("the first {files} files that were looked at")
    };
    Ok(match lost {
        0 if all && files == 0 => Finding::ok(CHECK, "There are no files yet."),
        0 if all => Finding::ok(
            CHECK,
            format!("All {files} files have their bytes ({}).", output::size(bytes)),
        ),
        0 => Finding::ok(
            CHECK,
            format!("The first {files} files that were looked at have their bytes."),
        ),
        lost => Finding::error(
            CHECK,
            format!("{lost} of {among} have lost their bytes, or have too few or too many."),
            &inside.repair,
        ),
    })
}

async fn one_page(
    db: &Database,
    blobs: &BlobStore,
    page: Vec<(String, i64)>,
    looked: &mut Looked,
) -> Result<(), DbError> {
    let sizes = page.into_iter().map(|(blob, size)| async move {
        let found = match blob.parse() {
            Ok(key) => blobs.size(&key).await,
            Err(_) => Ok(None),
        };
        (blob, size, found)
    });
    let mut sizes = stream::iter(sizes).buffer_unordered(AT_ONCE);
    while let Some((blob, size, found)) = sizes.next().await {
        looked.files += 1;
        looked.bytes += size.unsigned_abs();
        match found {
            Ok(Some(found)) if found == size.unsigned_abs() => {}
            Ok(_) if is_gone(db, &blob).await? => {}
            Ok(_) => looked.lost += 1,
            Err(error) => looked.unreadable = Some(error),
        }
    }
    Ok(())
}

/// Whether the file was deleted meanwhile, or has other bytes.
async fn is_gone(db: &Database, blob: &str) -> Result<bool, DbError> {
    let mut tx = db.read().await?;
    Ok(run!(tx, fetch_one, query_scalar::<_, i64>, STILL, blob)? == 0)
}

fn broken_off(error: &DbError) -> Finding {
    Finding::error(
        "bytes",
        format!(
            "The files could not be looked at, since the database failed: {}.",
            chain(error)
        ),
        "Mend the database first.",
    )
}
