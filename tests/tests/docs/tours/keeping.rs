//! Not losing anything.

use std::fs;

use crate::sandbox::Server;
use crate::tour::Tour;

pub(crate) fn backup(tour: &mut Tour) {
    tour.sandbox.install(Server::Sogs);
    tour.run("sogs init\nsogs room add lobby\nsystemctl enable --now sogs");
    tour.up_to("## Somewhere else");
    // What the timer starts every night.
    tour.run("systemctl start sogs-backup");
    tour.up_to("## Restore");

    let made = fs::read_dir(tour.sandbox.path("sources"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let archive = made
        .map(|name| name.into_string().unwrap())
        .find(|name| name.ends_with(".tar"))
        .unwrap();
    tour.read("sogs-2026-11-21.tar", &archive);
    tour.run("systemctl stop sogs");
    tour.one_by_one("rm --recursive /var/lib/sogs\nmkdir /var/lib/sogs");
    tour.up_to("Everything is verified first");
    assert!(tour.run("sogs room list").contains("lobby"));
    tour.run("cd /var/backups/sogs && sha256sum --check --quiet state-*/sums");

    tour.up_to("## What is in the folder");
    tour.go_on();
    assert!(tour.printed().contains("found     0\n"), "{}", tour.printed());
}

pub(crate) fn many_machines(tour: &mut Tour) {
    tour.server = Server::Fileserver;
}
