//! Values that people write with units.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

/// A number of bytes, written as a number or with a unit: `10000000`, `"10 MB"`, `"256 MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A span of time, written in seconds or with units: `1209600`, `"14 days"`, `"1h 30m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A value that is never shown, not in logs and not by `config print`, and erased when it is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

const DAY: u64 = 86_400;

/// The units in which sizes are shown where they come out even; of several, the first.
const UNITS: [(&str, u64); 6] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
];

impl Span {
    /// A span of so many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A span as the argument of a command: with its unit, for whoever leaves it out hardly means seconds.
    ///
    /// # Errors
    ///
    /// With what to write instead.
    pub fn with_unit(text: &str) -> Result<Self, String> {
        match text.trim().parse::<u64>() {
            Ok(0) => Ok(Self::seconds(0)),
            Ok(_) => Err(format!(
                "{text:?} has no unit; a span of time is written as \"2d\", \"4h\" or \"1h 30m\""
            )),
            Err(_) => humantime::parse_duration(text)
                .map(Self)
                .map_err(|_| format!("{text:?} is not a span of time such as \"2d\", \"4h\" or \"1h 30m\"")),
        }
    }
}

impl Secret {
    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<bytesize::ByteSize>()
            .map(|size| Self(size.as_u64()))
            .map_err(|_| format!("{text:?} is not a size such as 10000000, \"10 MB\" or \"256 MiB\""))
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seconds) = text.parse() {
            return Ok(Self::seconds(seconds));
        }
        humantime::parse_duration(text)
            .map(Self)
            .map_err(|_| format!("{text:?} is not a span of time such as 600, \"14 days\" or \"1h 30m\""))
    }
}

struct NumberOrText<T>(fn(u64) -> T, &'static str);

impl<T: std::str::FromStr<Err = String>> Visitor<'_> for NumberOrText<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.1)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        Ok((self.0)(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        u64::try_from(value)
            .map(self.0)
            .map_err(|_| E::custom("must not be negative"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText(Size, "a number of bytes, or text such as \"10 MB\""))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText(Span::seconds, "seconds, or text such as \"14 days\""))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = UNITS
            .iter()
            .find(|(_, bytes)| self.0 >= *bytes && self.0.is_multiple_of(*bytes));
        match unit {
            Some((name, bytes)) => serializer.collect_str(&format_args!("{} {name}", self.0 / bytes)),
            None => serializer.serialize_u64(self.0),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let days = self.0.as_secs() / DAY;
        match days {
            // Months and years, which would come otherwise, have no fixed length for people.
            1.. if self.0 == Duration::from_secs(days * DAY) => {
                let unit = if days == 1 { "day" } else { "days" };
                serializer.collect_str(&format_args!("{days} {unit}"))
            }
            _ => serializer.collect_str(&humantime::format_duration(self.0)),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "(hidden)" })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

macro_rules! schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Size, "Size", { "type": ["integer", "string"], "minimum": 0 });
schema!(Span, "Span", { "type": ["integer", "string"], "minimum": 0 });
schema!(Secret, "Secret", { "type": "string" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_read_with_and_without_units() {
        assert_eq!("10 MB".parse(), Ok(Size(10_000_000)));
        assert_eq!("256 MiB".parse(), Ok(Size(268_435_456)));
        assert_eq!("10000000".parse(), Ok(Size(10_000_000)));
        assert_eq!("14 days".parse(), Ok(Span::seconds(1_209_600)));
        assert_eq!("600".parse(), Ok(Span::seconds(600)));
        assert!("ten".parse::<Size>().unwrap_err().contains("ten"));
        assert!("-1".parse::<Span>().is_err());
    }

    #[test]
    fn spans_in_commands_have_a_unit() {
        assert_eq!(Span::with_unit("2d"), Ok(Span::seconds(172_800)));
        assert_eq!(Span::with_unit("1h 30m"), Ok(Span::seconds(5_400)));
        assert_eq!(Span::with_unit("0"), Ok(Span::seconds(0)));
        for bad in ["2", "600", "-2", "soon", ""] {
            let complaint = Span::with_unit(bad).unwrap_err();
            assert!(complaint.contains("\"2d\", \"4h\""), "{complaint}");
        }
    }

    #[test]
    fn sizes_and_spans_are_shown_as_people_would_write_them() {
        for (size, text) in [
            (10_000_000, "\"10 MB\""),
            (268_435_456, "\"256 MiB\""),
            (1_000_000_000, "\"1 GB\""),
            (65_536, "\"64 KiB\""),
            (1_234, "1234"),
            (0, "0"),
        ] {
            assert_eq!(serde_json::to_string(&Size(size)).unwrap(), text);
        }
        for (seconds, text) in [
            (86_400, "1 day"),
            (60 * 86_400, "60 days"),
            (5_400, "1h 30m"),
            (0, "0s"),
        ] {
            assert_eq!(
                serde_json::to_string(&Span::seconds(seconds)).unwrap(),
                format!("{text:?}")
            );
        }
    }

    #[test]
    fn a_secret_is_neither_printed_nor_debugged() {
        let secret = Secret::from("hunter2".to_owned());
        let shown = format!("{secret:?} {}", serde_json::to_string(&secret).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(secret.expose(), "hunter2");
    }
}
