//! What a client sees: whether the public address leads to the server, and whether that understands onion requests.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use url::{Host, Url};

use super::proxy::Proxy;
use super::{Finding, Level, Report, chain, sentence, within};
use crate::cli::output;
use crate::client::{Answer, Client, ClientError, OnionAnswer, Request};
use crate::clock::{Clock, Timestamp};
use crate::crypto::X25519Public;
use crate::onion::Cipher;

/// How long a name may take to resolve, and an address to accept a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long a small request may take.
const ANSWERING: Duration = Duration::from_secs(15);

/// Addresses that are tried.
const ADDRESSES: usize = 6;

/// Clocks that differ by this much make messages appear in the wrong order, and by this much more.
const SKEWED: Duration = Duration::from_secs(30);
const BADLY_SKEWED: Duration = Duration::from_secs(5 * 60);

/// A server by its public address.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The name of the program.
    pub program: &'static str,
    /// What kind of server it is, in a sentence.
    pub kind: &'static str,
    /// The public address, without a path.
    pub base: Url,
    /// The key that clients are given.
    pub key: X25519Public,
    /// The key in the data folder, where there is one.
    pub own_key: Option<X25519Public>,
    /// Where the server listens behind the proxy.
    pub listen: SocketAddr,
    /// A path that tells what kind of server answers.
    pub probe: &'static str,
    /// Whether the answer at that path is that of such a server.
    pub is_kind: fn(&Answer) -> bool,
    /// What time it is.
    pub clock: Clock,
}

/// A server that answers onion requests at its public address.
#[derive(Clone, Debug)]
pub struct Reached {
    pub(super) client: Client,
    pub(super) proxy: Proxy,
}

impl Reached {
    /// A client of the server.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Sends a small request in an onion envelope; the answer is the one inside.
    ///
    /// # Errors
    ///
    /// A sentence about what came instead.
    pub async fn ask(&self, client: &Client, request: Request) -> Result<Answer, String> {
        match within(ANSWERING, client.onion_v4(request)).await {
            None => Err(format!("there was no answer within {} seconds", ANSWERING.as_secs())),
            Some(Err(error)) => Err(chain(&error)),
            Some(Ok(OnionAnswer {
                inside: Some(answer), ..
            })) => Ok(answer),
            Some(Ok(OnionAnswer { outside, .. })) => Err(format!("{} was answered instead", outside.status)),
        }
    }
}

impl Outside {
    /// Looks from outside until something stands in the way; what has been reached is given if nothing does.
    pub async fn reach(&self, report: &mut Report) -> Option<Reached> {
        let addresses = self.resolve(report).await?;
        if !self.connect(report, &addresses).await {
            return None;
        }
        let proxy = self.http(report).await?;
        let client = match Client::new(self.base.as_str(), self.key) {
            Ok(client) => client,
            Err(error) => {
                report.add(Finding::error(
                    "http",
                    format!("{}.", chain(&error)),
                    "Check the address.",
                ));
                return None;
            }
        };
        self.onion(report, &client, proxy)
            .await
            .then_some(Reached { client, proxy })
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }

    async fn resolve(&self, report: &mut Report) -> Option<Vec<SocketAddr>> {
        let port = self.base.port_or_known_default().unwrap_or(443);
        let host = self.host();
        let found = match self.base.host() {
            Some(Host::Ipv4(ip)) => Ok(vec![SocketAddr::from((ip, port))]),
            Some(Host::Ipv6(ip)) => Ok(vec![SocketAddr::from((ip, port))]),
            _ => match within(CONNECTING, lookup_host((host.as_str(), port))).await {
                Some(Ok(found)) => Ok(found.take(ADDRESSES).collect()),
                Some(Err(error)) => Err(error.to_string()),
                None => Err("the name servers do not answer".to_owned()),
            },
        };
        match found {
            Ok(addresses) if !addresses.is_empty() => Some(addresses),
            Ok(_) => {
                report.add(no_address(&host, "it has no address"));
                None
            }
            Err(reason) => {
                report.add(no_address(&host, &reason));
                None
            }
        }
    }

