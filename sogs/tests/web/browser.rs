//! The pages in a real browser: readable for everybody, and nothing in them runs.

use serde_json::{Value, json};
use shared::testing;
use sogs::store::RoomChange;

use super::driver::Window;
use super::in_process::{START, Server, Stores};
use super::wire::{bytes, data_message, number, posted};
use super::{answering, lobby, post, say, upload};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

const HOSTILE: [&str; 7] = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "\"><svg onload=window.hacked=1>",
    "\u{202e}gpj.exe reversed \u{2066}isolated",
    "Z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}\u{30b}\u{30c}\u{30d}\u{30e}\u{30f}algo",
    "javascript:window.hacked=1 and data:text/html,<script>window.hacked=1</script>",
    "مرحبا https://example.org/?q=1&r=2 שלום",
];

/// A community as it might be, and as somebody would like to break it.
async fn community() -> Server {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let room = lobby(&server).await;
    let (ann, bob) = (server.user().await, server.user().await);
    let about = RoomChange {
        name: Some("Sudoku club".to_owned()),
        description: Some(Some("Numbers, and whoever likes them.\nBe kind.".to_owned())),
        ..RoomChange::default()
    };
    super::change(&server, room, about).await;
    let hostile = server.room("hostile").await;
    let about = RoomChange {
        name: Some(HOSTILE[1].to_owned()),
        description: Some(Some(HOSTILE.join(" "))),
        ..RoomChange::default()
    };
    super::change(&server, hostile, about).await;
    server.room("x").await;

    say(
        &ann,
        "Ann",
        "Who has solved number 17? I have been at it since the morning.",
    )
    .await;
    server.pass(60);
    let hint = "Try the corner first: https://example.org/hints/17 has a picture of what I mean.";
    let hint = say(&bob, "Bob the Builder", hint).await;
    for (person, reaction) in [(&ann, "🍍"), (&bob, "🍍"), (&ann, "👍")] {
        person
            .put(&format!("/room/lobby/reaction/{hint}/{reaction}"), &json!({}))
            .await;
    }
    server.pass(60);
    post(
        &ann,
        &answering(START.unsigned_abs() * 1000 + 60_000, &bob.id, "That was it, thank you!"),
    )
    .await;
    let file = upload(&ann, "seventeen.png", "not really a picture").await;
    let pointer = [
        bytes(2, "image/png"),
        number(4, 20),
        bytes(7, "seventeen.png"),
        bytes(11, "Solved"),
        bytes(101, format!("https://chat.example.org/room/lobby/file/{file}")),
    ];
    let message = posted(&[data_message("", Some("Ann")), bytes(2, pointer.concat())].concat());
    super::post_with(&ann, &message, &json!({ "files": [file.to_string()] })).await;
    post(&bob, &answering(1, &ann.id, "And this?")).await;
    server.pass(86_400);
    for text in HOSTILE {
        say(&bob, text, text).await;
    }
    say(&bob, &"N".repeat(500), &"W".repeat(3000)).await;
    post(&bob, b"no message").await;
    for number in 0..38 {
        server.pass(20);
        say(&ann, "Ann", &format!("Message number {number}.")).await;
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_read_the_pages_and_nothing_in_them_runs() {
    let Some(browser) = testing::browser() else { return };
    let server = community().await;
    let window = Window::open(&browser).await;
    let url = server.url();
    for (device, width, height) in [("phone", 360, 740), ("desktop", 1280, 900)] {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": device == "phone" });
        window.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        for scheme in ["light", "dark"] {
            let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            window.devtools("Emulation.setEmulatedMedia", features).await;
            for (name, path) in [
                ("index", "/"),
                ("room", "/r/lobby/"),
                ("older", "/r/lobby/?before=20"),
                ("empty", "/r/hostile/"),
                ("error", "/r/nowhere/"),
            ] {
                window.go(&format!("{url}{path}")).await;
                let place = format!("{name}-{device}-{scheme}");
                keep(&window, &place).await;
                check(&window, &browser.axe, &url, &place).await;
            }
        }
    }
    window.close().await;
}

/// A picture for those who want to look.
async fn keep(window: &Window, name: &str) {
    if let Some(folder) = std::env::var_os("TEST_SCREENSHOTS") {
        let path = std::path::Path::new(&folder).join(name).with_extension("png");
        std::fs::write(path, window.picture().await).unwrap();
    }
}

async fn check(window: &Window, axe: &str, url: &str, place: &str) {
    let complaints: Vec<String> = window.complaints().await;
    // That the page itself is a 404 is one.
    let expected = if place.starts_with("error") { 1 } else { 0 };
    assert_eq!(complaints.len(), expected, "{place}: {complaints:?}");
    let facts = window
        .run(
            "return {
                hacked: window.hacked === undefined ? 'no' : 'yes',
                scripts: document.scripts.length,
                too_wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
                styled: document.styleSheets.length > 0 && document.styleSheets[0].cssRules.length > 10,
                handlers: document.querySelectorAll('[onload], [onerror], [onclick]').length,
                images_of_strangers: document.querySelectorAll('li img:not([alt=\"\"])').length,
                loaded: performance.getEntriesByType('resource').map(entry => entry.name),
                links: [...document.links].map(link => link.href),
            }",
        )
        .await;
    assert_eq!(facts["hacked"], "no", "{place}");
    for count in ["scripts", "handlers", "images_of_strangers"] {
        assert_eq!(facts[count], 0, "{place}: {count}");
    }
    assert_eq!(facts["too_wide"], false, "{place}");
    assert_eq!(facts["styled"], true, "{place}");
    for loaded in facts["loaded"].as_array().unwrap() {
        assert!(loaded.as_str().unwrap().starts_with(url), "{place}: {loaded}");
    }
    for link in facts["links"].as_array().unwrap() {
        assert!(link.as_str().unwrap().starts_with("http"), "{place}: {link}");
    }
    window.run(axe).await;
    let found = window
        .await_script(
            "const done = arguments[arguments.length - 1];
            axe.run(document).then(found => done(found.violations.map(violation => ({
                rule: violation.id,
                help: violation.help,
                nodes: violation.nodes.map(node => node.html + ' ' + node.failureSummary),
            }))), error => done([String(error)]))",
        )
        .await;
    assert_eq!(found, Value::Array(Vec::new()), "{place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_words_are_shown_as_they_were_written() {
    let Some(browser) = testing::browser() else { return };
    let server = community().await;
    let window = Window::open(&browser).await;
    window.go(&format!("{}/r/lobby/", server.url())).await;
    let all =
        |selector: &str| format!("return [...document.querySelectorAll('{selector}')].map(one => one.textContent)");
    let texts = window.run(&all(".text")).await;
    let names = window.run(&all(".who bdi")).await;
    let has = |list: &Value, text: &str| list.as_array().unwrap().iter().any(|one| one == text);
    for text in [
        HOSTILE[0],
        HOSTILE[1],
        HOSTILE[2],
        HOSTILE[6],
        "gpj.exe reversed isolated",
    ] {
        assert!(has(&texts, text), "{text} is not in {texts}");
        assert!(has(&names, text), "{text} is not in {names}");
    }
    // This one is too long for a name.
    assert!(has(&texts, HOSTILE[5]), "{texts}");
    // Neither does a heap of marks reach the lines above, nor does one text turn the next around.
    let facts = window
        .run(
            "const texts = [...document.querySelectorAll('.text')];
            const zalgo = texts.find(text => text.textContent.startsWith('Z\\u0301'));
            const arabic = texts.find(text => text.textContent.startsWith('\\u0645'));
            return {
                clipped: getComputedStyle(zalgo).overflow,
                direction: getComputedStyle(arabic).direction,
                link: arabic.querySelector('a').href,
                isolated: [...document.querySelectorAll('.who bdi')]
                    .every(name => getComputedStyle(name).unicodeBidi === 'isolate'),
            }",
        )
        .await;
    assert_eq!(
        facts,
        json!({
            "clipped": "hidden",
            "direction": "rtl",
            "link": "https://example.org/?q=1&r=2",
            "isolated": true,
        })
    );
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_gets_everywhere() {
    let Some(browser) = testing::browser() else { return };
    let server = community().await;
    let window = Window::open(&browser).await;
    window.go(&format!("{}/r/lobby/", server.url())).await;
    window.press(TAB).await;
    let focus = "const it = document.activeElement;
        const box = it.getBoundingClientRect();
        return {
            text: it.textContent,
            visible: box.left >= 0 && box.right <= innerWidth && box.height > 0,
            outline: getComputedStyle(it).outlineStyle,
        }";
    assert_eq!(
        window.run(focus).await,
        json!({ "text": "Skip to the content", "visible": true, "outline": "solid" })
    );
    window.press(ENTER).await;
    assert_eq!(window.run("return document.activeElement.id").await, "content");
    window.press(TAB).await;
    assert_eq!(window.run(focus).await["outline"], "solid");
    window.close().await;
}
