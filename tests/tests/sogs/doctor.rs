//! The doctor finds what was planted, and says what mends it.

use e2e::{Nginx, Patient, eventually, random_bytes, sogs_binary};
use shared::client::{Account, Identity, Request};
use shared::clock::Clock;
use shared::testing::{Program, Stores};

use crate::json;

fn patient_on(stores: Stores) -> Option<Patient> {
    let program = Program {
        name: "sogs",
        path: sogs_binary().to_str().unwrap(),
        prefix: "SOGS",
    };
    Patient::on(program, stores)
}

fn patient() -> Patient {
    patient_on(Stores::Embedded).unwrap()
}

/// Lets it run with a room for everybody, whose join link it gives.
fn with_room(patient: &mut Patient) -> String {
    patient.place.run(&["init"]).ok();
    patient.place.run(&["room", "add", "lobby"]).ok();
    let server = patient.start();
    format!("{}/lobby?public_key={}", server.url, server.key)
}

async fn a_healthy_server_gives_no_cause_for_complaint(stores: Stores) {
    let Some(mut patient) = patient_on(stores) else { return };
    let link = with_room(&mut patient);
    let inside = patient.diagnose(&[]);
    inside.all_else_is_well(&[]);
    assert_eq!(inside.code, 0);
    let outside = patient.diagnose(&[&link]);
    // It is true that nobody but this machine gets to 127.0.0.1.
    outside.told("address", "warning", "base_url");
    outside.all_else_is_well(&["address"]);
    assert_eq!(outside.code, 1);
    for check in [
        "onion_xchacha20",
        "onion_aes_gcm",
        "signature",
        "room",
        "upload",
        "download",
        "clock",
    ] {
        assert_eq!(outside.of(check)["level"], "ok");
    }
    // Once more, and still there is but one visitor.
    let _ = patient.diagnose(&[&link]);
    let text = patient.place.run(&["user", "list", "--json"]).ok();
    assert_eq!(text.matches("\"15").count(), 1, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_on_sqlite() {
    a_healthy_server_gives_no_cause_for_complaint(Stores::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_on_postgres() {
    a_healthy_server_gives_no_cause_for_complaint(Stores::Shared).await;
}

#[test]
fn a_wrong_key() {
    let mut patient = patient();
    let link = with_room(&mut patient);
    let key = patient.server().key.clone();
    let wrong = link.replace(&key, &"ab".repeat(32));
    let found = patient.diagnose(&[&wrong]);
    found.error("key", &format!("public_key={key}"));

    // The key file itself, too: people would be strangers to the server.
    patient.stop();
    std::fs::remove_file(patient.place.data().join("key_x25519")).unwrap();
    patient.diagnose(&[]).error("key", "put it back from a backup");
    patient.place.run(&["key", "new"]).ok();
    patient.diagnose(&[]).error("key", "put the old one back");
}

#[test]
fn a_closed_port() {
    let mut patient = patient();
    let link = with_room(&mut patient);
    patient.stop();
    let found = patient.diagnose(&[&link]);
    found.error("address", "firewall");
    let found = patient.diagnose(&["http://community.invalid"]);
    found.error("address", "A record");
}

#[test]
fn a_proxy_that_takes_one_megabyte() {
    let mut patient = patient();
    let link = with_room(&mut patient);
    let upstream = patient.address();
    let Some(nginx) = Nginx::careless(upstream, "") else {
        return;
    };
    let through = link.replace(&upstream.to_string(), &nginx.address().to_string());
    let found = patient.diagnose(&[&through]);
    found.error("upload", "client_max_body_size 16m;");
    assert!(
        found.of("upload")["sentence"].as_str().unwrap().contains("1 MiB"),
        "{found:#?}"
    );
    found.all_else_is_well(&["address", "upload"]);

    let Some(nginx) = Nginx::careless(upstream, "client_max_body_size 3m;") else {
        return;
    };
    let through = link.replace(&upstream.to_string(), &nginx.address().to_string());
    let found = patient.diagnose(&[&through]);
    found.error("upload", "client_max_body_size 16m;");
    // 3 MiB are 3.1 MB.
    assert!(
        found.of("upload")["sentence"].as_str().unwrap().contains("3.1 MB"),
        "{found:#?}"
    );

    let Some(nginx) = Nginx::careless(upstream, "client_max_body_size 16m;") else {
        return;
    };
    let through = link.replace(&upstream.to_string(), &nginx.address().to_string());
    patient.diagnose(&[&through]).all_else_is_well(&["address"]);
}

#[test]
fn a_proxy_that_redirects_or_shows_another_site() {
    let mut patient = patient();
    let link = with_room(&mut patient);
    let upstream = patient.address();
    for (directives, remedy) in [
        ("return 301 https://community.example.org$request_uri;", "listen 80;"),
        ("return 200 welcome;", "proxy_pass http://"),
        ("return 502;", "systemctl status sogs"),
    ] {
        let Some(nginx) = Nginx::careless(upstream, directives) else {
            return;
        };
        let through = link.replace(&upstream.to_string(), &nginx.address().to_string());
        patient.diagnose(&[&through]).error("http", remedy);
    }
    // Pages are passed on, but what apps send is not.
    let Some(nginx) = Nginx::careless(upstream, "location /oxen { return 404; }") else {
        return;
    };
    let through = link.replace(&upstream.to_string(), &nginx.address().to_string());
    patient
        .diagnose(&[&through])
        .error("onion_xchacha20", "proxy_pass http://");
}

#[test]
fn a_skewed_clock() {
    let mut patient = patient();
    patient.place.run(&["init"]).ok();
    patient.place.run(&["room", "add", "lobby"]).ok();
    let Some(server) = patient.start_two_days_slow() else {
        return;
    };
    let link = format!("{}/lobby?public_key={}", server.url, server.key);
    let found = patient.diagnose(&[&link]);
    found.error("clock", "timedatectl set-ntp true");
    assert!(
        found.of("clock")["sentence"].as_str().unwrap().contains("2days behind"),
        "{found:#?}"
    );
    found.error("signature", "timedatectl set-ntp true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_fast() {
    let mut patient = patient();
    let _ = with_room(&mut patient);
    let link = format!("{}/lobby?public_key={}", patient.server().url, patient.server().key);
    let _ = patient.diagnose(&[&link]);
    patient.stop();
    patient.sql("UPDATE users SET last_active = 4000000000000000000").await;
    patient.diagnose(&[]).error("clock", "timedatectl set-ntp true");
}

#[test]
fn a_full_disk() {
    let mut patient = patient();
    patient.place.set("SOGS_FILES_FREE_SPACE_FLOOR", "1 PiB");
    let link = with_room(&mut patient);
    let found = patient.diagnose(&[&link]);
    found.error("disk", "Make room on the disk");
    found.error("upload", "Make room on the disk");
}

#[test]
fn an_unreadable_key() {
    let mut patient = patient();
    let _ = with_room(&mut patient);
    for mode in [0o000, 0o644] {
        patient.set_mode("key_x25519", mode);
        patient.diagnose(&[]).error("key", "chmod 600");
    }
    patient.set_mode("key_x25519", 0o600);
    patient.diagnose(&[]).all_else_is_well(&[]);
}

#[test]
fn a_corrupt_page() {
    let mut patient = patient();
    let _ = with_room(&mut patient);
    patient.stop();
    patient.damage_a_page();
    patient.diagnose(&[]).error("integrity", "restore the latest backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_blob() {
    let mut patient = patient();
    let _ = with_room(&mut patient);
    let client = patient.server().client();
    let client = client.with_account(Account::generate(), Identity::Blinded, Clock::system());
    eventually("the room is known", async || {
        client.direct(Request::new("GET", "/room/lobby")).await.unwrap().status == 200
    })
    .await;
    let request = Request::new("POST", "/room/lobby/file").body(random_bytes(1, 1000));
    let answer = client.direct(request).await.unwrap();
    assert!(json(&answer.body)["id"].is_number(), "{answer:?}");
    patient.diagnose(&[]).all_else_is_well(&[]);
    patient.lose_all_bytes();
    let found = patient.diagnose(&[]);
    found.error("bytes", "sogs check --repair");
    found.all_else_is_well(&["bytes"]);
}

#[test]
fn a_wrong_base_url() {
    let (mut patient, mut other) = (patient(), patient());
    let _ = with_room(&mut patient);
    let _ = with_room(&mut other);
    patient.place.set("SOGS_BASE_URL", &other.server().url);
    patient
        .diagnose(&["--outside"])
        .error("key", "set base_url to this one's");
    patient.place.set("SOGS_BASE_URL", "http://localhost:8080");
    patient.diagnose(&[]).error("base_url", "Set base_url");
}

async fn a_schema_of_another_time(stores: Stores) {
    let Some(mut patient) = patient_on(stores) else { return };
    let _ = with_room(&mut patient);
    patient.stop();
    patient
        .sql("INSERT INTO _sqlx_migrations SELECT 99, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1")
        .await;
    patient.diagnose(&[]).error("schema", "Install the newer program");
    patient.sql("DELETE FROM _sqlx_migrations").await;
    let found = patient.diagnose(&[]);
    found.told("schema", "warning", "Make a backup, then start");
    // Looking has not brought it up to date.
    assert_eq!(patient.sql("UPDATE _sqlx_migrations SET version = version").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_or_new_schema_on_sqlite() {
    a_schema_of_another_time(Stores::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_or_new_schema_on_postgres() {
    a_schema_of_another_time(Stores::Shared).await;
}

#[test]
fn a_configuration_that_cannot_be_used() {
    let mut patient = patient();
    patient.place.set("SOGS_FILES_MAX_SIZE", "nine");
    patient.diagnose(&[]).error("configuration", "config print");
}

#[test]
fn another_program_on_the_port() {
    let patient = patient();
    patient.place.run(&["init"]).ok();
    patient.place.run(&["room", "add", "lobby"]).ok();
    let Some(nginx) = Nginx::careless(([127, 0, 0, 1], 9).into(), "return 200 welcome;") else {
        return;
    };
    let found = patient.diagnose(&["--listen", &nginx.address().to_string()]);
    found.error("server", "ss -ltnp");
}

#[test]
fn without_a_data_folder_a_link_is_all_that_is_looked_at() {
    let (mut there, here) = (patient(), patient());
    let link = with_room(&mut there);
    let found = here.diagnose(&[&link]);
    found.all_else_is_well(&["address"]);
    assert!(
        found.findings.iter().all(|finding| finding["check"] != "data"),
        "{found:#?}"
    );
    assert!(!here.place.data().exists(), "nothing was made");
    here.diagnose(&["http://127.0.0.1:9/"]).error("key", "join link");
}

#[test]
fn people_see_what_is_wrong_and_below_it_what_to_do() {
    let patient = patient();
    let text = patient.place.run(&["doctor"]);
    assert_eq!(text.code, 2);
    assert!(text.stdout.contains("  error    data"), "{}", text.stdout);
    assert!(!text.stdout.contains('\x1b'), "no colours where there is no terminal");
}
