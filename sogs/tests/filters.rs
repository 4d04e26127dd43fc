//! What filters catch, and what is replied to it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod wire;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use shared::crypto::{Ed25519Public, UserId, X25519Secret};
use sogs::content::Decoded;
use sogs::filter::{Alphabet, BadFilters, Caught, FilterSettings, Filters, Kind, Reply, Room};
use wire::{bytes, data_message, number, pad, posted, said};

const ALICE: &str = "15eebed0ce49396623b3ae4aa701e9c8b20c06bc4c6e0455d46a0d73a6251a02aa";
const NOW_MS: u64 = 1_700_000_000_500;
const LOBBY: Room<'_> = Room {
    token: "lobby",
    name: "The Lobby",
};

fn server() -> X25519Secret {
    shared::crypto::init().unwrap();
    let secret = hex::decode("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20").unwrap();
    X25519Secret::from_bytes(secret.try_into().unwrap())
}

fn settings(text: &str) -> FilterSettings {
    toml::from_str(text).unwrap()
}

fn filters(text: &str) -> Filters {
    Filters::new(&settings(text), &server()).unwrap()
}

/// What happens to a member's message in the lobby.
fn verdict(filters: &Filters, data: &[u8]) -> Option<(Kind, bool)> {
    filters
        .check("lobby", data, false)
        .map(|caught| (caught.kind, caught.silent))
}

const EVERYTHING: &str = "profanity_filter = true\nalphabet_filters = ['cyrillic', 'persian', 'arabic']\n";

#[test]
fn nothing_is_filtered_unless_it_is_asked_for() {
    let none = filters("");
    for text in ["shit", "привет", "سلام"] {
        assert_eq!(none.check("lobby", &said(text), false), None);
    }
}

#[test]
fn alphabets_are_looked_for_in_their_order_and_before_words() {
    let all = filters(EVERYTHING);
    for (text, kind) in [
        ("hello", None),
        ("shit", Some(Kind::Profanity)),
        ("привет", Some(Kind::Alphabet(Alphabet::Cyrillic))),
        ("shit привет", Some(Kind::Alphabet(Alphabet::Cyrillic))),
        ("\u{67e} привет", Some(Kind::Alphabet(Alphabet::Persian))),
        // A letter that only Arabic has, and one that both have.
        ("\u{629} привет", Some(Kind::Alphabet(Alphabet::Arabic))),
        ("\u{627}", Some(Kind::Alphabet(Alphabet::Persian))),
    ] {
        assert_eq!(verdict(&all, &said(text)).map(|(kind, _)| kind), kind, "{text}");
    }
    let arabic = filters("alphabet_filters = ['arabic']");
    let caught = verdict(&arabic, &said("\u{627}")).unwrap().0;
    assert_eq!(caught, Kind::Alphabet(Alphabet::Arabic));
    assert_eq!(verdict(&arabic, &said("привет shit")), None);
}

#[test]
fn alphabets_are_looked_for_in_the_text_as_it_is_and_in_the_body_alone() {
    let cyrillic = filters("alphabet_filters = ['cyrillic']");
    assert_eq!(verdict(&cyrillic, &said("plain Latin")), None);
    assert_eq!(verdict(&cyrillic, &posted(&data_message("hello", Some("Алиса")))), None);
    assert!(verdict(&cyrillic, &said("one letter: а")).is_some());
}

#[test]
fn words_are_looked_for_in_every_text_of_a_message() {
    let words = filters("profanity_filter = true");
    for message in [
        data_message("oh shit!", None),
        data_message("hello", Some("Shit Head")),
        bytes(10, [bytes(1, "https://example.org"), bytes(2, "a shit title")].concat()),
        bytes(10, bytes(1, "https://example.org/shit")),
        bytes(102, [bytes(1, "https://example.org/r"), bytes(3, "Shit talk")].concat()),
        bytes(2, bytes(11, "what a shit caption")),
        bytes(2, bytes(7, "shit.png")),
        bytes(8, [number(1, 1), bytes(3, "shit, he said")].concat()),
    ] {
        assert_eq!(verdict(&words, &posted(&message)), Some((Kind::Profanity, true)));
        assert_eq!(verdict(&filters(""), &posted(&message)), None);
    }
    assert_eq!(
        verdict(&words, &posted(&data_message("class", Some("Scunthorpe")))),
        None
    );
}

