//! Two people write to each other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::in_process::{Person, Server, Stores};
use crate::{good, numbers, on_both_stores};

on_both_stores!(two_people_write_to_each_other_and_one_clears_the_inbox);

/// A client's view of one of its two boxes.
struct Mailbox<'a> {
    person: &'a Person,
    name: &'a str,
    /// The highest id received.
    cursor: i64,
}

impl<'a> Mailbox<'a> {
    fn new(person: &'a Person, name: &'a str) -> Self {
        Self {
            person,
            name,
            cursor: 0,
        }
    }

    /// What is new: the texts.
    async fn news(&mut self) -> Vec<String> {
        let path = format!("/{}/since/{}", self.name, self.cursor);
        let answer = self.person.get(&path).await;
        if answer.status == 304 {
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("content-type"), None);
            return Vec::new();
        }
        let list = good(&answer, 200);
        let list = list.as_array().unwrap();
        for id in numbers(list, "id") {
            assert!(id > self.cursor);
            self.cursor = id;
        }
        list.iter().map(text).collect()
    }
}

fn text(message: &Value) -> String {
    String::from_utf8(STANDARD.decode(message["message"].as_str().unwrap()).unwrap()).unwrap()
}

async fn two_people_write_to_each_other_and_one_clears_the_inbox(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let (ann, bob, eve) = (server.user().await, server.user().await, server.user().await);
    let (mut to_ann, mut from_ann) = (Mailbox::new(&ann, "inbox"), Mailbox::new(&ann, "outbox"));
    let (mut to_bob, mut from_bob) = (Mailbox::new(&bob, "inbox"), Mailbox::new(&bob, "outbox"));

    write(&ann, &bob, "hi Bob").await;
    assert_eq!(to_bob.news().await, ["hi Bob"]);
    write(&bob, &ann, "hi Ann").await;
    write(&bob, &ann, "how are you?").await;
    assert_eq!(to_ann.news().await, ["hi Ann", "how are you?"]);
    write(&ann, &bob, "fine").await;
    assert_eq!(to_bob.news().await, ["fine"]);
    assert_eq!(from_ann.news().await, ["hi Bob", "fine"]);
    assert_eq!(from_bob.news().await, ["hi Ann", "how are you?"]);
    for mailbox in [&mut to_ann, &mut from_ann, &mut to_bob, &mut from_bob] {
        assert_eq!(mailbox.news().await, Vec::<String>::new());
    }
    // Nobody else sees any of it.
    assert_eq!(boxes(&eve).await, [Vec::<String>::new(), Vec::new()]);

    // Ann clears her inbox. What she wrote herself is hers to keep, and Bob's.
    let cleared = ann.delete("/inbox").await;
    assert_eq!(good(&cleared, 200), json!({ "deleted": 2 }));
    assert_eq!(boxes(&ann).await, [vec![], vec!["hi Bob", "fine"]]);
    assert_eq!(boxes(&bob).await, [vec!["hi Bob", "fine"], vec![]]);
    assert_eq!(good(&ann.delete("/inbox").await, 200), json!({ "deleted": 0 }));

    // Cursors go on as if nothing had happened.
    for mailbox in [&mut to_ann, &mut from_ann, &mut to_bob, &mut from_bob] {
        assert_eq!(mailbox.news().await, Vec::<String>::new());
    }
    write(&bob, &ann, "are you there?").await;
    assert_eq!(to_ann.news().await, ["are you there?"]);
    assert_eq!(from_bob.news().await, ["are you there?"]);

    // After fifteen days nothing is left of it.
    server.pass(15 * 86_400);
    for person in [&ann, &bob] {
        assert_eq!(boxes(person).await, [Vec::<String>::new(), Vec::new()]);
    }
}

async fn write(sender: &Person, recipient: &Person, text: &str) {
    let body = json!({ "message": STANDARD.encode(text) });
    let sent = good(&sender.post(&format!("/inbox/{}", recipient.id), &body).await, 201);
    assert_eq!(sent["sender"], sender.id);
    assert_eq!(sent["recipient"], recipient.id);
    assert!(sent.get("message").is_none());
}

/// The texts in the inbox and in the outbox.
async fn boxes(person: &Person) -> [Vec<String>; 2] {
    let texts = async |path: &str| {
        let list = good(&person.get(path).await, 200);
        list.as_array().unwrap().iter().map(text).collect::<Vec<_>>()
    };
    [texts("/inbox").await, texts("/outbox").await]
}
