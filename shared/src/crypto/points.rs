//! Point checks, remembered.

use moka::sync::Cache;

use super::ed25519::{Ed25519Public, InvalidPoint};

/// Remembers for the keys seen last whether they are good points, since the check costs more than a signature.
///
/// Clones share one memory.
#[derive(Clone, Debug)]
pub struct PointCache(Cache<[u8; 32], bool>);

impl PointCache {
    /// Remembers about so many keys, 100 to 200 bytes each.
    #[must_use]
    pub fn new(keys: u64) -> Self {
        Self(Cache::new(keys))
    }

    /// As [`Ed25519Public::from_bytes`], at once when the key was seen before.
    ///
    /// # Errors
    ///
    /// When the bytes are not a good point.
    pub fn check(&self, bytes: [u8; 32]) -> Result<Ed25519Public, InvalidPoint> {
        match self.0.get(&bytes) {
            Some(true) => Ok(Ed25519Public::trusted(bytes)),
            Some(false) => Err(InvalidPoint),
            None => {
                let checked = Ed25519Public::from_bytes(bytes);
                self.0.insert(bytes, checked.is_ok());
                checked
            }
        }
    }
}

impl Default for PointCache {
    /// Room for 10,000 keys.
    fn default() -> Self {
        Self::new(10_000)
    }
}
