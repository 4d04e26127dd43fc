//! A community that is moved here from another server: whether that is under way, and what follows from ids that others
//! handed out.

use shared::db::{DbError, PerDialect};
use shared::run;

use super::{Store, Write};

/// A move that was begun and not finished.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Unfinished {
    /// Where from.
    pub source: String,
    /// The public key of the community, in hex.
    pub public_key: String,
    /// From which the places of its files are derived.
    pub seed: String,
}

impl Unfinished {
    /// Why nothing else can be done with this database, and what to do.
    #[must_use]
    pub fn complaint(&self) -> String {
        format!(
            "a community is being moved here and that is not finished: run `sogs import pysogs {}` again. To begin with \
             nothing instead, use an empty data folder and an empty database",
            self.source
        )
    }
}

const UNFINISHED: &str = "SELECT source, public_key, seed FROM unfinished_import";

/// Nobody counts who is only the server itself.
const USED: &str = "SELECT (SELECT COUNT(*) FROM rooms) + (SELECT COUNT(*) FROM former_rooms)
        + (SELECT COUNT(*) FROM files) + (SELECT COUNT(*) FROM users WHERE id <> 0)";

const BEGIN: &str = "INSERT INTO unfinished_import (one, source, public_key, seed) VALUES (1, $1, $2, $3)";

const END: &str = "DELETE FROM unfinished_import";

const RESERVE: PerDialect = PerDialect {
    sqlite: "UPDATE sqlite_sequence SET seq = MAX(seq, $2) WHERE name = $1",
    postgres: "SELECT setval(CAST(pg_get_serial_sequence($1, 'id') AS regclass), $2, TRUE)",
};

const RESERVE_FIRST: &str = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";

const RESERVE_DIRECT: &str = "UPDATE server SET direct_message_sequence = $1 WHERE direct_message_sequence < $1";

impl Store {
    /// The move that is under way, if any.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn unfinished_import(&self) -> Result<Option<Unfinished>, DbError> {
        let mut tx = self.db.read().await?;
        run!(tx, fetch_optional, query_as::<_, Unfinished>, UNFINISHED)
    }

    /// Whether there is anything of a community in the database.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn is_used(&self) -> Result<bool, DbError> {
        let mut tx = self.db.read().await?;
        Ok(run!(tx, fetch_one, query_scalar::<_, i64>, USED)? > 0)
    }
}

impl Write {
    /// Notes that a community is being moved here.
    ///
    /// # Errors
    ///
    /// When the database fails, also if there is such a note already.
    pub async fn begin_import(&mut self, import: &Unfinished) -> Result<(), DbError> {
        let Unfinished {
            source,
            public_key,
            seed,
        } = import;
        run!(self.tx, execute, query, BEGIN, source, public_key, seed)?;
        Ok(())
    }

    /// Takes the note away, with all that was moved. False if there was none.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn end_import(&mut self) -> Result<bool, DbError> {
        self.directory_changes();
        Ok(run!(self.tx, execute, query, END)? > 0)
    }

    /// Makes sure that the next id of a table is above this one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn reserve_ids(&mut self, table: &'static str, highest: i64) -> Result<(), DbError> {
        if highest <= 0 {
            return Ok(());
        }
        let reserved = run!(self.tx, execute, query, RESERVE, table, highest)?;
        if reserved == 0 {
            run!(self.tx, execute, query, RESERVE_FIRST, table, highest)?;
        }
        Ok(())
    }

    /// The same for direct messages.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn reserve_direct_ids(&mut self, highest: i64) -> Result<(), DbError> {
        run!(self.tx, execute, query, RESERVE_DIRECT, highest)?;
        Ok(())
    }
}
