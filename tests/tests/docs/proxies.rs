//! Sites for proxies. Each is run in front of the live server, and the doctor looks through it.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use shared::testing::{free_port, missing};

use crate::sandbox::Server;
use crate::tour::Tour;

const NAMES: [&str; 2] = ["chat.example.org", "files.example.org"];

/// Caddy runs with the file.
pub(crate) fn caddy(tour: &mut Tour, place: &str, text: &str) {
    if !is_there(Command::new("caddy").arg("version")) {
        return missing("Caddy", "install caddy").unwrap_or_default();
    }
    let port = free_port();
    let name = name(place, text);
    // Certificates are nothing to be had here, so only the first of the two addresses is served.
    let both = format!("http://{name}, https://{name} {{");
    assert!(text.contains(&both), "{place}: it does not serve both schemes");
    let site = text.replace(&both, &format!("http://127.0.0.1:{port} {{"));
    let whole = format!(
        "{{\n    admin off\n    auto_https off\n}}\n{}",
        tour.sandbox.moved(&site)
    );
    fs::write(tour.sandbox.path("tmp/Caddyfile"), whole).unwrap();
    fs::write(tour.sandbox.path("tmp/both.caddy"), tour.sandbox.moved(text)).unwrap();
    tour.run("caddy validate --adapter caddyfile --config /tmp/both.caddy");
    look_through(
        tour,
        name,
        "caddy run --adapter caddyfile --config /tmp/Caddyfile",
        port,
    );
}

/// nginx runs with the site.
pub(crate) fn nginx(tour: &mut Tour, place: &str, text: &str) {
    if !is_there(Command::new("/usr/sbin/nginx").arg("-v")) && !is_there(Command::new("nginx").arg("-v")) {
        return missing("nginx", "install nginx-light").unwrap_or_default();
    }
    if !is_there(Command::new("openssl").arg("version")) {
        return missing("openssl", "install openssl").unwrap_or_default();
    }
    let name = name(place, text);
    let (plain, secret) = (free_port(), free_port());
    for listens in ["listen 80;", "listen 443 ssl;"] {
        assert!(text.contains(listens), "{place}: it does not serve both schemes");
    }
    let site = text
        .replace("listen 80;", &format!("listen 127.0.0.1:{plain};"))
        .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{secret} ssl;"));
    let folder = format!("/etc/letsencrypt/live/{name}");
    tour.run(&format!(
        "mkdir --parents {folder}\n\
         openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN={name} \
         -keyout {folder}/privkey.pem -out {folder}/fullchain.pem 2>/dev/null"
    ));
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String = kinds
        .iter()
        .map(|kind| format!("{kind}_temp_path /tmp/{kind};\n"))
        .collect();
    let frame = format!(
        "daemon off;\nmaster_process off;\npid /tmp/nginx.pid;\nerror_log /tmp/nginx.log;\nevents {{}}\n\
         http {{\n{temporary}{site}}}\n"
    );
    fs::write(tour.sandbox.path("tmp/nginx.conf"), tour.sandbox.moved(&frame)).unwrap();
    look_through(tour, name, "nginx -e /tmp/nginx.log -c /tmp/nginx.conf", plain);
}

/// Starts the proxy and lets the doctor look at the server behind it, which apps must reach with all that they need.
fn look_through(tour: &mut Tour, name: &str, command: &str, port: u16) {
    let is_up = |_: &str| TcpStream::connect(("127.0.0.1", port)).is_ok();
    tour.sandbox.keep(&tour.sandbox.moved(command), None, is_up);
    let address = format!("http://127.0.0.1:{port}");
    if name.starts_with("chat") {
        let key = tour.sandbox.public_key(Server::Sogs);
        tour.run(&format!(
            "cd /home/\n/sources/target/release/sogs doctor '{address}/lobby?public_key={key}'"
        ));
    } else {
        let key = tour.sandbox.public_key(Server::Fileserver);
        tour.run(&format!(
            "cd /home/\n/sources/target/release/fileserver doctor {address} --key {key}"
        ));
    }
}

fn name(place: &str, text: &str) -> &'static str {
    let name = NAMES.into_iter().find(|name| text.contains(name));
    name.unwrap_or_else(|| panic!("{place}: it is for none of {NAMES:?}"))
}

fn is_there(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
