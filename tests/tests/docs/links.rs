//! Links from page to page lead somewhere.

use std::fs;
use std::path::Path;

/// The name by which a heading is linked.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().replace(' ', "-")
}

fn complaint(page: &Path, link: &str) -> Option<String> {
    let (file, wanted) = link
        .split_once('#')
        .map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = match file {
        "" => page.to_owned(),
        file => page.parent()?.join(file),
    };
    let Ok(text) = fs::read_to_string(&target) else {
        return Some(format!("{}: {link}: there is no such file", page.display()));
    };
    let wanted = wanted?;
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    let is_there = headings.any(|heading| anchor(heading) == wanted);
    (!is_there).then(|| format!("{}: {link}: there is no such heading", page.display()))
}

#[test]
fn links_lead_to_pages_and_headings_that_there_are() {
    let mut wrong = Vec::new();
    for page in crate::PAGES {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
        let text = fs::read_to_string(&page).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let ours = links.map(|(link, _)| link).filter(|link| !link.contains("://"));
        wrong.extend(ours.filter_map(|link| complaint(&page, link)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_heading_is_linked_without_its_punctuation() {
    assert_eq!(
        anchor("## What is kept about whom, and for how long"),
        "what-is-kept-about-whom-and-for-how-long"
    );
    assert_eq!(anchor("## 3. Switch"), "3-switch");
}
