//! Running rooms.

use std::fs;

use super::{STRANGER, visitor};
use crate::people::Person;
use crate::sandbox::Server;
use crate::tour::Tour;

/// The smallest picture that there is.
const PICTURE: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Somebody on the page about moderating from elsewhere.
const LUCKY: &str = "151adfacb988fa696b3458edcef39ddaea984a75e7655263daaf128d3ee4451a8a";

pub(crate) fn community_commands(tour: &mut Tour) {
    tour.sandbox.install(Server::Sogs);
    tour.read("sogs COMMAND", "sogs config check");
    tour.read("05…", STRANGER);
    tour.up_to("## Rooms");
    tour.run("systemctl enable --now sogs");
    let person = visitor(tour, "lobby");
    tour.read("15…", &person.id());

    tour.up_to("sogs room image sudoku");
    fs::write(tour.sandbox.path("sources/club.png"), PICTURE).unwrap();
    tour.answer("y\n");
    tour.up_to("An image is a PNG");
    tour.run("sogs room add sudoku\nsogs room add chess");
    tour.up_to("## People");
    tour.run("sogs mod remove --all-rooms 05bca9 $(sogs user list --quiet | grep ^15)\nsogs room delete lobby --yes\nsogs room delete chess --yes\nsogs room add news");

    tour.run(&format!(
        "sogs user permit {0} --room sudoku --deny w\nsogs user ban {0} --room news",
        person.id()
    ));
    tour.up_to("The rule named is the one");
    tour.run(&format!(
        "sogs user permit {0} --room sudoku --reset w\nsogs room add secret",
        person.id()
    ));
    tour.up_to("sogs user purge 15… --dry-run");
    tour.answer("y\ny\n");
    tour.up_to("## Messages");
    tour.run(&format!("sogs user unban {0} --global", person.id()));
    messages_and_files(tour, &person);
}

fn messages_and_files(tour: &mut Tour, person: &Person) {
    let (first, second) = (
        person.writes("sudoku", "Get free coins", "Ann"),
        person.writes("sudoku", "Hello", "Ann"),
    );
    let files = [person.uploads("sudoku"), person.uploads("sudoku")];
    tour.read("4711", &first.to_string());
    tour.read("4712", &second.to_string());
    tour.up_to("sogs message delete 4711");
    person.writes("sudoku", "Get free coins", "Ann");
    tour.answer("y\n");
    tour.up_to("## Files");
    tour.read("815", &files[0].to_string());
    tour.up_to("sogs file delete 815");
    tour.answer("y\ny\n");
    tour.up_to("## What is to happen");

    tour.run(&format!(
        "sogs user ban {0} --room news --for 2d\nsogs user timeout {0} --room sudoku --for 4h",
        person.id()
    ));
    let numbers = tour.run("sogs schedule list --quiet");
    let (ban, permission) = (number(&numbers, 'b'), number(&numbers, 'p'));
    tour.read("cancel b3 p7", &format!("cancel {ban} {permission}"));
    tour.answer("y\n");
    tour.up_to("## Who changed what");
    let left = tour.run("sogs schedule list --quiet");
    assert!(
        !left.lines().any(|number| [ban, permission].contains(&number)),
        "{left}"
    );
}

fn number(numbers: &str, kind: char) -> &str {
    numbers
        .lines()
        .find(|number| number.starts_with(kind))
        .unwrap_or_else(|| panic!("{numbers}"))
}

pub(crate) fn filters(tour: &mut Tour) {
    fs::create_dir(tour.sandbox.path("etc/sogs")).unwrap();
    fs::write(tour.sandbox.path("etc/sogs/kids.txt"), "hen\n").unwrap();
}

pub(crate) fn web_pages(tour: &mut Tour) {
    tour.sandbox.install(Server::Sogs);
    tour.run("sogs init\nsogs room add sudoku");
    tour.up_to("tries the templates out");
    let page = tour.sandbox.path("etc/sogs/pages/room.html");
    let text = fs::read_to_string(&page).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(11, "{{ nothing.at_all }}");
    fs::write(&page, lines.join("\n")).unwrap();
    // The settings that the page has shown last.
    tour.fail("sogs --config /tmp/settings.toml config check");
}

pub(crate) fn remote_moderation(tour: &mut Tour) {
    tour.sandbox.install(Server::Sogs);
    tour.run("sogs init\nsogs room add sudoku\nsogs room set sudoku --rate-limit off\nsystemctl enable --now sogs");
    tour.up_to("sogs remote identity add");
    // The phrase of 13 words, of which the last one checks the others.
    let phrase = shared::crypto::recovery_phrase::encode(&shared::crypto::random()).to_string();
    let forget = "sogs remote identity remove --yes";
    tour.run(forget);
    tour.answer(&format!("{phrase}\n"));
    tour.up_to("pass show session/phrase");
    let typed = tour.run("sogs remote identity show");
    tour.run(forget);
    fs::write(tour.sandbox.path("home/phrase"), &phrase).unwrap();
    let file = tour.sandbox.path("home/phrase").display().to_string();
    tour.read("pass show session/phrase", &format!("cat {file}"));
    tour.up_to("## Once: which community");
    assert_eq!(tour.run("sogs remote identity show"), typed);

    let link = format!(
        "https://chat.example.org/sudoku?public_key={}",
        tour.sandbox.public_key(Server::Sogs)
    );
    tour.read("https://community.example.org/sudoku?public_key=6a32…43be", &link);
    tour.up_to("## Day by day");
    let id = typed.split_whitespace().find(|word| word.starts_with("05")).unwrap();
    tour.run(&format!("sogs mod add {id} --room sudoku\nsogs remote add '{link}'"));
    let (ann, lucky) = (visitor(tour, "sudoku"), visitor(tour, "sudoku"));
    ann.writes("sudoku", "Is 7 the only way to go on here?", "Ann");
    lucky.writes("sudoku", "Win big, click https://example.com/win", "Lucky");
    lucky.writes("sudoku", "Last chance!", "Lucky");
    tour.read(LUCKY, &lucky.id());
    tour.up_to("Numbers go through pipes");
    ann.writes("sudoku", "See https://example.com", "Ann");
    tour.go_on();
    assert!(tour.printed().contains("deleted message"), "{}", tour.printed());
}
