//! Links that clients understand (`community-operations.md` section 5).

use shared::crypto::X25519Public;

/// The link by which a room is joined: `BASE/TOKEN?public_key=HEX`.
#[must_use]
pub fn join_link(base_url: &str, token: &str, key: &X25519Public) -> String {
    format!("{}/{token}?public_key={key}", base_url.trim_end_matches('/'))
}

/// Why clients will not accept links with this base URL; `None` if they will (`client-usage.md` section 12).
#[must_use]
pub fn problem(base_url: &str) -> Option<&'static str> {
    let parsed = url::Url::parse(base_url).ok()?;
    match parsed.host() {
        Some(url::Host::Ipv4(_)) => None,
        Some(url::Host::Domain(name)) if name.contains('.') => None,
        Some(url::Host::Ipv6(_)) => Some("Session clients do not accept IPv6 addresses in links"),
        _ => Some("Session clients only accept links to a host with a dot in its name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_clients_refuse_are_told() {
        for good in [
            "http://127.0.0.1:8080",
            "https://community.example.org",
            "http://example.org:8080",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in ["http://localhost:8080", "http://[::1]:80", "https://intranet"] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }
}