#[test]
fn a_filter_looks_into_envelopes() {
    let envelope = [number(1, 7), number(5, NOW_MS), bytes(8, said("shit"))].concat();
    assert!(verdict(&filters(EVERYTHING), &envelope).is_some());
}

#[test]
fn what_is_no_message_passes() {
    let all = filters(EVERYTHING);
    for data in [&b""[..], b"shit", b"\xff\xff", &number(1, 1), &pad(bytes(1, "\u{434}"))] {
        assert_eq!(verdict(&all, data), None);
    }
}

#[test]
fn moderators_are_exempt_unless_they_are_not() {
    let exempt = filters("profanity_filter = true\n[rooms.strict]\nfilter_mods = true");
    assert_eq!(exempt.check("lobby", &said("shit"), true), None);
    assert!(exempt.check("strict", &said("shit"), true).is_some());
    let all = filters("profanity_filter = true\nfilter_mods = true\n[rooms.lax]\nfilter_mods = false");
    assert!(all.check("lobby", &said("shit"), true).is_some());
    assert_eq!(all.check("lax", &said("shit"), true), None);
    assert!(all.check("lax", &said("shit"), false).is_some());
}

#[test]
fn a_room_has_its_own_values_for_the_keys_it_sets_and_the_general_ones_else() {
    let filters = filters(
        "profanity_filter = true
         alphabet_filters = ['cyrillic']
         alphabet_silent = false
         [rooms.Russian]
         alphabet_filters = ['arabic']
         profanity_silent = false
         [rooms.free]
         profanity_filter = false
         alphabet_filters = []",
    );
    let in_room = |room: &str, text: &str| {
        let caught = filters.check(room, &said(text), false);
        caught.map(|caught| (caught.kind.name(), caught.silent))
    };
    assert_eq!(in_room("lobby", "shit"), Some(("profanity", true)));
    assert_eq!(in_room("lobby", "привет"), Some(("alphabet", false)));
    for token in ["russian", "Russian", "RUSSIAN"] {
        assert_eq!(in_room(token, "shit"), Some(("profanity", false)));
        assert_eq!(in_room(token, "привет"), None);
        assert_eq!(in_room(token, "سلام"), Some(("alphabet", false)));
    }
    assert_eq!(in_room("free", "shit привет"), None);
}

#[test]
fn a_list_of_the_operator_replaces_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("words.txt");
    std::fs::write(&list, "# ours\nfiddlesticks\nGood Grief\n").unwrap();
    let list = list.display();
    let own = filters(&format!(
        "profanity_filter = true\nprofanity_custom = '{list}'\n[rooms.english]\nprofanity_custom = ''"
    ));
    for text in ["f1ddlesticks", "good   grief"] {
        assert!(own.check("lobby", &said(text), false).is_some(), "{text}");
        assert!(own.check("english", &said(text), false).is_none(), "{text}");
    }
    assert!(own.check("lobby", &said("shit"), false).is_none());
    assert!(own.check("english", &said("shit"), false).is_some());

    let one_room = filters(&format!(
        "profanity_filter = true\n[rooms.own]\nprofanity_custom = '{list}'"
    ));
    assert!(one_room.check("own", &said("good grief"), false).is_some());
    assert!(one_room.check("lobby", &said("good grief"), false).is_none());
}

