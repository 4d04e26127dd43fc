//! From nothing to a server that stays.

use std::fs;

use super::{STRANGER, visitor};
use crate::sandbox::Server;
use crate::tour::Tour;

pub(crate) fn readme(tour: &mut Tour) {
    tour.next_serves();
    tour.up_to("Building takes Rust");
    assert!(tour.sandbox.path("sources/data/sogs/sogs.db").exists());
    tour.sandbox.interrupt();

    tour.up_to("Set it up. The command asks");
    let address = format!("http://{}", tour.sandbox.address(Server::Sogs));
    tour.answer(&format!("{address}\nlobby\nLobby\n{STRANGER}\n"));
    tour.next_serves();
    tour.up_to("Put a proxy in front");
    let key = tour.sandbox.public_key(Server::Sogs);
    assert!(
        tour.printed().contains(&format!("{address}/lobby?public_key={key}")),
        "{}",
        tour.printed()
    );
    tour.up_to("Let it stay. Stop the server");
    tour.sandbox.interrupt();
    tour.up_to("## A file server behind");
    let service = fs::read_to_string(tour.sandbox.path("run/sogs.log")).unwrap();
    assert!(service.contains(&format!("Public key: {key}")), "{service}");
    assert!(tour.sandbox.path("var/backups/sogs/manifest.json").exists());

    tour.up_to(
        "Put a proxy in front, which brings TLS. The shortest way is [Caddy](https://caddyserver.com), with this in",
    );
    tour.up_to("Ask for the public key");
    let key = tour.sandbox.public_key(Server::Fileserver);
    tour.up_to("See whether it works, from any machine");
    assert_eq!(tour.printed().trim(), key);
    tour.read("--key KEY", &format!("--key {key}"));
    fs::write(tour.sandbox.path("sources/photo.jpg"), "a picture").unwrap();
    let put = format!("fileserver put photo.jpg --url https://files.example.org --key {key}");
    let address = tour.run(&put);
    tour.read("ADDRESS", &format!("'{}'", address.trim()));
}

pub(crate) fn installing(tour: &mut Tour) {
    tour.go_on();
    // It serves as installed.
    tour.sandbox.public_key(Server::Sogs);
    assert!(tour.sandbox.path("usr/local/share/man/man1/sogs-backup.1").exists());
    let completions = fs::read_to_string(tour.sandbox.path("usr/share/bash-completion/completions/sogs")).unwrap();
    assert!(completions.contains("quickstart"));
}

pub(crate) fn operator_guide(tour: &mut Tour) {
    // As the package does.
    tour.sandbox.install(Server::Sogs);
    tour.run("systemctl enable --now sogs");
    tour.up_to("The second line is the link");
    tour.read("05…", STRANGER);
    tour.up_to("They moderate in the app");
    assert!(tour.printed().contains(STRANGER), "{}", tour.printed());
    let person = visitor(tour, "lobby");
    person.writes("lobby", "Hello", "Ann");
    tour.read("15…", &person.id());
    tour.up_to("## Moving from PySOGS");
    assert!(tour.printed().contains("shouts"), "{}", tour.printed());

    super::moving::an_old_server(tour);
    tour.run("cp -a /var/lib/session-open-group-server /var/tmp/old\ncp /etc/sogs/sogs.ini /var/tmp/old/");
    tour.run("systemctl stop sogs\nmv /var/lib/sogs /var/lib/started\nmkdir /var/lib/sogs");
    tour.up_to("Do all of it in the order");
    tour.run("rm --recursive /var/lib/sogs\nmv /var/lib/started /var/lib/sogs\nsystemctl start sogs");

    tour.up_to("ends with `found     0`");
    assert!(tour.printed().ends_with("found     0\n"), "{}", tour.printed());
    person.visits("lobby");
    tour.up_to("At its first start a new program");
    assert!(tour.printed().ends_with("All is well.\n"), "{}", tour.printed());
    person.visits("lobby");
    tour.up_to("An older program does not take");
    person.visits("lobby");
    tour.go_on();
}

pub(crate) fn operating_fileserver(tour: &mut Tour) {
    tour.server = Server::Fileserver;
    tour.sandbox.install(Server::Fileserver);
    tour.run("systemctl enable --now fileserver");
    tour.read("fileserver COMMAND", "fileserver usage");
    fs::write(tour.sandbox.path("sources/photo.jpg"), "a picture").unwrap();
    let address = tour.run("fileserver put photo.jpg");
    let (_, rest) = address.trim().split_once("/file/").unwrap();
    let (id, _) = rest.split_once('#').unwrap();
    tour.read("/ID#", &format!("/{id}#"));
    tour.read("=KEY'", &format!("={}'", tour.sandbox.public_key(Server::Fileserver)));
}

pub(crate) fn troubleshooting(tour: &mut Tour) {
    tour.sandbox.install(Server::Sogs);
    tour.run(
        "sed -i 's|^# base_url = .*|base_url = \"https://chat.example.org\"|' /etc/sogs/sogs.toml\n\
         sogs init\nsogs room add lobby\nsystemctl enable --now sogs",
    );
    tour.read(
        "public_key=…",
        &format!("public_key={}", tour.sandbox.public_key(Server::Sogs)),
    );
}
