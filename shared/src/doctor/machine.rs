//! The machine: disks, clock, memory, limits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};

use super::inside::Inside;
use super::{Finding, within};
use crate::cli::output;
use crate::clock::Timestamp;
use crate::db::{Database, DbError};
use crate::run;

/// A server whose clock shows less has forgotten the time: 2026-01-01.
const EARLIEST: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// How far the latest row may be ahead of the clock.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// Less than this is not enough for a database to work with, whatever the floor.
const LEAST: u64 = 64 * 1024 * 1024;

/// Where it begins to matter if there is no floor.
const COMFORT: u64 = 512 * 1024 * 1024;

/// Files and folders that can still be made.
const FEW_INODES: u64 = 10_000;

/// Fewer open files than this leave no room for callers.
const FEW_OPEN_FILES: u64 = 1024;

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn disks(inside: &Inside) -> Vec<Finding> {
    let mut folders = vec![inside.data.clone()];
    folders.extend(
        inside
            .database
            .file()
            .and_then(|file| file.parent().map(Path::to_owned)),
    );
    folders.extend(inside.blobs.directory());
    let mut seen = Vec::new();
    let mut findings = Vec::new();
    for folder in folders {
        let Ok(disk) = statvfs(&folder) else { continue };
        if seen.contains(&disk.f_fsid) {
            continue;
        }
        seen.push(disk.f_fsid);
        findings.push(space(inside, &folder, disk.f_bavail.saturating_mul(disk.f_frsize)));
        if disk.f_files > 0 && disk.f_favail < FEW_INODES {
            findings.push(inodes(&folder, disk.f_favail));
        }
    }
    findings
}

fn space(inside: &Inside, folder: &Path, free: u64) -> Finding {
    const CHECK: &str = "disk";
    let (shown, key, program) = (output::size(free), inside.floor_key, inside.program);
    let place = folder.display();
    let room =
        format!("Make room on the disk of {place}: `du -xsh /*` and `journalctl --disk-usage` show what takes it.");
    if free < inside.floor {
        return Finding::error(
            CHECK,
            format!(
                "{shown} are free on the disk of {place}, less than {key} ({}): uploads are refused.",
                output::size(inside.floor)
            ),
            format!("{room} Or lower {key} in the configuration and start {program} again."),
        );
    }
    if free < LEAST {
        return Finding::error(CHECK, format!("Only {shown} are free on the disk of {place}."), room);
    }
    if free < inside.floor.saturating_mul(2).max(COMFORT) {
        return Finding::warning(
            CHECK,
            format!(
                "{shown} are free on the disk of {place}; below {} uploads are refused.",
                output::size(inside.floor)
            ),
            room,
        );
    }
    Finding::ok(CHECK, format!("{shown} are free on the disk of {place}."))
}

fn inodes(folder: &Path, left: u64) -> Finding {
    let sentence = format!(
        "Only {left} more files can be made on the disk of {}.",
        folder.display()
    );
    let remedy = "Remove many small files there, or move the data folder to another disk.";
    if left < 100 {
        Finding::error("inodes", sentence, remedy)
    } else {
        Finding::warning("inodes", sentence, remedy)
    }
}

pub(super) async fn clock(inside: &Inside, db: Option<&Database>) -> Finding {
    const CHECK: &str = "clock";
    const REMEDY: &str =
        "Let the machine keep the time: sudo timedatectl set-ntp true; `timedatectl` shows whether it does.";
    let now = inside.clock.now();
    if now < EARLIEST {
        return Finding::error(
            CHECK,
            format!("The clock shows {}, which is long past.", output::time(now)),
            REMEDY,
        );
    }
    let newest = match db {
        Some(db) => within(PATIENCE, newest(inside, db)).await.and_then(Result::ok),
        None => None,
    };
    match newest {
        Some(newest) if newest > now.plus(AHEAD) => Finding::error(
            CHECK,
            format!(
                "The clock shows {}, but the database knows of something at {}: the clock is slow, or was fast then.",
                output::time(now),
                output::time(newest)
            ),
            REMEDY,
        ),
        _ => Finding::ok(
            CHECK,
            format!("It is {}, as far as this machine can know.", output::time(now)),
        ),
    }
}

