//! Whether the server runs, and whether it is the one that the settings describe.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;

use super::{Finding, within};
use crate::client::{Client, OnionAnswer, Request};
use crate::crypto::X25519Public;

const PATIENCE: Duration = Duration::from_secs(5);

/// Who serves at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// Nobody.
    Nobody,
    /// The server with this key.
    Ours,
    /// A server with another key.
    OtherKey,
    /// Something that is no server of this kind.
    Stranger,
}

/// Asks who serves at an address of this machine.
pub async fn running(listen: SocketAddr, key: &X25519Public) -> Running {
    let address = reachable(listen);
    if !matches!(within(PATIENCE, TcpStream::connect(address)).await, Some(Ok(_))) {
        return Running::Nobody;
    }
    let Ok(client) = Client::new(&format!("http://{address}"), *key) else {
        return Running::Stranger;
    };
    let request = client.onion_v4(Request::new("GET", "/"));
    match within(PATIENCE, request).await {
        Some(Ok(OnionAnswer { inside: Some(_), .. })) => Running::Ours,
        Some(Ok(OnionAnswer { outside, .. })) if outside.status == 400 => Running::OtherKey,
        _ => Running::Stranger,
    }
}

impl Running {
    /// The same as a finding about the server of this program.
    #[must_use]
    pub fn finding(self, program: &str, listen: SocketAddr) -> Finding {
        const CHECK: &str = "server";
        match self {
            Self::Ours => Finding::ok(CHECK, format!("It runs, and listens on {listen}.")),
            Self::Nobody => Finding::warning(
                CHECK,
                format!("Nothing listens on {listen}, so no server runs with these settings."),
                format!(
                    "Start it: sudo systemctl start {program}, or {program} serve. If it runs elsewhere, give --listen."
                ),
            ),
            Self::OtherKey => Finding::error(
                CHECK,
                format!("The server at {listen} has another key than the one in the data folder."),
                format!(
                    "It was started with another data folder, or before the key was replaced: compare its --data and \
                     --config with yours, then start {program} again."
                ),
            ),
            Self::Stranger => Finding::error(
                CHECK,
                format!("Another program listens on {listen}."),
                "Stop it (sudo ss -ltnp names it), or choose another port with listen, here and in the proxy.",
            ),
        }
    }
}

/// Where a listener on all addresses can be found.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
