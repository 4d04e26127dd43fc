//! `sogs.ini`, as Python's configparser reads it: values go on in lines that are indented deeper, `%%` stands for a
//! percent sign and `%(key)s` for another value, and what begins a line with `#` or `;` is a comment.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::ImportError;

/// What stands for the values that all sections have.
const DEFAULT: &str = "DEFAULT";

/// How deep values may name others, as in Python.
const DEPTH: usize = 10;

/// Stands for a bracket that begins a continued line while the file is parsed, where it begins no section.
const BRACKET: char = '\u{f8ff}';

/// A configuration file of PySOGS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini {
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ini {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`ImportError`] when it cannot be read or makes no sense.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let text = fs::read_to_string(path).map_err(ImportError::io(path))?;
        Self::parse(&text).map_err(|reason| ImportError::Ini {
            path: path.to_owned(),
            reason,
        })
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = configparser::ini::Ini::new_cs();
        parser.set_multiline(true);
        parser.set_default_section(DEFAULT);
        parser.set_inline_comment_symbols(Some(&[]));
        let parsed = parser.read(hide_brackets(text))?;
        let mut sections = BTreeMap::new();
        for (section, entries) in parsed {
            let mut kept = BTreeMap::new();
            for (key, value) in entries {
                let value = value.ok_or_else(|| format!("there is no value for {key} in [{section}]"))?;
                kept.insert(key.to_lowercase(), value.replace(BRACKET, "["));
            }
            sections.insert(section, kept);
        }
        Ok(Self { sections })
    }

    /// The names of the sections.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str).filter(|name| *name != DEFAULT)
    }

    /// The keys of a section.
    pub fn keys(&self, section: &str) -> impl Iterator<Item = &str> {
        self.sections
            .get(section)
            .into_iter()
            .flat_map(|entries| entries.keys().map(String::as_str))
    }

    /// A value, with all that it names put in its place. What cannot be is left as it stands.
    #[must_use]
    pub fn value(&self, section: &str, key: &str) -> Option<String> {
        let raw = self.raw(section, key)?;
        Some(self.interpolate(section, raw, DEPTH).unwrap_or_else(|| raw.to_owned()))
    }

    fn raw(&self, section: &str, key: &str) -> Option<&str> {
        let inside = |name: &str| self.sections.get(name)?.get(key).map(String::as_str);
        inside(section).or_else(|| inside(DEFAULT))
    }

    fn interpolate(&self, section: &str, raw: &str, depth: usize) -> Option<String> {
        let (mut text, mut rest) = (String::new(), raw);
        while let Some((before, after)) = rest.split_once('%') {
            text.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                text.push('%');
                rest = after;
                continue;
            }
            let (name, after) = after.strip_prefix('(')?.split_once(")s")?;
            let named = self.raw(section, &name.to_lowercase())?;
            text.push_str(&self.interpolate(section, named, depth.checked_sub(1)?)?);
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }
}

/// A line that continues a value may begin with a bracket. Python looks at the indentation first, the parser does not.
fn hide_brackets(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    for line in text.lines() {
        match line.split_once('[') {
            Some((indent, rest)) if !indent.is_empty() && indent.trim().is_empty() => {
                hidden.push_str(indent);
                hidden.push(BRACKET);
                hidden.push_str(rest);
            }
            _ => hidden.push_str(line),
        }
        hidden.push('\n');
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, section: &str, key: &str) -> Option<String> {
        Ini::parse(text).unwrap().value(section, key)
    }

    #[test]
    fn values_go_on_in_lines_that_are_indented() {
        let text = "[filter:*:*]\nreply =\n  Hello, \\p!\n\n  # not said\n  [Bot] Mind: the = rules\npublic: yes\n";
        let reply = value(text, "filter:*:*", "reply").unwrap();
        let lines: Vec<&str> = reply.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, ["Hello, \\p!", "[Bot] Mind: the = rules"]);
        assert_eq!(value(text, "filter:*:*", "public").as_deref(), Some("yes"));
    }

    #[test]
    fn percent_signs_are_doubled_or_name_other_values() {
        let text = "[DEFAULT]\nhost = example.org\n[net]\nbase_url = https://%(HOST)s\nname = 100%%\nodd = 5% of\nloop = %(loop)s\n";
        assert_eq!(value(text, "net", "base_url").as_deref(), Some("https://example.org"));
        assert_eq!(value(text, "net", "name").as_deref(), Some("100%"));
        assert_eq!(value(text, "net", "odd").as_deref(), Some("5% of"));
        assert_eq!(value(text, "net", "loop").as_deref(), Some("%(loop)s"));
        assert_eq!(value(text, "net", "host").as_deref(), Some("example.org"));
    }

    #[test]
    fn comments_have_lines_of_their_own_and_keys_no_case() {
        let text = "; one\n# two\n[log]\nLevel = INFO ; not a comment # nor this\n;level = DEBUG\n";
        assert_eq!(
            value(text, "log", "level").as_deref(),
            Some("INFO ; not a comment # nor this")
        );
        assert_eq!(value(text, "LOG", "level"), None);
    }

    #[test]
    fn sections_keep_their_case_and_colons() {
        let ini = Ini::parse("[room:Lobby]\nprofanity_filter = no\n[filter:*:arabic]\nreply=x\n").unwrap();
        assert_eq!(ini.sections().collect::<Vec<_>>(), ["filter:*:arabic", "room:Lobby"]);
        assert_eq!(ini.keys("room:Lobby").collect::<Vec<_>>(), ["profanity_filter"]);
    }

    #[test]
    fn what_is_no_configuration_is_told() {
        assert!(Ini::parse("[net\nx=1").is_err());
        assert!(Ini::parse("[net]\nbase_url\n").unwrap_err().contains("base_url"));
    }
}
