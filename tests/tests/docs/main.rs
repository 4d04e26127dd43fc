//! What the pages tell operators to type is typed here, in the order of each page, with the programs as they are. A page
//! cannot be added without a test, nor a block without being tried or excused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

mod links;
mod mentioned;
mod page;
mod people;
mod proxies;
mod sandbox;
mod snippets;
mod tour;
mod tours;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A test for each page: what comes between its blocks is told by a function in `tours`, if anything does.
macro_rules! pages {
    ($($name:ident $page:literal $tour:path;)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(
            #[test]
            fn $name() {
                let mut tour = tour::Tour::of($page);
                $tour(&mut tour);
                tour.go_on();
            }
        )*
    };
}

pages! {
    readme "README.md" tours::readme;
    architecture "docs/architecture.md" nothing;
    backup "docs/backup.md" tours::backup;
    community_commands "docs/community-commands.md" tours::community_commands;
    configuration_of_fileserver "docs/configuration-fileserver.md" nothing;
    configuration_of_sogs "docs/configuration-sogs.md" nothing;
    data_retention "docs/data-retention.md" nothing;
    dependencies "docs/dependencies.md" nothing;
    filters "docs/filters.md" tours::filters;
    installing "docs/installing.md" tours::installing;
    many_machines "docs/many-machines.md" tours::many_machines;
    moving_from_pysogs "docs/moving-from-pysogs.md" tours::moving_from_pysogs;
    operating_fileserver "docs/operating-fileserver.md" tours::operating_fileserver;
    operator_guide "docs/operator-guide.md" tours::operator_guide;
    performance "docs/performance.md" nothing;
    remote_moderation "docs/remote-moderation.md" tours::remote_moderation;
    troubleshooting "docs/troubleshooting.md" tours::troubleshooting;
    web_pages "docs/web-pages.md" tours::web_pages;
}

fn nothing(_: &mut tour::Tour) {}

#[test]
fn every_page_is_tried() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages = names
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"));
    let there: BTreeSet<String> = pages.chain(["README.md".to_owned()]).collect();
    let tried: BTreeSet<String> = PAGES.iter().map(|&page| page.to_owned()).collect();
    assert_eq!(
        there, tried,
        "left: the pages that there are; right: those with a test here"
    );
}
