//! Listening sockets.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 2048;

/// How long a peer may leave sent bytes unacknowledged, or its window shut, before the connection is cut. It bounds how
/// long somebody who has gone, or reads nothing of an answer, can hold on to memory of the system. Whoever reads slowly
/// is cut by the outbox.
const STALLED: Duration = Duration::from_secs(60);

/// A socket could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}{hint}")]
pub struct ListenError {
    address: SocketAddr,
    hint: &'static str,
    #[source]
    source: std::io::Error,
}

/// Listens on an address. Accepted connections are cut when the peer stops reading for a minute.
///
/// # Errors
///
/// When the address is taken, not of this machine or not allowed; the message says what to do.
pub fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    bind(address).map_err(|source| {
        let hint = match source.kind() {
            std::io::ErrorKind::AddrInUse => ". Another program uses this port: stop it, or choose another with --listen",
            std::io::ErrorKind::PermissionDenied => {
                ". Ports below 1024 need rights that this program should not have: listen on a higher port behind a proxy"
            }
            std::io::ErrorKind::AddrNotAvailable => ". This machine does not have that address: choose another with --listen",
            _ => "",
        };
        ListenError { address, hint, source }
    })
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(STALLED))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_reported_with_what_to_do() {
        let first = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let error = listen(first.local_addr().unwrap()).unwrap_err().to_string();
        assert!(error.contains("--listen"), "{error}");
    }
}
