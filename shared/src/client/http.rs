//! The HTTP client underneath.

use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);
const TOTAL: Duration = Duration::from_mins(5);

/// An HTTP client with TLS by ring and the system's certificates. It follows no redirects and gives up after 10 s
/// without a connection, 60 s without a byte, 5 minutes in all.
///
/// On a system without certificates it is built all the same, for plain HTTP; TLS connections fail then.
///
/// # Errors
///
/// When the system's resolver or TLS set-up fails.
pub fn http() -> Result<reqwest::Client, reqwest::Error> {
    build(builder)
}

/// As [`http()`], with everything sent through a proxy, whatever the environment says about proxies.
///
/// # Errors
///
/// As [`http()`].
pub fn http_through(proxy: &reqwest::Proxy) -> Result<reqwest::Client, reqwest::Error> {
    build(|| builder().no_proxy().proxy(proxy.clone()))
}

fn build(builder: impl Fn() -> reqwest::ClientBuilder) -> Result<reqwest::Client, reqwest::Error> {
    // It fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .timeout(TOTAL)
}
