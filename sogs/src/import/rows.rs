//! Many rows at once: they go into a statement as one JSON text, on both databases.

use serde::{Serialize, Serializer};

/// The value of a column in the JSON of a row, on SQLite.
macro_rules! from_json {
    ($column:ident blob) => {
        concat!("unhex(value ->> '", stringify!($column), "')")
    };
    ($column:ident $kind:tt) => {
        concat!("value ->> '", stringify!($column), "'")
    };
}

/// The same on PostgreSQL.
macro_rules! from_record {
    ($column:ident blob) => {
        concat!("decode(", stringify!($column), ", 'hex')")
    };
    ($column:ident $kind:tt) => {
        stringify!($column)
    };
}

/// The type of a column of JSON on PostgreSQL.
macro_rules! type_of {
    (int) => {
        "BIGINT"
    };
    (flag) => {
        "BOOLEAN"
    };
    (text) => {
        "TEXT"
    };
    (blob) => {
        "TEXT"
    };
}

/// The statement that adds rows, given as a JSON array of objects. What follows the last `;` comes at its end.
macro_rules! insert {
    ($table:literal; $first:ident $of:tt $(, $column:ident $kind:tt)*; $end:literal) => {
        shared::db::PerDialect {
            sqlite: concat!(
                "INSERT INTO ", $table, " (", stringify!($first) $(, ", ", stringify!($column))*, ") SELECT ",
                from_json!($first $of) $(, ", ", from_json!($column $kind))*,
                " FROM json_each($1) WHERE TRUE ", $end
            ),
            postgres: concat!(
                "INSERT INTO ", $table, " (", stringify!($first) $(, ", ", stringify!($column))*, ") SELECT ",
                from_record!($first $of) $(, ", ", from_record!($column $kind))*,
                " FROM json_to_recordset(CAST($1 AS json)) AS given (",
                stringify!($first), " ", type_of!($of) $(, ", ", stringify!($column), " ", type_of!($kind))*, ") ", $end
            ),
        }
    };
}

/// A flag of the old database as a number, whichever database that is.
macro_rules! flag {
    ($column:literal) => {
        concat!("CAST(CAST(", $column, " AS INTEGER) AS BIGINT)")
    };
}

/// A time of the old database, in seconds.
macro_rules! seconds {
    ($column:literal) => {
        concat!("CAST(", $column, " AS DOUBLE PRECISION)")
    };
}

/// The JSON of rows. Texts, numbers and flags always make JSON.
pub(super) fn json<T: Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).unwrap_or_default()
}

/// Writes bytes as hex digits, for columns of the kind `blob`.
pub(super) fn hex<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(hex::encode).serialize(serializer)
}

/// A time of the old database in nanoseconds. Going back to seconds gives the very same number for every time of this
/// century, so that clients see no other millisecond than before.
#[expect(clippy::cast_possible_truncation, reason = "saturates, which is what is wanted")]
pub(super) fn nanos(seconds: f64) -> i64 {
    let whole = seconds.floor();
    // Exact: the fraction has no more digits than the whole.
    let fraction = ((seconds - whole) * 1e9).round();
    (whole as i64)
        .saturating_mul(1_000_000_000)
        .saturating_add(fraction as i64)
}

/// PostgreSQL has no texts with a NUL, so nobody has.
pub(super) fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::clock::Timestamp;

    use super::*;

    proptest! {
        /// From 1973 to 2096, with every fraction that a double can hold.
        #[test]
        fn a_double_of_seconds_survives_the_way_through_nanoseconds(bits in 1e8_f64.to_bits()..4e9_f64.to_bits()) {
            let seconds = f64::from_bits(bits);
            let back = Timestamp::from_nanos(nanos(seconds)).as_seconds_f64();
            prop_assert_eq!(back.to_bits(), seconds.to_bits());
            prop_assert_eq!((back * 1000.0).floor(), (seconds * 1000.0).floor());
        }
    }

    #[test]
    fn times_that_make_no_sense_become_the_nearest_that_do() {
        assert_eq!(nanos(0.0), 0);
        assert_eq!(nanos(-0.5), -500_000_000);
        assert_eq!(nanos(f64::INFINITY), i64::MAX);
        assert_eq!(nanos(1e300), i64::MAX);
        assert_eq!(nanos(f64::NAN), 0);
    }
}
