//! All rows of one database into another, of whichever kind. What tables there are is read off the SQLite side, so that
//! none is forgotten when a schema grows.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use super::{DbError, Dialect, Parts, Runner, Tx};
use crate::run;

/// Rows that are handed over at a time, and about how many bytes of them.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 2 * 1024 * 1024;

const TABLES: &str = "SELECT name FROM sqlite_schema
    WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_sqlx\\_%' ESCAPE '\\'
    ORDER BY name";

const COLUMNS: &str = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";

const PARENTS: &str = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)";

const BOOLEANS: &str = "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = $1 AND data_type = 'boolean'";

const COUNTED: &str = "SELECT CAST(table_name AS TEXT) FROM information_schema.columns
    WHERE table_schema = current_schema() AND column_name = 'id' AND is_identity = 'YES'
    ORDER BY table_name";

const SEQUENCES: &str = "SELECT name, seq FROM sqlite_sequence ORDER BY name";

const LAST: &str = "SELECT COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence($1, 'id') AS regclass)), 0)";

const RAISE: &str = "UPDATE sqlite_sequence SET seq = MAX(seq, $2) WHERE name = $1";

const BEGIN: &str = "INSERT INTO sqlite_sequence (name, seq)
    SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)";

const SET: &str = "SELECT setval(CAST(pg_get_serial_sequence($1, 'id') AS regclass), $2)";

/// How the tables of one database are copied into another with the same schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tables<'a> {
    /// Tables that are left as they are.
    pub except: &'a [&'a str],
    /// By how much the numbers that the copy hands out next lie above those of the original.
    pub gap: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    name: String,
    columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Truth,
    Text,
    Bytes,
}

impl Tables<'_> {
    /// Puts all rows of one database in the place of those of the other, as they are in one snapshot. Numbers that the
    /// original has handed out the copy does not hand out again. One of the two must be SQLite.
    ///
    /// # Errors
    ///
    /// When either database fails; nothing is to be committed then.
    pub async fn copy(self, from: &mut Tx, into: &mut Tx) -> Result<BTreeMap<String, u64>, DbError> {
        let tables = self.tables(from, into).await?;
        for table in tables.iter().rev() {
            execute(into, format!("DELETE FROM \"{}\"", table.name)).await?;
        }
        let mut copied = BTreeMap::new();
        for table in &tables {
            let rows = table.copy(from, into).await?;
            copied.insert(table.name.clone(), rows);
        }
        for (name, last) in last_numbers(from).await? {
            if tables.iter().any(|table| table.name == name) {
                set_last_number(into, &name, last.saturating_add(self.gap)).await?;
            }
        }
        Ok(copied)
    }

    /// The tables, each after those that it refers to.
    async fn tables(self, from: &mut Tx, into: &mut Tx) -> Result<Vec<Table>, DbError> {
        let (described, other) = match (from.dialect(), into.dialect()) {
            (Dialect::Sqlite, _) => (from, into),
            (_, Dialect::Sqlite) => (into, from),
            _ => return Err(DbError::Unsupported("one of the two databases must be a SQLite file")),
        };
        let mut names = run!(described, fetch_all, query_scalar::<_, String>, TABLES)?;
        names.retain(|name| !self.except.contains(&name.as_str()));
        let (mut tables, mut done) = (Vec::new(), BTreeSet::new());
        while !names.is_empty() {
            let mut later = Vec::new();
            let before = done.len();
            for name in names {
                let parents = run!(described, fetch_all, query_scalar::<_, String>, PARENTS, &name)?;
                if parents.iter().all(|parent| *parent == name || done.contains(parent)) {
                    tables.push(Table::describe(&name, described, other).await?);
                    done.insert(name);
                } else {
                    later.push(name);
                }
            }
            if done.len() == before {
                return Err(DbError::Unsupported(
                    "tables that refer to each other in a circle cannot be copied",
                ));
            }
            names = later;
        }
        Ok(tables)
    }
}

impl Table {
    async fn describe(name: &str, described: &mut Tx, other: &mut Tx) -> Result<Self, DbError> {
        let columns = run!(described, fetch_all, query_as::<_, (String, String)>, COLUMNS, name)?;
        let truths = match other.dialect() {
            Dialect::Sqlite => Vec::new(),
            Dialect::Postgres => run!(other, fetch_all, query_scalar::<_, String>, BOOLEANS, name)?,
        };
        let columns = columns.into_iter().map(|(name, declared)| Column {
            kind: match declared.as_str() {
                "BLOB" => Kind::Bytes,
                "TEXT" => Kind::Text,
                _ if truths.contains(&name) => Kind::Truth,
                _ => Kind::Number,
            },
            name,
        });
        Ok(Self {
            name: name.to_owned(),
            columns: columns.collect(),
        })
    }

    /// Reads each row as a JSON list.
    fn select(&self, dialect: Dialect) -> String {
        let values = self.columns.iter().map(|Column { name, kind }| match (dialect, kind) {
            // Without a value, SQLite makes an empty text of it.
            (Dialect::Sqlite, Kind::Bytes) => {
                format!("CASE WHEN \"{name}\" IS NULL THEN NULL ELSE hex(\"{name}\") END")
            }
            (Dialect::Postgres, Kind::Bytes) => format!("encode(\"{name}\", 'hex')"),
            _ => format!("\"{name}\""),
        });
        let values = values.collect::<Vec<_>>().join(", ");
        match dialect {
            Dialect::Sqlite => format!("SELECT json_array({values}) FROM \"{}\"", self.name),
            Dialect::Postgres => format!(
                "SELECT CAST(jsonb_build_array({values}) AS TEXT) FROM \"{}\"",
                self.name
            ),
        }
    }

