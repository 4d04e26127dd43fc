//! Where a server keeps its rows and bytes.

use std::any::Any;
use std::sync::Arc;

#[cfg(feature = "testing")]
use shared::testing::{self, TestBucket, TestDatabase};

/// The two set-ups that every behaviour is tried on.
#[cfg(feature = "testing")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// One machine: a SQLite file and a directory.
    SqliteLocal,
    /// Many machines: a PostgreSQL database and a bucket.
    PostgresS3,
}

/// Where a server keeps its rows and bytes. Clones mean the same place, which is there as long as any of them.
#[derive(Clone, Default)]
pub struct Storage {
    /// As environment variables of the server, without the prefix.
    pub(crate) variables: Vec<(&'static str, String)>,
    _keep: Option<Arc<dyn Any + Send + Sync>>,
}

impl Storage {
    /// A SQLite file and a directory in the server's data folder.
    #[must_use]
    pub fn local() -> Self {
        Self::default()
    }
}

#[cfg(feature = "testing")]
impl Storage {
    /// An empty place of this kind, or `None` after saying what is missing.
    #[must_use]
    pub fn fresh(setup: Setup) -> Option<Self> {
        match setup {
            Setup::SqliteLocal => Some(Self::local()),
            Setup::PostgresS3 => Some(Self::shared(testing::postgres()?, &testing::s3()?)),
        }
    }

    /// This database and this bucket.
    #[must_use]
    pub fn shared(database: TestDatabase, bucket: &TestBucket) -> Self {
        let variables = vec![
            ("DATABASE_URL", database.url.clone()),
            ("BLOB_URL", bucket.url.clone()),
            ("S3_ENDPOINT", bucket.endpoint.clone()),
            ("S3_REGION", bucket.region.clone()),
            ("S3_ACCESS_KEY_ID", bucket.access_key_id.clone()),
            ("S3_SECRET_ACCESS_KEY", bucket.secret_access_key.clone()),
            // The private server looks before it writes, which is no atomic refusal; ours never overwrites anyway.
            ("S3_CONDITIONAL_PUT", bucket.puts_are_atomic.to_string()),
        ];
        Self {
            variables,
            _keep: Some(Arc::new(database)),
        }
    }
}
