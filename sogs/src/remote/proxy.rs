//! Reaching a server without showing it one's address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// A SOCKS 5 proxy such as that of Tor. It resolves names too, so that no resolver learns which server is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Proxy(Url);

/// The text names no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a proxy is written as socks5://HOST:PORT; that of Tor is usually socks5://127.0.0.1:9050")]
pub struct InvalidProxy;

impl Proxy {
    /// The same for the HTTP client.
    pub(super) fn http(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        // What `h` stands for is that the proxy resolves names.
        reqwest::Proxy::all(self.0.as_str().replacen("socks5://", "socks5h://", 1))
    }
}

impl FromStr for Proxy {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidProxy)?;
        let fits = matches!(url.scheme(), "socks5" | "socks5h")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.port().is_some()
            && matches!(url.path(), "" | "/");
        if fits { Ok(Self(url)) } else { Err(InvalidProxy) }
    }
}

impl TryFrom<String> for Proxy {
    type Error = InvalidProxy;

    fn try_from(text: String) -> Result<Self, InvalidProxy> {
        text.parse()
    }
}

impl From<Proxy> for String {
    fn from(proxy: Proxy) -> Self {
        proxy.to_string()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_socks_proxies_with_a_port_are_taken() {
        for good in ["socks5://127.0.0.1:9050", "socks5h://localhost:1080"] {
            assert_eq!(good.parse::<Proxy>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "127.0.0.1:9050",
            "http://127.0.0.1:9050",
            "socks5://127.0.0.1",
            "socks5://:9050",
        ] {
            assert!(bad.parse::<Proxy>().is_err(), "{bad}");
        }
    }
}