#[test]
fn settings_that_cannot_stand_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.txt");
    std::fs::write(&empty, "# nothing yet\n").unwrap();
    let refused = |text: &str| Filters::new(&settings(text), &server()).unwrap_err();

    let custom = |path: &str| refused(&format!("profanity_filter = true\nprofanity_custom = '{path}'"));
    assert!(matches!(custom("/nowhere/list"), BadFilters::UnreadableList { .. }));
    assert!(matches!(
        custom(&empty.display().to_string()),
        BadFilters::EmptyList { .. }
    ));
    for twice in [
        "[rooms.a]\n[rooms.A]",
        "[replies.a.'*']\nreply = ['x']\n[replies.A.'*']\nreply = ['y']",
    ] {
        assert!(matches!(refused(twice), BadFilters::SameRoom { .. }));
    }
    let nameless = refused("[replies.'*'.arabic]\nprofile_name = ' '");
    assert!(matches!(nameless, BadFilters::Nameless { room } if room == "*"));
}

proptest! {
    #[test]
    fn no_message_brings_a_filter_down(data in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        let all = filters(EVERYTHING);
        let _ = all.check("lobby", &data, false);
        let _ = all.check(&text, &said(&text), false);
    }
}

// ------------------------------------------------------------------------------------------------------- replies

fn caught(kind: Kind) -> Caught {
    Caught {
        kind,
        silent: true,
        profile_name: Some("Alice".to_owned()),
    }
}

fn reply_to(filters: &Filters, room: Room<'_>, caught: &Caught) -> Option<Reply> {
    let alice: UserId = ALICE.parse().unwrap();
    filters.reply(room, caught, &alice, &mut StdRng::seed_from_u64(1), NOW_MS)
}

fn text_of(reply: &Reply) -> String {
    Decoded::read(&reply.data).unwrap().body.unwrap()
}

/// The text replied in the lobby to a message with a listed word.
fn replied(settings: &str, caught: &Caught) -> Option<String> {
    reply_to(&filters(settings), LOBBY, caught).as_ref().map(text_of)
}

#[test]
fn a_reply_is_an_ordinary_message_by_an_author_of_its_own() {
    let filters = filters("[replies.'*'.'*']\nreply = ['Language!']");
    let reply = reply_to(&filters, LOBBY, &caught(Kind::Profanity)).unwrap();
    assert_eq!(
        reply.author.to_string(),
        "154443cc1063fe3ea1b79db51ac874cc766b57fe4242c19b04889ba3f0bd8e0d3f"
    );
    assert!(!reply.public);

    let inner = [bytes(1, "Language!"), number(7, NOW_MS), bytes(101, bytes(1, "SOGS"))].concat();
    let expected = [bytes(1, inner), number(15, NOW_MS), vec![0x80, 0x00]].concat();
    assert_eq!(reply.data, expected);
    let key = Ed25519Public::from_bytes(*reply.author.key()).unwrap();
    assert!(key.verifies(&expected, &reply.signature));
}

#[test]
fn another_name_is_another_author() {
    let with_name = |name: &str| {
        let filters = filters(&format!("[replies.'*'.'*']\nreply = ['x']\nprofile_name = '{name}'"));
        let reply = reply_to(&filters, LOBBY, &caught(Kind::Profanity)).unwrap();
        assert_eq!(Decoded::read(&reply.data).unwrap().display_name.as_deref(), Some(name));
        reply.author
    };
    assert_ne!(with_name("Bot"), with_name("SOGS"));
    assert_eq!(with_name("Bot"), with_name("Bot"));
}

#[test]
fn more_specific_settings_win_key_by_key() {
    let filters = filters(
        "[replies.'*'.'*']
         reply = ['general']
         profile_name = 'General'
         [replies.'*'.alphabet]
         reply = ['alphabet']
         public = true
         [replies.'*'.cyrillic]
         reply = ['cyrillic']
         [replies.Lobby.'*']
         profile_name = 'Lobby'
         [replies.Lobby.profanity]
         reply = ['words in the lobby']
         [replies.Lobby.arabic]
         public = false",
    );
    let reply = |token: &'static str, kind: Kind| {
        let reply = reply_to(&filters, Room { token, ..LOBBY }, &caught(kind)).unwrap();
        let name = Decoded::read(&reply.data).unwrap().display_name.unwrap();
        (text_of(&reply), name, reply.public)
    };
    let expected = |text: &str, name: &str, public| (text.to_owned(), name.to_owned(), public);
    let alphabet = Kind::Alphabet;
    assert_eq!(reply("other", Kind::Profanity), expected("general", "General", false));
    assert_eq!(
        reply("other", alphabet(Alphabet::Persian)),
        expected("alphabet", "General", true)
    );
    assert_eq!(
        reply("other", alphabet(Alphabet::Cyrillic)),
        expected("cyrillic", "General", true)
    );
    assert_eq!(
        reply("LOBBY", Kind::Profanity),
        expected("words in the lobby", "Lobby", false)
    );
    assert_eq!(
        reply("lobby", alphabet(Alphabet::Arabic)),
        expected("alphabet", "Lobby", false)
    );
    assert_eq!(
        reply("lobby", alphabet(Alphabet::Cyrillic)),
        expected("cyrillic", "Lobby", true)
    );
}

