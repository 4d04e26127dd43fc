//! `fileserver put` and `fileserver get`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use support::{Place, Server};

const CONTENT: &[u8] = b"what comes back must be what went up";

/// The address that `put` prints, without the line end.
fn put(place: &Place, server: &Server, more: &[&str]) -> String {
    let arguments = [&["put", "photo.jpg", "--url", &server.url, "--key", &server.key], more].concat();
    place.run(&arguments).ok().trim_end().to_owned()
}

fn id(address: &str) -> &str {
    let (_, rest) = address.split_once("/file/").unwrap();
    rest.split('#').next().unwrap()
}

#[test]
fn what_goes_up_comes_back_through_either_cipher_and_directly() {
    let place = Place::new();
    let server = place.serve();
    let large: Vec<u8> = (0..2_500_000_u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(large.len(), 10_000_000);
    place.write("photo.jpg", &large);
    for way in [&["--cipher", "xchacha20"][..], &["--cipher", "aes-gcm"], &["--direct"]] {
        let address = put(&place, &server, way);
        assert!(address.starts_with(&format!("{}/file/", server.url)), "{address}");
        assert!(address.ends_with(&format!("#p={}", server.key)), "{address}");
        let arguments = [&["get", &address, "--output", "copy", "--force"], way].concat();
        place.run(&arguments).ok();
        assert!(fs::read(place.path().join("copy")).unwrap() == large);
        fs::remove_file(place.path().join("copy")).unwrap();
    }
}

#[test]
fn without_an_address_it_goes_to_the_server_of_the_configuration() {
    let mut place = Place::new();
    place.write("photo.jpg", CONTENT);
    let server = place.serve();
    place.set("FILESERVER_LISTEN", server.url.strip_prefix("http://").unwrap());
    let address = place.run(&["put", "photo.jpg"]).ok();
    assert!(address.trim_end().ends_with(&format!("#p={}", server.key)), "{address}");
    let (bare, _) = address.split_once('#').unwrap();
    let done = place.run(&["get", bare, "-o", "-"]);
    assert_eq!(done.stdout.as_bytes(), CONTENT);
    assert_eq!(done.stderr, "", "the key of the configured server is known");
}

#[test]
fn without_a_key_it_goes_as_plain_http_and_says_so() {
    let [place, elsewhere] = [Place::new(), Place::new()];
    elsewhere.write("photo.jpg", CONTENT);
    let server = place.serve();
    let done = elsewhere.run(&["put", "photo.jpg", "--url", &server.url]);
    assert!(done.stderr.contains("no onion envelope"), "{done:?}");
    let address = done.ok();
    assert!(!address.contains('#'), "{address}");
    let fetched = elsewhere.run(&["get", address.trim_end(), "-o", "-"]);
    assert_eq!(fetched.stdout.as_bytes(), CONTENT);
}

#[test]
fn json_tells_address_size_and_times() {
    let place = Place::new();
    place.write("photo.jpg", CONTENT);
    let server = place.serve();
    let json: serde_json::Value =
        serde_json::from_str(&put(&place, &server, &["--ttl", "1 minute", "--json"])).unwrap();
    assert_eq!(json["size"], CONTENT.len());
    let life = json["expires"].as_f64().unwrap() - json["uploaded"].as_f64().unwrap();
    assert!((life - 60.0).abs() < 0.001, "{life}");
    assert_eq!(id(json["url"].as_str().unwrap()), json["id"]);
}

#[test]
fn an_ed25519_key_in_the_address_will_do_too() {
    let place = Place::new();
    place.write("photo.jpg", CONTENT);
    let server = place.serve();
    let address = put(&place, &server, &[]);
    let keys = place.run(&["key", "show", "--json"]).json();
    let ed25519 = keys["ed25519"].as_str().unwrap();
    assert_ne!(ed25519, server.key);
    let (bare, _) = address.split_once('#').unwrap();
    let fetched = place.run(&["get", &format!("{bare}#p={ed25519}"), "-o", "-"]).ok();
    assert_eq!(fetched.as_bytes(), CONTENT);
}

#[test]
fn a_download_is_named_by_its_id_and_never_written_over_a_file() {
    let place = Place::new();
    place.write("photo.jpg", CONTENT);
    let server = place.serve();
    let address = put(&place, &server, &[]);
    place.run(&["get", &address]).ok();
    let path = place.path().join(id(&address));
    assert_eq!(fs::read(&path).unwrap(), CONTENT);
    fs::write(&path, "mine").unwrap();
    assert!(place.run(&["get", &address]).fails().contains("--force"));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    place.run(&["get", &address, "--force"]).ok();
    assert_eq!(fs::read(&path).unwrap(), CONTENT);
}

#[test]
fn what_fails_on_the_way_is_told_from_what_the_server_answers() {
    let place = Place::new();
    place.write("photo.jpg", CONTENT);
    let server = place.serve();
    let wrong = "12".repeat(32);
    let refused = place
        .run(&["put", "photo.jpg", "--url", &server.url, "--key", &wrong])
        .fails();
    assert!(
        refused.contains("on its way") && refused.contains("public key"),
        "{refused}"
    );
    let absent = format!("{}/file/12345#p={}", server.url, server.key);
    let refused = place.run(&["get", &absent]).fails();
    assert!(refused.contains("the file server answered 404"), "{refused}");
    assert!(!place.path().join("12345").exists());
    let refused = place.run(&[
        "put",
        "photo.jpg",
        "--url",
        &server.url,
        "--key",
        &server.key,
        "--ttl",
        "1 year",
    ]);
    assert!(refused.fails().contains("the file server answered 400"));
    assert_eq!(server.stop(), Some(0));
    let refused = place.run(&["get", &absent]).fails();
    assert!(refused.contains("no answer from the server"), "{refused}");
}

#[test]
fn files_that_no_server_takes_are_refused_at_once() {
    let place = Place::new();
    place.write("empty", "");
    place.write("huge", vec![0; 10_223_617]);
    for (file, hint) in [
        ("empty", "is empty"),
        ("huge", "it has 10223617 bytes, and at most 10223616"),
        ("absent", "cannot read absent"),
        (".", "is a folder"),
    ] {
        let refused = place.run(&["put", file, "--url", "http://127.0.0.1:1"]).fails();
        assert!(refused.contains(hint), "{refused}");
    }
}

#[test]
fn a_file_that_is_too_large_for_the_server_is_told_so() {
    let mut place = Place::new();
    place.set("FILESERVER_FILES_MAX_SIZE", "10");
    place.write("photo.jpg", CONTENT);
    let server = place.serve();
    let arguments = ["put", "photo.jpg", "--url", &server.url, "--key", &server.key];
    let refused = place.run(&arguments).fails();
    assert!(refused.contains("413: the file is too large for it"), "{refused}");
}

/// Answers one request with this, whatever it asks for.
fn impostor(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    url
}

#[test]
fn a_download_that_is_cut_off_or_altered_is_not_written() {
    let place = Place::new();
    let content_id = fileserver::model::FileId::of_content(CONTENT);
    for (answer, hint) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\nwhat comes",
            "no answer from the server",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nwhat comes",
            "do not belong to the id",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            "does not reach the server",
        ),
        ("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", "redirects"),
    ] {
        let address = format!("{}/file/{content_id}", impostor(answer));
        let refused = place.run(&["get", &address, "--direct"]).fails();
        assert!(refused.contains(hint), "{refused}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}

#[test]
fn addresses_that_name_no_file_are_refused() {
    let place = Place::new();
    for address in [
        "http://127.0.0.1/file/",
        "ftp://127.0.0.1/file/1",
        "http://127.0.0.1/other/1",
    ] {
        assert_eq!(place.run(&["get", address]).code, 2, "{address}");
    }
    let done = place.run(&["get", "http://127.0.0.1/file/not-an-id"]);
    assert!(done.fails().contains("not a file id"));
}
