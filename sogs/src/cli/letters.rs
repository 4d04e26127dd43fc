//! Permissions as letters.

use std::str::FromStr;

use crate::model::Defaults;

/// Some of the four permissions: r, w, u, a.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Letters {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) upload: bool,
    pub(super) accessible: bool,
}

impl Letters {
    /// Each permission that is among these, by its place in `rwua`.
    fn flags(self) -> [bool; 4] {
        [self.read, self.write, self.upload, self.accessible]
    }

    /// What those are called that are among these.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let named = NAMES.into_iter().zip(self.flags());
        named.filter_map(|(name, given)| given.then_some(name))
    }

    /// Whether a permission is in both.
    pub(super) fn meets(self, other: Self) -> bool {
        let pairs = self.flags().into_iter().zip(other.flags());
        pairs.into_iter().any(|(one, other)| one && other)
    }
}

impl FromStr for Letters {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut letters = Self::default();
        for letter in text.chars() {
            let flag = match letter {
                'r' => &mut letters.read,
                'w' => &mut letters.write,
                'u' => &mut letters.upload,
                'a' => &mut letters.accessible,
                _ => {
                    return Err(
                        "permissions are r (read), w (post), u (upload) and a (see that the room exists)".into(),
                    );
                }
            };
            *flag = true;
        }
        if letters == Self::default() {
            return Err("at least one of r, w, u and a is needed".into());
        }
        Ok(letters)
    }
}

/// What a permission is called.
pub(super) const NAMES: [&str; 4] = ["read", "write", "upload", "accessible"];

/// What everybody may, as `+read, +write, -upload, +accessible`.
pub(super) fn signed(defaults: Defaults) -> String {
    let Defaults {
        read,
        accessible,
        write,
        upload,
    } = defaults;
    let signs = NAMES.iter().zip([read, write, upload, accessible]);
    let signs = signs.map(|(name, granted)| format!("{}{name}", if granted { '+' } else { '-' }));
    signs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_in_any_order() {
        let letters: Letters = "ar".parse().unwrap();
        assert!(letters.read && letters.accessible && !letters.write && !letters.upload);
        assert!(letters.meets("wa".parse().unwrap()));
        assert!(!letters.meets("wu".parse().unwrap()));
        assert!("rx".parse::<Letters>().is_err());
        assert!("".parse::<Letters>().is_err());
    }
}
