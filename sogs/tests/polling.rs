//! Whoever follows the sequence numbers of a room misses nothing, however many write at the same time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use in_process::{Server, Stores};
use sogs::app::Community;
use sogs::model::{RoomNo, UserNo};
use sogs::store::{MessageError, NewMessage, Query, Selection, Viewer};

const WRITERS: usize = 8;
const POSTS: usize = 25;

on_both_stores!(a_reader_who_polls_while_many_post_misses_nothing);

async fn post(app: &Community, room: RoomNo, author: UserNo) -> i64 {
    loop {
        let mut write = match app.store.write(app.clock.now()).await {
            Err(error) if error.is_unavailable() => continue,
            begun => begun.unwrap(),
        };
        let new = NewMessage {
            room,
            author,
            data: b"x",
            signature: &[7; 64],
            whisper: None,
            whisper_mods: false,
            filtered: false,
            limit: None,
        };
        match write.post(&new).await {
            Ok(posted) => {
                // Others get their turn between the number and its commit.
                tokio::task::yield_now().await;
                write.commit().await.unwrap();
                return posted.id;
            }
            Err(MessageError::Database(error)) if error.is_unavailable() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn a_reader_who_polls_while_many_post_misses_nothing(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let author = server.number_of(&server.user().await).await;
    let second = server.second().await;
    let apps = [Arc::clone(server.app()), Arc::clone(second.app())];
    let running = Arc::new(AtomicUsize::new(WRITERS));
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (app, running) = (Arc::clone(&apps[number % 2]), Arc::clone(&running));
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for _ in 0..POSTS {
                    ids.push(post(&app, room, author).await);
                }
                running.fetch_sub(1, Ordering::SeqCst);
                ids
            })
        })
        .collect();
    let (mut cursor, mut seen) = (0, Vec::new());
    loop {
        let last_look = running.load(Ordering::SeqCst) == 0;
        let query = Query {
            room,
            viewer: Viewer::default(),
            selection: Selection::Since {
                seqno: cursor,
                reactions: true,
            },
            limit: 256,
            reactors: 0,
        };
        let page = apps[0].store.messages(&query).await.unwrap();
        for message in &page.messages {
            assert!(message.seqno > cursor);
            cursor = message.seqno;
            seen.push(message.id);
        }
        if last_look && page.messages.is_empty() {
            break;
        }
    }
    let mut posted = BTreeSet::new();
    for writer in writers {
        posted.extend(writer.await.unwrap());
    }
    assert_eq!(seen.len(), WRITERS * POSTS);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), posted);
    assert_eq!(cursor, i64::try_from(WRITERS * POSTS).unwrap());
    second.stop().await;
}