    async fn connect(&self, report: &mut Report, addresses: &[SocketAddr]) -> bool {
        const CHECK: &str = "address";
        let mut refused = Vec::new();
        let mut open = Vec::new();
        for address in addresses {
            match within(CONNECTING, TcpStream::connect(address)).await {
                Some(Ok(_)) => open.push(*address),
                // Where there is no IPv6, nothing can be said about such addresses.
                Some(Err(error)) if address.is_ipv6() && is_without_route(&error) => {}
                Some(Err(error)) => refused.push((*address, error.to_string())),
                None => refused.push((*address, "no answer".to_owned())),
            }
        }
        let Some(first) = open.first() else {
            report.add(self.closed(&refused));
            return false;
        };
        if let Some((address, reason)) = refused.first() {
            report.add(Finding::warning(
                CHECK,
                format!(
                    "{} leads to {} too, where nobody can connect ({reason}).",
                    self.host(),
                    address.ip()
                ),
                "Let the proxy listen there, or remove that address from the name's DNS records.",
            ));
        }
        let port = first.port();
        report.add(match open.iter().find(|address| is_private(address.ip())) {
            Some(private) => Finding::warning(
                CHECK,
                format!(
                    "{} is at {}, an address of this machine or its own network.",
                    self.host(),
                    private.ip()
                ),
                "Fine for a trial. For others, base_url must be a name or address that the whole Internet reaches.",
            ),
            None => Finding::ok(
                CHECK,
                format!("{} port {port} is open, seen from this machine.", self.host()),
            ),
        });
        true
    }

    fn closed(&self, refused: &[(SocketAddr, String)]) -> Finding {
        let tried: Vec<String> = refused
            .iter()
            .map(|(address, reason)| format!("{address}: {reason}"))
            .collect();
        let port = self.base.port_or_known_default().unwrap_or(443);
        Finding::error(
            "address",
            format!("Nobody can connect to {} ({}).", self.host(), tried.join("; ")),
            format!(
                "Does the proxy run and listen on port {port} (sudo ss -ltnp)? Open the port in the firewall (sudo ufw \
                 allow {port}/tcp) and with the hosting company. Is the address in DNS this machine's?"
            ),
        )
    }

