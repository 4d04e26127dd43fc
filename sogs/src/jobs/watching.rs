//! Learning what others have committed: another process on the same database, or the command line.

use std::sync::Arc;
use std::time::Duration;

use shared::db::DbError;

use crate::app::Community;

/// The pause after the database could not be asked, and the longest that what is in memory may be out of date then.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn watching(app: Arc<Community>) {
    loop {
        // Something may have happened while nobody watched.
        app.directory.forget();
        if let Err(error) = watch(&app).await {
            tracing::warn!(%error, "cannot see what others change; everything is read anew until that works again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn watch(app: &Community) -> Result<(), DbError> {
    let mut watch = app.store.database().watch().await?;
    app.directory.forget();
    loop {
        catch_up(app).await?;
        watch.changed().await?;
    }
}

/// Takes note of what others have committed.
///
/// # Errors
///
/// When the database fails.
pub async fn catch_up(app: &Community) -> Result<(), DbError> {
    app.directory.catch_up().await
}
