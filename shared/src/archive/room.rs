//! Whether there is room for what is to be copied, found out before anything is.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::ArchiveError;

/// What a disk must have left afterwards.
const SPARE: u64 = 16 * 1024 * 1024;

/// Refuses if the disks of these folders, which must be there, have not so many bytes free. A disk that cannot be asked
/// counts as having room.
pub(super) fn refuse_shortage(needs: &[(&Path, u64)]) -> Result<(), ArchiveError> {
    let mut disks: BTreeMap<u64, (&Path, u64)> = BTreeMap::new();
    for (path, bytes) in needs {
        let disk = std::fs::metadata(path).map_err(ArchiveError::io(path))?.dev();
        let sum = &mut disks.entry(disk).or_insert((path, 0)).1;
        *sum = sum.saturating_add(*bytes);
    }
    for (path, bytes) in disks.into_values() {
        let needed = bytes.saturating_add(SPARE);
        let Ok(disk) = rustix::fs::statvfs(path) else { continue };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if bytes > 0 && free < needed {
            let path = path.to_owned();
            return Err(ArchiveError::NoRoom { path, free, needed });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_disk_has_room_for_is_refused_with_both_numbers() {
        let folder = std::env::temp_dir();
        assert!(refuse_shortage(&[(&folder, 1), (&folder, 2)]).is_ok());
        // Each would fit by itself into the largest of numbers; the two are on one disk.
        let half = u64::MAX / 2;
        let refused = refuse_shortage(&[(&folder, half), (&folder, half)]).unwrap_err();
        assert!(
            matches!(refused, ArchiveError::NoRoom { free, needed, .. } if free < needed),
            "{refused}"
        );
    }
}
