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
        disks.entry(disk).or_insert((path, 0)).1 += bytes;
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
