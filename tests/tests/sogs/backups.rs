//! A machine is lost, and its community comes back from a backup that was made while people were busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use e2e::{Setup, random_bytes};
use serde_json::Value;

use crate::people::Person;
use crate::{on_both, start, start_with_room};

on_both!(what_was_lost_comes_back_and_apps_go_on_where_they_were);

/// People who are busy at the same time.
const PEOPLE: usize = 3;

async fn since(person: &Person, seqno: i64) -> Vec<Value> {
    let path = format!("/room/lobby/messages/since/{seqno}?limit=256");
    person.json(&path).await.as_array().unwrap().clone()
}

async fn what_was_lost_comes_back_and_apps_go_on_where_they_were(setup: Setup) {
    let mut server = start_with_room!(setup, "", "lobby");
    let person = Person::at(&server);
    let (mut posts, mut files) = (Vec::new(), Vec::new());
    for seed in 0..20 {
        posts.push(person.said("lobby", &format!("message {seed}")).await);
        files.push((person.uploaded("lobby", random_bytes(seed, 20_000)).await, seed));
    }
    let over = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..PEOPLE)
        .map(|_| {
            let (person, over) = (Person::at(&server), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    person.said("lobby", "meanwhile").await;
                }
            })
        })
        .collect();
    let backup = tempfile::tempdir().unwrap();
    let folder = backup.path().join("backup").display().to_string();
    for _ in 0..2 {
        let done = tokio::task::block_in_place(|| server.command(&["backup", &folder]));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    over.store(true, Ordering::Relaxed);
    for person in busy {
        person.await.unwrap();
    }
    let last = person.said("lobby", "lost").await;
    let mut cursor = 0;
    while let Some(message) = since(&person, cursor).await.last() {
        cursor = message["seqno"].as_i64().unwrap();
    }
    server.kill();

    // An empty machine; what it made at its first start goes.
    let mut successor = start!(setup);
    successor.stop();
    std::fs::remove_file(successor.data().join("key_x25519")).unwrap();
    let _ = successor.run(&["restore", &folder]);
    assert!(successor.run(&["check"]).contains("found     0"));
    successor.restart();

    let person = person.also_at(&successor);
    let mut there = Vec::new();
    let mut after = 0;
    loop {
        let page = since(&person, after).await;
        let Some(message) = page.last() else { break };
        after = message["seqno"].as_i64().unwrap();
        there.extend(page.iter().map(|message| message["id"].as_i64().unwrap()));
    }
    assert!(posts.iter().all(|post| there.contains(post)) && !there.contains(&last));
    for (file, seed) in files {
        let answer = person.get(&format!("/room/lobby/file/{file}")).await;
        assert_eq!(answer.body, random_bytes(seed, 20_000));
    }
    // The app knows numbers that the server has forgotten, and misses nothing.
    assert!(since(&person, cursor).await.is_empty());
    let new = person.said("lobby", "new").await;
    assert!(new > last);
    let ids: Vec<Value> = since(&person, cursor)
        .await
        .iter()
        .map(|message| message["id"].clone())
        .collect();
    assert_eq!(ids, [new]);
}
