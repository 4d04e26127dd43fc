//! Free space on the disks that uploads go to.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Clock;

/// How long a reading counts.
const FRESH: Duration = Duration::from_secs(1);

/// Watches that the disks keep a floor of free bytes.
pub struct FreeSpace {
    folders: Vec<PathBuf>,
    floor: u64,
    clock: Clock,
    last: Mutex<Option<(Duration, bool)>>,
}

impl FreeSpace {
    /// Watches the disks under these folders; a floor of zero watches nothing.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>, floor: u64, clock: Clock) -> Self {
        Self {
            folders,
            floor,
            clock,
            last: Mutex::new(None),
        }
    }

    /// Whether an upload would still leave the floor free. A disk that cannot be asked counts as having room: the
    /// write itself will tell.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        if self.floor == 0 || self.folders.is_empty() {
            return true;
        }
        let now = self.clock.uptime();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((when, enough)) = *last
            && now.saturating_sub(when) < FRESH
        {
            return enough;
        }
        let enough = self.free().is_none_or(|free| free >= self.floor);
        *last = Some((now, enough));
        enough
    }

    /// Free bytes on the fullest of the disks, as far as they can be asked.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        let free = |folder| rustix::fs::statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        self.folders.iter().filter_map(|folder| free(folder).ok()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_reading_grows_old_also_when_the_time_is_set_back() {
        let start = Timestamp::from_seconds(1_700_000_000);
        let clock = Clock::manual(start);
        let mut space = FreeSpace::new(vec![std::env::temp_dir()], 1, clock.clone());
        assert!(space.is_enough());
        space.floor = u64::MAX;
        assert!(space.is_enough(), "the reading is fresh");
        clock.correct(start.minus(Duration::from_secs(3600)));
        clock.advance(FRESH);
        assert!(!space.is_enough());
    }

    #[test]
    fn a_floor_above_what_is_free_is_noticed() {
        let folder = vec![std::env::temp_dir()];
        assert!(FreeSpace::new(folder.clone(), 1, Clock::system()).is_enough());
        assert!(!FreeSpace::new(folder.clone(), u64::MAX, Clock::system()).is_enough());
        assert!(FreeSpace::new(folder, 0, Clock::system()).is_enough());
    }

    #[test]
    fn no_folder_means_nothing_to_watch() {
        assert!(FreeSpace::new(Vec::new(), u64::MAX, Clock::system()).is_enough());
    }
}
