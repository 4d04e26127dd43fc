//! The blocks of a page that somebody may copy: between lines of three backticks, named by what follows the first three.

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The number of its first line.
    pub(crate) line: usize,
    /// What it is: `sh`, `console`, `text`, `toml` and so on; empty if the page does not say.
    pub(crate) kind: String,
    /// What is in it.
    pub(crate) text: String,
    /// Why it is not tried, from a comment above it that readers do not see: `<!-- not run: … -->`.
    pub(crate) excuse: Option<String>,
    /// The last file that the paragraph above names, such as `/etc/caddy/Caddyfile`.
    pub(crate) file: Option<String>,
}

const FENCE: &str = "```";
const EXCUSE: &str = "<!-- not run: ";

/// All blocks of a page, in their order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let lines: Vec<&str> = page.lines().collect();
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(kind) = lines[at].trim_start().strip_prefix(FENCE) else {
            at += 1;
            continue;
        };
        let indent = lines[at].len() - lines[at].trim_start().len();
        let length = lines[at + 1..].iter().position(|line| line.trim() == FENCE);
        let length = length.unwrap_or_else(|| panic!("line {}: no end of this block", at + 1));
        let inside = &lines[at + 1..at + 1 + length];
        let text: Vec<&str> = inside
            .iter()
            .map(|line| line.get(indent..).unwrap_or_default())
            .collect();
        let above = paragraph_above(&lines[..at]);
        blocks.push(Block {
            line: at + 2,
            kind: kind.trim().to_owned(),
            text: text.join("\n") + "\n",
            excuse: excuse(&above),
            file: file(&above),
        });
        at += length + 2;
    }
    blocks
}

/// The last lines that have text, up to an empty one; a comment is a part of it.
fn paragraph_above<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let with_text = |line: &&&str| !line.trim().is_empty();
    let mut above: Vec<&str> = lines
        .iter()
        .rev()
        .skip_while(|line| line.trim().is_empty())
        .take_while(with_text)
        .copied()
        .collect();
    above.reverse();
    if let [only] = above[..]
        && only.trim().starts_with("<!--")
    {
        let end = lines.iter().rposition(|line| *line == only).unwrap_or_default();
        above.splice(0..0, paragraph_above(&lines[..end]));
    }
    above
}

fn excuse(above: &[&str]) -> Option<String> {
    let reason = above.last()?.trim().strip_prefix(EXCUSE)?.strip_suffix("-->")?.trim();
    assert!(!reason.is_empty(), "a block that is not run needs a reason");
    Some(reason.to_owned())
}

fn file(above: &[&str]) -> Option<String> {
    let text = above.join("\n");
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| word.starts_with("/etc/") && !word.ends_with('/'))
        .last()
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_a_kind_a_line_and_no_indent() {
        let found = blocks("Text.\n\n1. Do\n\n   ```sh\n   one\n     two\n   ```\n");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].kind.as_str(), found[0].text.as_str()),
            (6, "sh", "one\n  two\n")
        );
        assert!(found[0].excuse.is_none() && found[0].file.is_none());
    }

    #[test]
    fn what_stands_above_excuses_a_block_and_names_its_file() {
        let page = "With `x` in `/etc/a/b.toml`:\n\n<!-- not run: no such thing -->\n```toml\n```\n\n```\nx\n```\n";
        let found = blocks(page);
        assert_eq!(found[0].excuse.as_deref(), Some("no such thing"));
        assert_eq!(found[0].file.as_deref(), Some("/etc/a/b.toml"));
        assert_eq!(found[1].kind, "");
        assert!(found[1].excuse.is_none());
    }
}
