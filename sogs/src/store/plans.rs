//! How SQLite goes about a statement, for tests that pin that it uses the indexes.

use shared::db::{Database, DbOptions, Parts, Runner};
use sqlx::AssertSqlSafe;

/// The steps of the plan, a line each.
pub(super) async fn plan(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let options = DbOptions::at(format!("sqlite:{}", folder.path().join("plans.db").display()));
    let database = Database::open(&options, &super::MIGRATIONS).await.unwrap();
    let mut tx = database.read().await.unwrap();
    let Parts::Sqlite(connection) = tx.parts().await.unwrap() else {
        panic!("this is SQLite");
    };
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(connection).await.unwrap();
    rows.into_iter().map(|(_, _, _, step)| step).collect()
}

/// Fails if the plan looks at every row of a table, or sorts, or makes an index for the occasion. Lists that came with
/// the statement are looked at as a whole, and what was found may be sorted.
pub(super) async fn assert_indexed(text: &str, may_sort: bool) {
    for step in plan(text).await {
        let whole_table = step.starts_with("SCAN")
            && !["list", "page", "plan", "first", "json_each", "CONSTANT"]
                .iter()
                .any(|name| step.contains(name));
        let sorts = step.contains("USE TEMP B-TREE") && !may_sort;
        assert!(!whole_table && !sorts && !step.contains("AUTOMATIC"), "{step}\n{text}");
    }
}
