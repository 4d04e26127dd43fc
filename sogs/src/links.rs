//! Links that clients understand (`community-operations.md` section 5).

use shared::crypto::X25519Public;
use url::{Host, Url};

/// The longest address that clients take, in characters (`client-usage.md` section 12).
pub const LONGEST_BASE_URL: usize = 267;

/// The link by which a room is joined: `BASE/TOKEN?public_key=HEX`.
#[must_use]
pub fn join_link(base_url: &str, token: &str, key: &X25519Public) -> String {
    format!("{}/{token}?public_key={key}", base_url.trim_end_matches('/'))
}

/// A public address as links have it, without a slash at its end: the name in lower case and, if it has other letters
/// than a to z, as the name system writes it, without the port that goes without saying. Two spellings of one address
/// would be two servers to clients.
///
/// # Errors
///
/// Why it can be no public address.
pub fn base_url(text: &str) -> Result<String, &'static str> {
    let parsed = Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = parsed else {
        return Err("must be an address such as https://community.example.org");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user or a password in it, for everybody sees it");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "must end with the host or the port, as in https://community.example.org: clients take what follows \
                    for the room",
        );
    }
    let address = url.origin().ascii_serialization();
    if address.len() > LONGEST_BASE_URL {
        return Err("must not be longer than 267 characters, for clients take no longer ones");
    }
    Ok(address)
}

/// Why clients will not accept links with this base URL; `None` if they will (`client-usage.md` section 12).
#[must_use]
pub fn problem(base_url: &str) -> Option<&'static str> {
    let parsed = Url::parse(base_url).ok()?;
    match parsed.host() {
        Some(Host::Ipv4(_)) => None,
        Some(Host::Ipv6(_)) => Some("Session clients do not accept IPv6 addresses in links"),
        Some(Host::Domain(name)) if !name.trim_end_matches('.').contains('.') || name.len() < 4 => {
            Some("Session clients only accept links to a host with a dot in its name")
        }
        Some(Host::Domain(name))
            if !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) =>
        {
            Some("Session clients only accept hosts of letters, digits, dots and hyphens")
        }
        Some(Host::Domain(_)) => None,
        None => Some("it names no host"),
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
        for bad in [
            "http://localhost:8080",
            "http://[::1]:80",
            "https://intranet",
            "https://intranet.",
            "https://a.b",
            "https://my_chat.example.org",
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_written_in_one_way() {
        for (typed, meant) in [
            ("https://Chat.Example.org", "https://chat.example.org"),
            (" https://chat.example.org/ \n", "https://chat.example.org"),
            ("HTTPS://chat.example.org:443", "https://chat.example.org"),
            ("http://chat.example.org:080", "http://chat.example.org"),
            ("http://chat.example.org:8080/", "http://chat.example.org:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://192.0.2.7", "http://192.0.2.7"),
        ] {
            assert_eq!(base_url(typed), Ok(meant.to_owned()), "{typed}");
        }
    }

    #[test]
    fn what_can_be_no_public_address_is_refused() {
        let long = format!("https://{}.example.org", "a.".repeat(130));
        for (typed, reason) in [
            ("", "such as"),
            ("chat.example.org", "such as"),
            ("chat.example.org:8080", "such as"),
            ("ftp://chat.example.org", "such as"),
            ("https://", "such as"),
            ("https://me@chat.example.org", "a user or a password"),
            ("https://me:secret@chat.example.org", "a user or a password"),
            ("https://chat.example.org/rooms", "what follows"),
            ("https://chat.example.org//", "what follows"),
            ("https://chat.example.org/?a=b", "what follows"),
            ("https://chat.example.org#a", "what follows"),
            (&long, "267"),
        ] {
            let refused = base_url(typed).unwrap_err();
            assert!(refused.contains(reason), "{typed}: {refused}");
        }
    }
}
