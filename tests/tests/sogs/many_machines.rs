//! Several processes on one database and one bucket behave as one.

use std::collections::BTreeSet;

use e2e::{Setup, Sogs, eventually, random_bytes, soon};
use serde_json::{Value, json};
use shared::client::Request;

use crate::people::{Person, number, text, with_json};
use crate::{json, knows, with_room};

/// People who post at the same time, and how much.
const WRITERS: usize = 6;
const POSTS: usize = 20;

async fn two_machines() -> Option<[Sogs; 2]> {
    let one = Sogs::start(Setup::PostgresS3, "")?;
    let other = one.another();
    assert_eq!(one.key(), other.key());
    with_room(&one, "lobby");
    knows(&one, "lobby").await;
    knows(&other, "lobby").await;
    Some([one, other])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_changes_the_other_shows() {
    let Some(machines) = two_machines().await else { return };
    for [here, there] in [[0, 1], [1, 0]] {
        let (here, there) = (&machines[here], &machines[there]);
        let admin = Person::at(here);
        let reader = Person::at(there);
        let appoint = ["mod", "add", &admin.account_id(), "--room", "lobby", "--admin"];
        let _ = here.run(&appoint);
        eventually("the appointment holds", async || {
            admin.json("/room/lobby").await["admin"] == true
        })
        .await;

        // The room itself.
        let name = format!("The room of {}", admin.id);
        let change = with_json("PUT", "/room/lobby", &json!({ "name": name }));
        assert_eq!(admin.call(change).await.status, 200);
        eventually("the name is known", async || {
            reader.json("/room/lobby/pollInfo/0").await["details"]["name"] == name.as_str()
        })
        .await;

        // A message with a picture, a reaction and a pin.
        let sequence = reader.json("/room/lobby").await["message_sequence"].clone();
        let since = format!("/room/lobby/messages/since/{sequence}?t=r");
        let picture = random_bytes(1, 300_000);
        let file = admin.uploaded("lobby", picture.clone()).await;
        let mut body: Value = json(&crate::people::message("lobby", "look").body);
        body["files"] = json!([file.to_string()]);
        let id = number(&admin.post("/room/lobby/message", &body).await);
        eventually("the message is there", async || {
            reader.json(&since).await[0]["id"] == id
        })
        .await;
        let path = format!("/room/lobby/file/{file}");
        assert!(reader.get(&path).await.body == picture);
        let reaction = Request::new("PUT", &format!("/room/lobby/reaction/{id}/x"));
        assert_eq!(reader.call(reaction).await.status, 200);
        eventually("the reaction is there", async || {
            admin.json(&since).await[0]["reactions"]["x"]["count"] == 1
        })
        .await;
        let pin = Request::new("POST", &format!("/room/lobby/pin/{id}"));
        assert_eq!(admin.call(pin).await.status, 200);
        eventually("the pin is there", async || {
            reader.json("/room/lobby").await["pinned_messages"][0]["id"] == id
        })
        .await;

        // And that they are gone.
        assert_eq!(admin.delete(&format!("/room/lobby/message/{id}")).await.status, 200);
        assert_eq!(reader.get(&path).await.status, 404);
        eventually("the pin is gone", async || {
            reader.json("/room/lobby").await["pinned_messages"] == json!([])
        })
        .await;
        let late = format!("/room/lobby/messages/since/{}?t=r", sequence.as_i64().unwrap() + 1);
        eventually("the message is gone", async || {
            reader.json(&late).await[0]["deleted"] == true
        })
        .await;
        // A direct message is found however it was sent.
        let letter = json!({ "message": "aGk=" });
        assert_eq!(reader.get("/inbox/since/0").await.status, 304);
        assert_eq!(admin.post(&format!("/inbox/{}", reader.id), &letter).await.status, 201);
        eventually("the letter is there", async || {
            reader.get("/inbox/since/0").await.status == 200
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_banned_or_demoted_through_one_is_stopped_by_the_other() {
    let Some([one, other]) = two_machines().await else {
        return;
    };
    let (admin, here, there) = (Person::at(&one), Person::at(&one), Person::at(&other));
    let _ = one.run(&["mod", "add", &admin.id, "--room", "lobby", "--admin"]);
    eventually("the appointment holds", async || {
        admin.json("/room/lobby").await["admin"] == true
    })
    .await;
    let ban = json!({ "rooms": ["lobby"] });
    there.said("lobby", "I may").await;
    for (action, status) in [("ban", 403), ("unban", 201)] {
        let path = format!("/user/{}/{action}", there.id);
        assert_eq!(admin.post(&path, &ban).await.status, 200);
        eventually("it holds there", async || {
            there.say("lobby", "may I?").await.status == status
        })
        .await;
        assert_eq!(there.also_at(&one).say("lobby", "may I?").await.status, status);
    }

    let role = async |moderator: bool| {
        let body = json!({ "rooms": ["lobby"], "moderator": moderator, "admin": false });
        let answer = admin.post(&format!("/user/{}/moderator", there.id), &body).await;
        assert_eq!(answer.status, 200);
    };
    role(true).await;
    eventually("they may moderate", async || {
        let id = here.said("lobby", "delete me").await;
        there.delete(&format!("/room/lobby/message/{id}")).await.status == 200
    })
    .await;
    role(false).await;
    eventually("they may not any more", async || {
        let id = here.said("lobby", "delete me").await;
        there.delete(&format!("/room/lobby/message/{id}")).await.status == 403
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_through_both_interleave_and_a_poller_of_each_misses_nothing() {
    let Some(machines) = two_machines().await else { return };
    let before = Person::at(&machines[0]).json("/room/lobby").await["message_sequence"]
        .as_i64()
        .unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let person = Person::at(&machines[number % 2]);
            tokio::spawn(async move {
                for post in 0..POSTS {
                    person.said("lobby", &format!("{number}: {post}")).await;
                }
            })
        })
        .collect();
    let pollers = machines.each_ref().map(|machine| {
        let person = Person::at(machine);
        soon("reading everything", read_everything(person, before))
    });
    let [first, second] = pollers;
    let (first, second) = tokio::join!(first, second);
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(first, second);
    let texts: BTreeSet<String> = first.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(texts.len(), WRITERS * POSTS, "each of them once");
    let seqnos: Vec<i64> = first.iter().map(|(seqno, _)| *seqno).collect();
    let last = before + i64::try_from(WRITERS * POSTS).unwrap();
    assert_eq!(seqnos, (before + 1..=last).collect::<Vec<_>>());
    // What one person said stands in the order in which they said it.
    for number in 0..WRITERS {
        let own = format!("{number}: ");
        let own: Vec<&str> = first.iter().filter_map(|(_, text)| text.strip_prefix(&own)).collect();
        assert_eq!(own, (0..POSTS).map(|post| post.to_string()).collect::<Vec<_>>());
    }
}

/// Polls until all is there that the writers were to post: the sequence numbers and the texts.
async fn read_everything(person: Person, mut cursor: i64) -> Vec<(i64, String)> {
    let mut seen = Vec::new();
    while seen.len() < WRITERS * POSTS {
        let page = person.json(&format!("/room/lobby/messages/since/{cursor}?t=r")).await;
        for message in page.as_array().unwrap() {
            let seqno = message["seqno"].as_i64().unwrap();
            assert!(seqno > cursor, "{message}");
            cursor = seqno;
            seen.push((seqno, text(message)));
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_dies_the_other_goes_on_and_does_the_timed_work() {
    let Some([mut one, other]) = two_machines().await else {
        return;
    };
    let (moderator, person) = (Person::at(&other), Person::at(&other));
    let _ = one.run(&["mod", "add", &moderator.id, "--room", "lobby"]);
    eventually("the appointment holds", async || {
        moderator.json("/room/lobby").await["moderator"] == true
    })
    .await;
    one.kill();
    let ban = json!({ "rooms": ["lobby"], "timeout": 1 });
    let path = format!("/user/{}/ban", person.id);
    assert_eq!(moderator.post(&path, &ban).await.status, 200);
    assert_eq!(person.say("lobby", "x").await.status, 403);
    eventually("the ban ends", async || person.say("lobby", "x").await.status == 201).await;
}