    /// What answers plain requests; clients do not send any, but it tells what is there.
    async fn http(&self, report: &mut Report) -> Option<Proxy> {
        const CHECK: &str = "http";
        let client = match Client::new(self.base.as_str(), self.key) {
            Ok(client) => client,
            Err(error) => {
                report.add(Finding::error(
                    CHECK,
                    format!("{}.", chain(&error)),
                    "Check the address.",
                ));
                return None;
            }
        };
        let before = self.clock.now();
        let answer = match within(ANSWERING, client.direct(Request::new("GET", self.probe))).await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => {
                report.add(self.broken(&error));
                return None;
            }
            None => {
                report.add(Finding::error(
                    CHECK,
                    format!(
                        "The port is open, but nothing is answered within {} seconds.",
                        ANSWERING.as_secs()
                    ),
                    format!(
                        "Does {} run, and does the proxy pass requests on to {}?",
                        self.program, self.listen
                    ),
                ));
                return None;
            }
        };
        report.extend(self.clocks(before, self.clock.now(), &answer));
        let proxy = Proxy::of(&answer);
        let finding = self.what_answers(&answer, proxy);
        let is_good = finding.level < Level::Error;
        report.add(finding);
        is_good.then_some(proxy)
    }

    fn broken(&self, error: &ClientError) -> Finding {
        let said = chain(error);
        let name = self.host();
        let lower = said.to_ascii_lowercase();
        if self.base.scheme() == "https"
            && ["certificate", "tls", "handshake", "ssl"]
                .iter()
                .any(|word| lower.contains(word))
        {
            let remedy = if lower.contains("expired") {
                "Renew it: sudo certbot renew && sudo systemctl reload nginx. Caddy renews by itself; see journalctl -u caddy.".to_owned()
            } else if lower.contains("not valid for name") || lower.contains("notvalidforname") {
                format!(
                    "Have one made for {name}: sudo certbot --nginx -d {name}. Caddy does it once {name} is the name of the site."
                )
            } else if lower.contains("unknownissuer")
                || lower.contains("selfsigned")
                || lower.contains("unknown issuer")
            {
                format!(
                    "It must come from a public authority: sudo certbot --nginx -d {name}. If it does, the proxy leaves \
                     out the intermediate one: name fullchain.pem, not cert.pem."
                )
            } else {
                format!("Does the proxy speak TLS 1.2 or 1.3 on that port, with a certificate for {name}?")
            };
            return Finding::error(
                "tls",
                format!("The certificate or TLS of {name} is not accepted: {said}."),
                remedy,
            );
        }
        Finding::error(
            "http",
            format!("The connection to {name} breaks: {said}."),
            format!(
                "Is the port that of a web server, and http or https as in the address? Does the proxy pass requests on \
                 to {}?",
                self.listen
            ),
        )
    }

    fn what_answers(&self, answer: &Answer, proxy: Proxy) -> Finding {
        const CHECK: &str = "http";
        let name = self.host();
        match answer.status {
            301 | 302 | 303 | 307 | 308 => Finding::error(
                CHECK,
                format!(
                    "{} sends callers on to {}, and Session's requests do not follow.",
                    self.base.as_str().trim_end_matches('/'),
                    answer.header("location").unwrap_or("another address")
                ),
                format!(
                    "Make base_url the address that it leads to and hand out new links, or serve both:\n{}",
                    proxy.no_redirect(&name)
                ),
            ),
            status @ 502..=504 if !(self.is_kind)(answer) => Finding::error(
                CHECK,
                sentence(&format!(
                    "{} answers, but does not reach the server behind it ({status})",
                    proxy.name()
                )),
                format!(
                    "Does {} run (sudo systemctl status {})? The proxy must pass requests on to {}, where it listens.",
                    self.program, self.program, self.listen
                ),
            ),
            _ if (self.is_kind)(answer) => {
                let through = if proxy == Proxy::Unknown {
                    String::new()
                } else {
                    format!(" through {}", proxy.name())
                };
                Finding::ok(CHECK, format!("The {} answers{through}.", self.kind))
            }
            status => Finding::error(
                CHECK,
                format!("What answers at {name} is no {} ({status}).", self.kind),
                format!(
                    "Is the address right? If it is, the proxy shows another site:\n{}",
                    proxy.everything(self.program, &self.listen.to_string())
                ),
            ),
        }
    }

    /// How the clock of the server, or of the proxy before it, differs from that of this machine.
    fn clocks(&self, before: Timestamp, after: Timestamp, answer: &Answer) -> Option<Finding> {
        let shown = answer
            .header("date")
            .and_then(|date| httpdate::parse_http_date(date).ok())?;
        Some(skew(before, after, shown.into()))
    }

    async fn onion(&self, report: &mut Report, client: &Client, proxy: Proxy) -> bool {
        let ciphers = [
            ("onion_xchacha20", Cipher::XChaCha20),
            ("onion_aes_gcm", Cipher::Aes256Gcm),
        ];
        for (check, cipher) in ciphers {
            let client = client.clone().with_cipher(cipher);
            let request = client.onion_v4(Request::new("GET", self.probe));
            let finding = match within(ANSWERING, request).await {
                Some(Ok(OnionAnswer { inside: Some(_), .. })) => {
                    Finding::ok(check, format!("Onion requests with {} are understood.", cipher.name()))
                }
                Some(Ok(OnionAnswer { outside, .. })) if outside.status == 400 => self.other_key().await,
                Some(Err(ClientError::NotOpened(_) | ClientError::ServerKey(_))) => self.other_key().await,
                Some(Ok(OnionAnswer { outside, .. })) => Finding::error(
                    check,
                    format!(
                        "An onion request was answered with {} before it reached the server.",
                        outside.status
                    ),
                    format!(
                        "POST /oxen/v4/lsrpc must reach the server unchanged:\n{}",
                        proxy.everything(self.program, &self.listen.to_string())
                    ),
                ),
                Some(Err(error)) => self.broken(&error),
                None => Finding::error(
                    check,
                    format!(
                        "An onion request was not answered within {} seconds.",
                        ANSWERING.as_secs()
                    ),
                    proxy.longer_times(),
                ),
            };
            let is_good = finding.level < Level::Error;
            report.add(finding);
            if !is_good {
                return false;
            }
        }
        report.add(Finding::ok(
            "key",
            format!("The server has the key {}….", self.key.to_string().split_at(8).0),
        ));
        true
    }

    /// The server could not open what was encrypted for this key. It may be that it has the one in the data folder.
    async fn other_key(&self) -> Finding {
        const CHECK: &str = "key";
        let name = self.host();
        let own = self.own_key.filter(|own| *own != self.key);
        if let Some(own) = own
            && let Ok(client) = Client::new(self.base.as_str(), own)
            && let Some(Ok(OnionAnswer { inside: Some(_), .. })) =
                within(ANSWERING, client.onion_v4(Request::new("GET", self.probe))).await
        {
            return Finding::error(
                CHECK,
                format!("The key in the link is not that of the server at {name}, which has {own}."),
                format!("Hand out links with public_key={own}; whoever joined by the wrong one must join again."),
            );
        }
        Finding::error(
            CHECK,
            format!("The server at {name} has another key than {}.", self.key),
            format!(
                "If the address leads to another server, set base_url to this one's. If it is this one, its key file was \
                 lost or replaced: put the old one back from a backup, for clients know the server by it. `{} key show` \
                 prints the key that the data folder has.",
                self.program
            ),
        )
    }
}

