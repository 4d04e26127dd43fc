//! Files kept by key: in a local directory, in an S3-compatible bucket or, for tests, in memory.
//!
//! A key is ours and never holds anything a client chose. A blob is written once, whole, and is durable when
//! [`BlobStore::put`] returns; it is never changed afterwards.

mod error;
mod key;
mod local;
mod options;
mod reading;
mod s3;
mod store;

pub use error::BlobError;
pub use key::{BlobKey, InvalidKey};
pub use options::{BlobOptions, S3Options};
pub use reading::Blob;
pub use store::{BlobMeta, BlobStore, Listed};
