//! The doctor finds what was planted, and says what mends it.

use e2e::{Nginx, Patient, fileserver_binary, random_bytes};
use shared::testing::{Program, Stores};

use crate::upload;

fn patient_on(stores: Stores) -> Option<Patient> {
    let program = Program {
        name: "fileserver",
        path: fileserver_binary().to_str().unwrap(),
        prefix: "FILESERVER",
    };
    Patient::on(program, stores)
}

fn patient() -> Patient {
    patient_on(Stores::Embedded).unwrap()
}

fn running() -> Patient {
    let mut patient = patient();
    patient.start();
    patient
}

fn a_healthy_server_gives_no_cause_for_complaint(stores: Stores) {
    let Some(mut patient) = patient_on(stores) else { return };
    let url = patient.start().url.clone();
    let inside = patient.diagnose(&[]);
    inside.all_else_is_well(&[]);
    assert_eq!(inside.code, 0);
    let outside = patient.diagnose(&[&url]);
    // It is true that nobody but this machine gets to 127.0.0.1.
    outside.told("address", "warning", "base_url");
    outside.all_else_is_well(&["address"]);
    for check in ["onion_xchacha20", "onion_aes_gcm", "key", "upload", "download", "clock"] {
        assert_eq!(outside.of(check)["level"], "ok");
    }
}

#[test]
fn a_healthy_server_on_sqlite() {
    a_healthy_server_gives_no_cause_for_complaint(Stores::Embedded);
}

#[test]
fn a_healthy_server_on_postgres() {
    a_healthy_server_gives_no_cause_for_complaint(Stores::Shared);
}

#[test]
fn a_wrong_key() {
    let patient = running();
    let (url, key) = (&patient.server().url, &patient.server().key);
    let found = patient.diagnose(&[url, "--key", &"ab".repeat(32)]);
    found.error("key", key);
}

#[test]
fn a_closed_port() {
    let mut patient = running();
    let url = patient.server().url.clone();
    patient.stop();
    patient.diagnose(&[&url]).error("address", "firewall");
}

#[test]
fn a_proxy_that_takes_one_megabyte() {
    let patient = running();
    let Some(nginx) = Nginx::careless(patient.address(), "") else {
        return;
    };
    let found = patient.diagnose(&[&format!("http://{}", nginx.address())]);
    found.error("upload", "client_max_body_size 16m;");
    found.all_else_is_well(&["address", "upload"]);
}

#[test]
fn a_skewed_clock() {
    let mut patient = patient();
    let Some(server) = patient.start_two_days_slow() else {
        return;
    };
    let url = server.url.clone();
    patient.diagnose(&[&url]).error("clock", "timedatectl set-ntp true");
}

#[test]
fn a_full_disk() {
    let mut patient = patient();
    patient.place.set("FILESERVER_ABUSE_FREE_SPACE_FLOOR", "1 PiB");
    let url = patient.start().url.clone();
    let found = patient.diagnose(&[&url]);
    found.error("disk", "Make room on the disk");
    found.error("upload", "Make room on the disk");
}

#[test]
fn an_unreadable_key() {
    let patient = running();
    for mode in [0o000, 0o644] {
        patient.set_mode("key_ed25519", mode);
        patient.diagnose(&[]).error("key", "chmod 600");
    }
}

#[test]
fn a_corrupt_page() {
    let mut patient = running();
    patient.stop();
    patient.damage_a_page();
    patient.diagnose(&[]).error("integrity", "restore the latest backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_blob() {
    let patient = running();
    let _ = upload(&patient.server().client(), random_bytes(1, 1000)).await;
    patient.diagnose(&[]).all_else_is_well(&[]);
    patient.lose_all_bytes();
    let found = patient.diagnose(&[]);
    found.error("bytes", "fileserver check --repair");
    found.all_else_is_well(&["bytes"]);
}

#[test]
fn a_wrong_base_url() {
    let (mut patient, other) = (running(), running());
    patient.place.set("FILESERVER_BASE_URL", &other.server().url);
    patient
        .diagnose(&["--outside"])
        .error("key", "set base_url to this one's");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_schema() {
    let mut patient = running();
    patient.stop();
    patient.sql("DELETE FROM _sqlx_migrations").await;
    patient
        .diagnose(&[])
        .told("schema", "warning", "Make a backup, then start");
    assert_eq!(patient.sql("UPDATE _sqlx_migrations SET version = version").await, 0);
}