#[test]
fn a_setting_for_all_of_a_room_wins_over_one_for_an_alphabet_everywhere() {
    let settings = "[replies.'*'.cyrillic]\nreply = ['everywhere']\n[replies.lobby.'*']\nreply = ['lobby']";
    let text = replied(settings, &caught(Kind::Alphabet(Alphabet::Cyrillic)));
    assert_eq!(text.as_deref(), Some("lobby"));
}

#[test]
fn without_a_text_there_is_no_reply() {
    for settings in [
        "",
        "[replies.'*'.'*']\nprofile_name = 'Bot'",
        "[replies.other.'*']\nreply = ['x']",
        "[replies.'*'.alphabet]\nreply = ['x']",
        "[replies.'*'.'*']\nreply = ['x']\n[replies.lobby.profanity]\nreply = []",
        "[replies.'*'.'*']\nreply = ['']",
        "[replies.'*'.'*']\nreply = [' \\n']",
    ] {
        assert_eq!(replied(settings, &caught(Kind::Profanity)), None, "{settings}");
    }
}

#[test]
fn one_of_the_alternatives_is_picked() {
    let filters = filters("[replies.'*'.'*']\nreply = ['one', 'two', 'three']");
    let alice: UserId = ALICE.parse().unwrap();
    let mut rng = StdRng::seed_from_u64(7);
    let mut seen: Vec<String> = (0..64)
        .filter_map(|_| filters.reply(LOBBY, &caught(Kind::Profanity), &alice, &mut rng, NOW_MS))
        .map(|reply| text_of(&reply))
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["one", "three", "two"]);
}

#[test]
fn placeholders_are_filled_in_once() {
    let settings = r"[replies.'*'.'*']
        reply = ['\p (\@) in \r [\t]:\nno \\n, \x or \']";
    let mut alice = caught(Kind::Profanity);
    let text = replied(settings, &alice).unwrap();
    assert_eq!(
        text,
        format!("Alice (@{ALICE}) in The Lobby [lobby]:\nno \\n, \\x or \\")
    );

    alice.profile_name = Some("\\t\u{7}\n!".to_owned());
    assert!(replied(settings, &alice).unwrap().starts_with("\\t! (@"));
    alice.profile_name = Some("x".repeat(5000));
    assert!(
        replied(settings, &alice)
            .unwrap()
            .starts_with(&format!("{} (@", "x".repeat(100)))
    );
    for nameless in [None, Some(" \n".to_owned())] {
        alice.profile_name = nameless;
        assert!(replied(settings, &alice).unwrap().starts_with(&format!("{ALICE} (@")));
    }
}

#[test]
fn a_reply_never_repeats_a_name_that_would_be_filtered() {
    let filters = filters("profanity_filter = true\n[replies.'*'.'*']\nreply = ['Hi \\p']");
    for (name, greeting) in [("Bob", "Hi Bob".to_owned()), ("shit", format!("Hi {ALICE}"))] {
        let caught = filters
            .check("lobby", &posted(&data_message("shit", Some(name))), false)
            .unwrap();
        assert_eq!(text_of(&reply_to(&filters, LOBBY, &caught).unwrap()), greeting);
    }
}
