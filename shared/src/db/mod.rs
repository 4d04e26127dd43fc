//! SQLite and PostgreSQL behind one face, chosen by URL when the program starts.
//!
//! Everything happens in a transaction: [`Database::read`] gives a snapshot, [`Database::write`] the right to change
//! things, [`Database::glance`] a snapshot for a single statement, and [`run!`](crate::run) runs a statement that is written once for both. Where the dialects really differ, the
//! two texts stand side by side in a [`PerDialect`].
//!
//! What a query must keep in mind to mean the same on both: integer columns are `BIGINT`; sums are cast
//! (`CAST(COALESCE(SUM(x), 0) AS BIGINT)`); booleans are bound, never written as `1`; text holds no NUL; a statement that
//! failed ends a PostgreSQL transaction, so conflicts are handled by `ON CONFLICT` and not by catching the error.

mod database;
mod error;
mod group;
mod lanes;
mod lease;
mod migrations;
mod options;
mod postgres;
mod sqlite;
mod tables;
mod transaction;
mod watch;

pub use database::{Database, Thoroughness};
pub use error::DbError;
pub use lease::Lease;
pub use migrations::{Migrations, Schema};
pub use options::DbOptions;
#[doc(hidden)]
pub use sqlx;
pub use tables::Tables;
#[doc(hidden)]
pub use transaction::bounded;
pub use transaction::{Dialect, Glance, Parts, PerDialect, Runner, SqlText, Tx};
pub use watch::Watch;

pub use crate::run;
