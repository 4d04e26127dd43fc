//! Turning pages.

use super::in_process::{Server, Stores};
use super::{lobby, page, say};

on_both_stores!(every_message_is_on_one_page_going_back_and_going_forth,);

/// The numbers of the messages on a page, as they come.
fn messages(page: &str) -> Vec<i64> {
    let parts = page.split("<li id=\"m").skip(1);
    parts
        .map(|part| part.split('"').next().unwrap().parse().unwrap())
        .collect()
}

/// Where a link of this text leads.
fn link(page: &str, text: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!("\">{text}</a>"))?;
    let (_, path) = before.rsplit_once("href=\"")?;
    Some(path.split('#').next().unwrap().to_owned())
}

async fn every_message_is_on_one_page_going_back_and_going_forth(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    lobby(&server).await;
    let ann = server.user().await;
    let mut all = Vec::new();
    for number in 0..120 {
        all.push(say(&ann, "Ann", &format!("message {number}")).await);
    }
    let latest = page(&server, "/r/lobby/").await;
    assert_eq!(messages(&latest), all[70..]);
    assert_eq!(link(&latest, "Newer messages"), None);
    let second = page(&server, &link(&latest, "Older messages").unwrap()).await;
    assert_eq!(messages(&second), all[20..70]);
    let third = page(&server, &link(&second, "Older messages").unwrap()).await;
    assert_eq!(messages(&third), all[..20]);
    assert_eq!(link(&third, "Older messages"), None);

    let forth = page(&server, &link(&third, "Newer messages").unwrap()).await;
    assert_eq!(messages(&forth), all[20..70]);
    assert_eq!(link(&forth, "Older messages"), link(&second, "Older messages"));
    let end = page(&server, &link(&forth, "Newer messages").unwrap()).await;
    assert_eq!(messages(&end), all[70..]);
    assert_eq!(link(&end, "Newer messages"), None);

    // A link to one message shows it, with what came before.
    let one = page(&server, &format!("/r/lobby/?before={}", all[60] + 1)).await;
    assert_eq!(messages(&one), all[11..=60]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_to_begin_at_is_a_number() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    for (query, status) in [
        ("before=0", 200),
        ("after=9223372036854775807", 200),
        ("before=9223372036854775808", 400),
        ("before=", 400),
        ("before=-1", 400),
        ("after=x", 400),
        ("other=x", 200),
    ] {
        let answer = server.get(&format!("/r/lobby/?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    }
    assert!(
        page(&server, "/r/lobby/?before=5")
            .await
            .contains("There are no messages here.")
    );
}
