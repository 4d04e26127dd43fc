//! Pages of an operator's own.

use std::path::Path;

use sogs::settings::Settings;
use sogs::web;
use tempfile::TempDir;

use super::in_process::{Server, Stores};
use super::{lobby, page, say};

fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.web.templates = Some(folder.to_owned());
    settings
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_replaces_what_it_has() {
    let own = folder(&[
        (
            "index.html",
            "{% extends \"base.html\" %}{% block content %}<h1>Ours</h1>{% for room in rooms %}<p>{{ room.name }}</p>{% endfor %}{% endblock %}",
        ),
        ("static/style.css", "body { color: red }"),
        ("static/logo.png", "a picture"),
        (".hidden", "left alone"),
    ]);
    let path = own.path().to_owned();
    let server = Server::start_with(Stores::Embedded, |settings| settings.web.templates = Some(path))
        .await
        .unwrap();
    let room = lobby(&server).await;
    let ann = server.user().await;
    say(&ann, "Ann", "hello").await;
    let name = sogs::store::RoomChange {
        name: Some("<b>\"&'".to_owned()),
        ..Default::default()
    };
    super::change(&server, room, name).await;
    let index = page(&server, "/").await;
    assert!(
        index.contains("<h1>Ours</h1><p>&#60;b&#62;&#34;&#38;&#39;</p>"),
        "{index}"
    );
    assert!(index.contains("<a class=\"skip\""), "{index}");
    assert!(page(&server, "/r/lobby/").await.contains("hello"));
    let style = server.get("/static/style.css").await;
    assert_eq!((style.status, &style.body[..]), (200, &b"body { color: red }"[..]));
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(
        server.get("/static/logo.png").await.header("content-type"),
        Some("image/png")
    );
    assert_eq!(server.get("/static/icon.svg").await.status, 200);
    for path in ["/static/..%2fsogs.db", "/static/.hidden", "/static/nothing.css"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    for (name, text, complaint) in [
        (
            "index.html",
            "{% for room in rooms %}",
            "index.html: line 1: syntax error",
        ),
        ("room.html", "\n{{ room.nmae }}", "room.html: line 2: undefined value"),
        (
            "message.html",
            "{{ message.author_id }}",
            "message.html: line 1: undefined value",
        ),
        (
            "base.html",
            "{{ site.name | nothing }}",
            "base.html: line 1: unknown filter",
        ),
        ("error.html", "{% include \"other.html\" %}", "error.html: line 1:"),
        ("index.html", "{% include \"index.html\" %}", "index.html: line 1:"),
        ("idnex.html", "", "idnex.html: no page is made from it"),
        ("style.css", "", "other files belong into static/"),
        ("static/page.js", "", "page.js: files of this kind are not served"),
    ] {
        let own = folder(&[(name, text)]);
        let error = web::check(&settings(own.path())).unwrap_err().to_string();
        assert!(error.contains(complaint), "{name}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let error = web::check(&settings(Path::new("/nowhere"))).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere: it cannot be read"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_fails_on_what_it_is_given_is_made_up_for() {
    // It gets by with the samples, and not with a room of this name.
    let text = "{% for room in rooms %}{% if room.token == \"odd\" %}{{ room.nothing }}{% endif %}{% endfor %}";
    let own = folder(&[("index.html", text)]);
    let path = own.path().to_owned();
    let server = Server::start_with(Stores::Embedded, |settings| settings.web.templates = Some(path))
        .await
        .unwrap();
    assert!(!page(&server, "/").await.contains("<h1>"));
    server.room("odd").await;
    let shown = page(&server, "/").await;
    assert!(shown.contains("<h1>Rooms</h1>") && shown.contains("/r/odd/"), "{shown}");
}

#[test]
fn the_built_in_pages_can_be_had_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let names = web::write_built_in(folder.path()).unwrap();
    assert!(names.iter().any(|name| name == Path::new("static/style.css")));
    web::check(&settings(folder.path())).unwrap();
    let error = web::write_built_in(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is there already"), "{error}");
}