async fn newest(inside: &Inside, db: &Database) -> Result<Timestamp, DbError> {
    let mut tx = db.read().await?;
    let nanos = run!(tx, fetch_one, query_scalar::<_, i64>, inside.newest)?;
    Ok(Timestamp::from_nanos(nanos))
}

pub(super) fn memory(inside: &Inside) -> Option<Finding> {
    let limit = memory_limit()?;
    let budget = inside.http.body_budget.0;
    Some(if budget > limit / 2 {
        Finding::warning(
            "memory",
            format!(
                "http.body_budget is {}, and there are {} of memory.",
                output::size(budget),
                output::size(limit)
            ),
            format!(
                "Set body_budget in [http] to {} or less, or give the machine more memory.",
                output::size(limit / 4)
            ),
        )
    } else {
        Finding::ok(
            "memory",
            format!(
                "{}, of which requests may take {}.",
                output::size(limit),
                output::size(budget)
            ),
        )
    })
}

/// Memory that programs may take here: the machine's, or less where this runs in a container.
fn memory_limit() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    let container = std::fs::read_to_string(PathBuf::from("/sys/fs/cgroup/memory.max")).ok();
    let container = container.and_then(|text| text.trim().parse::<u64>().ok());
    Some(container.unwrap_or(u64::MAX).min(kilobytes.saturating_mul(1024)))
}

pub(super) fn open_files() -> Option<Finding> {
    let most = getrlimit(Resource::Nofile).current?;
    Some(if most < FEW_OPEN_FILES {
        Finding::warning(
            "open_files",
            format!("What is started from here may open {most} files and connections at a time."),
            "Raise it: LimitNOFILE=65536 in the systemd unit, or `ulimit -n 65536` in the shell that starts the server.",
        )
    } else {
        Finding::ok(
            "open_files",
            format!("What is started from here may open {most} files and connections."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    fn inside(floor: u64) -> Inside {
        use sqlx::migrate::Migrator;
        static NONE: Migrator = Migrator::DEFAULT;
        Inside {
            program: "server",
            version: "1",
            data: "/".into(),
            database: crate::db::DbOptions::at("sqlite:/x.db"),
            migrations: crate::db::Migrations {
                sqlite: &NONE,
                postgres: &NONE,
            },
            blobs: crate::blob::BlobOptions::at("/"),
            floor,
            floor_key: "floor",
            http: crate::config::HttpSettings::default(),
            newest: "",
            repair: String::new(),
            clock: crate::clock::Clock::manual(Timestamp::from_seconds(0)),
        }
    }

    #[test]
    fn disks_are_judged_by_the_floor_and_by_what_a_database_needs() {
        let level = |floor, free| space(&inside(floor), Path::new("/x"), free).level;
        assert_eq!(level(1000 * LEAST, 999 * LEAST), Level::Error);
        assert_eq!(level(1000 * LEAST, 1001 * LEAST), Level::Warning);
        assert_eq!(level(1000 * LEAST, 2000 * LEAST), Level::Ok);
        assert_eq!(level(0, LEAST - 1), Level::Error);
        assert_eq!(level(0, LEAST), Level::Warning);
        assert_eq!(level(0, COMFORT), Level::Ok);
    }

    #[tokio::test]
    async fn a_clock_that_has_forgotten_the_time_is_an_error() {
        let mut inside = inside(0);
        assert_eq!(clock(&inside, None).await.level, Level::Error);
        inside.clock = crate::clock::Clock::manual(EARLIEST);
        assert_eq!(clock(&inside, None).await.level, Level::Ok);
    }
}
