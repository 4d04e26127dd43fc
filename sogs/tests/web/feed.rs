//! Feeds.

use roxmltree::{Document, Node};

use super::in_process::{START, Server, Stores};
use super::wire::{data_message, posted};
use super::{answering, lobby, post, say};

const ATOM: &str = "http://www.w3.org/2005/Atom";

fn child<'a>(node: Node<'a, 'a>, name: &'static str) -> Node<'a, 'a> {
    node.children().find(|child| child.has_tag_name((ATOM, name))).unwrap()
}

fn text<'a>(node: Node<'a, 'a>, name: &'static str) -> &'a str {
    child(node, name).text().unwrap()
}

async fn feed(server: &Server) -> String {
    let answer = server.get("/r/lobby/feed.atom").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/atom+xml; charset=utf-8")
    );
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn all_text(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_has_the_latest_messages_newest_first() {
    let base = |settings: &mut sogs::settings::Settings| {
        settings.common.base_url = Some("https://chat.example.org".to_owned());
    };
    let server = Server::start_with(Stores::Embedded, base).await.unwrap();
    lobby(&server).await;
    let ann = server.user().await;
    let empty = feed(&server).await;
    let parsed = Document::parse(&empty).unwrap();
    assert_eq!(text(parsed.root_element(), "title"), "The room lobby");
    assert_eq!(text(parsed.root_element(), "updated"), "2023-11-14T22:13:20Z");

    let first = say(&ann, "Ann", "one\ntwo https://example.org/?a&b").await;
    server.pass(60);
    post(&ann, &answering(START.unsigned_abs() * 1000, &ann.id, "so?")).await;
    let written = feed(&server).await;
    let parsed = Document::parse(&written).unwrap();
    let root = parsed.root_element();
    assert!(root.has_tag_name((ATOM, "feed")));
    assert_eq!(text(root, "updated"), "2023-11-14T22:14:20Z");
    let links: Vec<_> = root
        .children()
        .filter(|node| node.has_tag_name((ATOM, "link")))
        .collect();
    assert_eq!(
        links[0].attribute("href"),
        Some("https://chat.example.org/r/lobby/feed.atom")
    );
    assert_eq!(links[1].attribute("href"), Some("https://chat.example.org/r/lobby/"));
    let entries: Vec<_> = root
        .children()
        .filter(|node| node.has_tag_name((ATOM, "entry")))
        .collect();
    assert_eq!(entries.len(), 2);
    assert_eq!(text(entries[0], "title"), "so?");
    assert!(all_text(child(entries[0], "content")).contains("one"), "{written}");
    let entry = entries[1];
    assert_eq!(text(entry, "title"), "one");
    assert_eq!(text(child(entry, "author"), "name"), "Ann");
    assert_eq!(text(entry, "published"), "2023-11-14T22:13:20Z");
    let place = format!("https://chat.example.org/r/lobby/?before={}#m{first}", first + 1);
    assert_eq!(child(entry, "link").attribute("href"), Some(place.as_str()));
    let content = child(entry, "content");
    assert_eq!(content.attribute("type"), Some("xhtml"));
    let link = content
        .descendants()
        .find(|node| node.tag_name().name() == "a")
        .unwrap();
    assert_eq!(link.attribute("href"), Some("https://example.org/?a&b"));
    assert!(content.descendants().any(|node| node.tag_name().name() == "br"));
    for entry in &entries {
        assert!(text(*entry, "id").starts_with("urn:uuid:"), "{written}");
    }
    assert_ne!(text(entries[0], "id"), text(entries[1], "id"));

    // What has been read stays read, also when the server has been started again.
    let before: Vec<String> = entries.iter().map(|entry| text(*entry, "id").to_owned()).collect();
    let mut server = server;
    server.restart().await;
    let written = feed(&server).await;
    let parsed = Document::parse(&written).unwrap();
    let root = parsed.root_element();
    let entries = root.children().filter(|node| node.has_tag_name((ATOM, "entry")));
    let after: Vec<String> = entries.map(|entry| text(entry, "id").to_owned()).collect();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_well_formed_whatever_people_write() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let room = lobby(&server).await;
    let ann = server.user().await;
    let hostile = "]]> <!-- & &amp; </div></content> \u{0}\u{1}\u{b}\u{1f}\u{fffe}\u{ffff}\u{202e} \"'";
    say(&ann, hostile, hostile).await;
    post(&ann, &posted(&data_message("", Some("\u{8}")))).await;
    post(&ann, b"no message").await;
    let names = sogs::store::RoomChange {
        name: Some("A <b> & \u{1}".to_owned()),
        description: Some(Some("</feed>".to_owned())),
        ..Default::default()
    };
    super::change(&server, room, names).await;
    let written = feed(&server).await;
    let parsed = Document::parse(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(text(parsed.root_element(), "title"), "A <b> &");
    assert!(
        all_text(parsed.root_element()).contains("]]> <!-- & &amp; </div></content>"),
        "{written}"
    );
}
