//! The database: whether it opens, is whole, and is of the right age.

use std::time::Duration;

use super::files::database_file;
use super::inside::Inside;
use super::{Finding, Report, chain, sentence, within};
use crate::db::{Database, DbError, Dialect, Schema, Thoroughness};

/// How long the database is read through for damage.
const READING: Duration = Duration::from_secs(20);

/// Smaller SQLite files are read through with all their indexes.
const SMALL: u64 = 64 * 1024 * 1024;

/// The oldest PostgreSQL that is tried.
const OLDEST_POSTGRES: u32 = 15;

pub(super) async fn look(inside: &Inside, report: &mut Report) -> Option<Database> {
    if let Some(finding) = inside.database.file().and_then(|file| database_file(&file)) {
        report.add(finding);
    }
    let (db, schema) = match Database::look(&inside.database, &inside.migrations).await {
        Ok(opened) => opened,
        Err(error) => {
            report.add(not_opened(inside, &error));
            return None;
        }
    };
    report.add(engine(inside, &db).await);
    let (finding, is_known) = of_schema(inside, schema);
    report.add(finding);
    report.add(integrity(inside, &db).await);
    is_known.then_some(db)
}

fn not_opened(inside: &Inside, error: &DbError) -> Finding {
    const CHECK: &str = "database";
    let said = chain(error);
    let on_file = inside.database.file().is_some();
    match error {
        DbError::Missing(_) => Finding::error(
            CHECK,
            sentence(&said),
            "Is --data or --config the same as the server's? The first start makes it. If there was one, stop the server \
             before it makes an empty one, and restore a backup.",
        ),
        DbError::Url(_) => Finding::error(
            CHECK,
            sentence(&said),
            "Set database_url to sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME, or leave it out.",
        ),
        DbError::Unavailable(_) if on_file => Finding::error(
            CHECK,
            format!("The database is busy and stays so: {said}."),
            "Does another program have it open? Stop that, or wait.",
        ),
        _ if on_file => damaged(&said),
        DbError::Unavailable(_) => Finding::error(
            CHECK,
            format!("PostgreSQL cannot be reached: {said}."),
            "Does it run (systemctl status postgresql), and are host and port in database_url right? Between machines, \
             look at listen_addresses, pg_hba.conf and the firewall.",
        ),
        _ => Finding::error(
            CHECK,
            format!("PostgreSQL refuses: {said}."),
            "Compare user, password and name of the database in database_url with those of the server: psql says more \
             with the same URL.",
        ),
    }
}

async fn engine(inside: &Inside, db: &Database) -> Finding {
    const CHECK: &str = "versions";
    let own = format!("{} {}", inside.program, inside.version);
    match db.engine().await {
        Ok(version) if db.dialect() == Dialect::Sqlite => Finding::ok(CHECK, format!("{own} with SQLite {version}.")),
        Ok(version) => {
            let major = version
                .split(['.', ' '])
                .next()
                .and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| major < OLDEST_POSTGRES) {
                return Finding::warning(
                    CHECK,
                    format!("{own} with PostgreSQL {version}, which is older than what it is tried with."),
                    format!("Upgrade PostgreSQL to {OLDEST_POSTGRES} or later."),
                );
            }
            Finding::ok(CHECK, format!("{own} with PostgreSQL {version}."))
        }
        Err(error) => damaged(&chain(&error)),
    }
}

fn of_schema(inside: &Inside, schema: Schema) -> (Finding, bool) {
    const CHECK: &str = "schema";
    match schema {
        Schema::Current(version) => (
            Finding::ok(
                CHECK,
                format!("The tables are of version {version}, as they should be."),
            ),
            true,
        ),
        Schema::Older { found, known } => (
            Finding::warning(
                CHECK,
                format!("The tables are of version {found}, this program makes them version {known}."),
                format!(
                    "Make a backup, then start {} again: that brings them up to date. An older program cannot use them \
                     afterwards.",
                    inside.program
                ),
            ),
            false,
        ),
        Schema::Newer { found, known } => (
            Finding::error(
                CHECK,
                format!(
                    "The tables are of version {found}; this program knows versions up to {known} and does not start."
                ),
                "Install the newer program again, or restore the backup that was made before the upgrade.",
            ),
            false,
        ),
        Schema::Foreign(version) => (
            Finding::error(
                CHECK,
                format!("The tables were made by another build: version {version} means something else there."),
                "Use the build that made them, or restore a backup; is database_url that of another program?",
            ),
            false,
        ),
    }
}

async fn integrity(inside: &Inside, db: &Database) -> Finding {
    const CHECK: &str = "integrity";
    if db.dialect() == Dialect::Postgres {
        return match within(READING, db.ping()).await {
            Some(Ok(())) => Finding::ok(CHECK, "The database answers. PostgreSQL looks after its own pages."),
            Some(Err(error)) => not_opened(inside, &error),
            None => Finding::error(
                CHECK,
                "PostgreSQL does not answer.",
                "Look at its log, and at the load of its machine.",
            ),
        };
    }
    let size = db
        .path()
        .and_then(|path| path.metadata().ok())
        .map_or(0, |found| found.len());
    let thoroughness = if size < SMALL {
        Thoroughness::Full
    } else {
        Thoroughness::Quick
    };
    match within(READING, db.problems(thoroughness)).await {
        None => Finding::skipped(
            CHECK,
            format!(
                "No damage in the {} seconds that the database was read for, which was not all of it.",
                READING.as_secs()
            ),
        ),
        Some(Ok(problems)) => match problems.split_first() {
            None => Finding::ok(CHECK, "The database is whole."),
            Some((first, [])) => damaged(first),
            Some((first, more)) => damaged(&format!("{first}, and {} more", more.len())),
        },
        Some(Err(error)) => damaged(&chain(&error)),
    }
}

fn damaged(said: &str) -> Finding {
    let said = said.lines().collect::<Vec<_>>().join(" ");
    Finding::error(
        "integrity",
        format!("The database is damaged: {said}."),
        "Stop the server, copy the whole data folder to another disk, then restore the latest backup. Without a backup, \
         `sqlite3 DATABASE .recover | sqlite3 NEW` saves what can be read. Look for the cause: disk (dmesg, smartctl), \
         memory, copies made while the server was running.",
    )
}