    /// Adds the rows of a JSON list of such lists.
    fn insert(&self, dialect: Dialect) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("\"{}\"", column.name))
            .collect();
        let columns = columns.join(", ");
        let values = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| match (dialect, column.kind) {
                (Dialect::Sqlite, Kind::Bytes) => format!("unhex(value ->> {at})"),
                (Dialect::Postgres, Kind::Bytes) => format!("decode(value ->> {at}, 'hex')"),
                (Dialect::Postgres, Kind::Number) => format!("CAST(value ->> {at} AS BIGINT)"),
                (Dialect::Postgres, Kind::Truth) => format!("CAST(value ->> {at} AS BOOLEAN)"),
                _ => format!("value ->> {at}"),
            });
        let values = values.collect::<Vec<_>>().join(", ");
        let list = match dialect {
            Dialect::Sqlite => "json_each($1)",
            Dialect::Postgres => "jsonb_array_elements($1::jsonb) AS value",
        };
        format!("INSERT INTO \"{}\" ({columns}) SELECT {values} FROM {list}", self.name)
    }

    async fn copy(&self, from: &mut Tx, into: &mut Tx) -> Result<u64, DbError> {
        let (select, insert) = (self.select(from.dialect()), self.insert(into.dialect()));
        match from.parts().await? {
            Parts::Sqlite(connection) => copy_from_sqlite(connection, select, into, &insert).await,
            Parts::Postgres(connection) => copy_from_postgres(connection, select, into, &insert).await,
        }
    }
}

async fn copy_from_sqlite(
    from: &mut SqliteConnection,
    select: String,
    into: &mut Tx,
    insert: &str,
) -> Result<u64, DbError> {
    let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(select)).fetch(from);
    let (mut copied, mut batch, mut bytes) = (0, Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        copied += 1;
        bytes += row.len();
        batch.push(row);
        if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
            add(into, insert, &batch).await?;
            batch.clear();
            bytes = 0;
        }
    }
    add(into, insert, &batch).await?;
    Ok(copied)
}

/// In steps, since the server limits how long a statement may take.
async fn copy_from_postgres(
    from: &mut PgConnection,
    select: String,
    into: &mut Tx,
    insert: &str,
) -> Result<u64, DbError> {
    let declare = format!("DECLARE copied_rows NO SCROLL CURSOR FOR {select}");
    sqlx::raw_sql(AssertSqlSafe(declare)).execute(&mut *from).await?;
    let fetch = format!("FETCH {BATCH_ROWS} FROM copied_rows");
    let mut copied = 0;
    loop {
        let rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(fetch.clone()))
            .persistent(false)
            .fetch_all(&mut *from);
        let rows = super::bounded(rows).await?;
        if rows.is_empty() {
            break;
        }
        copied += rows.len() as u64;
        add(into, insert, &rows).await?;
    }
    sqlx::raw_sql("CLOSE copied_rows").execute(from).await?;
    Ok(copied)
}

async fn add(into: &mut Tx, insert: &str, rows: &[String]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let list = format!("[{}]", rows.join(","));
    let insert = AssertSqlSafe(insert.to_owned());
    match into.parts().await? {
        Parts::Sqlite(connection) => sqlx::query(insert).bind(list).execute(connection).await.map(drop)?,
        Parts::Postgres(connection) => super::bounded(sqlx::query(insert).bind(list).execute(connection))
            .await
            .map(drop)?,
    }
    Ok(())
}

async fn execute(tx: &mut Tx, statement: String) -> Result<(), DbError> {
    let statement = AssertSqlSafe(statement);
    match tx.parts().await? {
        Parts::Sqlite(connection) => sqlx::query(statement).execute(connection).await.map(drop)?,
        Parts::Postgres(connection) => super::bounded(sqlx::query(statement).execute(connection))
            .await
            .map(drop)?,
    }
    Ok(())
}

/// The number that was handed out last, of each table that numbers its rows and never uses a number again.
async fn last_numbers(tx: &mut Tx) -> Result<Vec<(String, i64)>, DbError> {
    if tx.dialect() == Dialect::Sqlite {
        return run!(tx, fetch_all, query_as::<_, (String, i64)>, SEQUENCES);
    }
    let mut numbers = Vec::new();
    for name in run!(tx, fetch_all, query_scalar::<_, String>, COUNTED)? {
        let last = run!(tx, fetch_one, query_scalar::<_, i64>, LAST, &name)?;
        numbers.push((name, last));
    }
    Ok(numbers)
}

async fn set_last_number(tx: &mut Tx, table: &str, last: i64) -> Result<(), DbError> {
    if last < 1 {
        return Ok(());
    }
    match tx.dialect() {
        Dialect::Sqlite => {
            run!(tx, execute, query, RAISE, table, last)?;
            run!(tx, execute, query, BEGIN, table, last)?;
        }
        Dialect::Postgres => {
            run!(tx, fetch_one, query_scalar::<_, i64>, SET, table, last)?;
        }
    }
    Ok(())
}