/// What a difference between two clocks means. The moment was shown between the two others.
pub(super) fn skew(before: Timestamp, after: Timestamp, shown: Timestamp) -> Finding {
    const CHECK: &str = "clock";
    // Dates have whole seconds.
    let behind = before.since(shown.plus(Duration::from_secs(1)));
    let ahead = shown.since(after);
    let (by, how) = if behind > ahead {
        (behind, "behind")
    } else {
        (ahead, "ahead of")
    };
    if by < SKEWED {
        return Finding::ok(CHECK, "The clocks of the server and of this machine agree.");
    }
    // A second more or less says nothing about hours.
    let unit = if by < BADLY_SKEWED { 1 } else { 60 };
    let rounded = Duration::from_secs((by.as_secs() + unit / 2) / unit * unit);
    let sentence = format!(
        "The server's clock is {} {how} this machine's: {} instead of {}.",
        humantime::format_duration(rounded),
        output::time(shown),
        output::time(after)
    );
    let remedy = "Let both machines keep the time: sudo timedatectl set-ntp true; `timedatectl` shows whether they do. \
                  Requests are refused (425) when clocks differ by a day, and messages are out of order long before.";
    if by < BADLY_SKEWED {
        Finding::warning(CHECK, sentence, remedy)
    } else {
        Finding::error(CHECK, sentence, remedy)
    }
}

fn no_address(host: &str, reason: &str) -> Finding {
    Finding::error(
        "address",
        format!("The name {host} leads nowhere: {reason}."),
        format!(
            "Have an A record (and AAAA, if there is IPv6) made for {host} where the domain is managed, and wait until it is known. Is it spelt right?"
        ),
    )
}

fn is_without_route(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::AddrNotAvailable
    )
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_seconds_but_not_by_minutes() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let later = now.plus(Duration::from_secs(1));
        let judged = |shown| skew(now, later, shown);
        assert_eq!(judged(now).level, Level::Ok);
        assert_eq!(judged(now.minus(Duration::from_secs(30))).level, Level::Ok);
        assert_eq!(judged(now.minus(Duration::from_secs(31))).level, Level::Warning);
        assert_eq!(judged(later.plus(Duration::from_secs(31))).level, Level::Warning);
        let days = judged(now.minus(Duration::from_secs(2 * 86_400 + 1)));
        assert_eq!(days.level, Level::Error);
        assert!(days.sentence.contains("2days behind"), "{days:?}");
    }

    #[test]
    fn addresses_of_one_s_own_network_are_told_from_public_ones() {
        for private in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1", "fe80::1"] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["198.51.100.7", "2001:db8::1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
