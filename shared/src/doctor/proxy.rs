//! What stands in front of a server, and the lines that mend its configuration.

use crate::client::Answer;

/// A proxy, as far as its answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    Nginx,
    Caddy,
    Apache,
    Unknown,
}

impl Proxy {
    /// Who says that it has answered.
    pub(super) fn of(answer: &Answer) -> Self {
        let says = [answer.header("server"), answer.header("via")];
        let says = says.into_iter().flatten().collect::<String>().to_ascii_lowercase();
        if says.contains("nginx") || says.contains("openresty") {
            Self::Nginx
        } else if says.contains("caddy") {
            Self::Caddy
        } else if says.contains("apache") {
            Self::Apache
        } else {
            Self::Unknown
        }
    }

    /// How it is called in a sentence.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
            Self::Apache => "Apache",
            Self::Unknown => "the proxy",
        }
    }

    /// How to let 10 MB through.
    pub(super) fn larger_bodies(self) -> String {
        self.lines(
            "client_max_body_size 16m;",
            "request_body {\n    max_size 16MB\n}",
            "LimitRequestBody 16777216",
        )
    }

    /// How to let slow requests through.
    pub(super) fn longer_times(self) -> String {
        self.lines(
            "client_body_timeout 30s; proxy_send_timeout 60s; proxy_read_timeout 60s;",
            "transport http {\n    response_header_timeout 60s\n}",
            "ProxyTimeout 60",
        )
    }

    /// How to serve plain HTTP without sending callers elsewhere. `name` is the public name of the server.
    pub(super) fn no_redirect(self, name: &str) -> String {
        self.lines(
            "listen 80;   in the server block that has listen 443, instead of a block with return 301 or 308",
            &format!("http://{name}, https://{name} {{\n    reverse_proxy …\n}}"),
            "no Redirect and no RewriteRule in <VirtualHost *:80>, but the same ProxyPass as in <VirtualHost *:443>",
        )
    }

    /// How to pass everything on.
    pub(super) fn everything(self, program: &str, listen: &str) -> String {
        self.lines(
            &format!(
                "location / {{ proxy_pass http://{listen}; }}   as the only location, so that all paths reach {program}"
            ),
            &format!("reverse_proxy {listen}   without a matcher, so that all paths reach {program}"),
            &format!("ProxyPass / http://{listen}/   so that all paths reach {program}"),
        )
    }

    fn lines(self, nginx: &str, caddy: &str, apache: &str) -> String {
        let nginx = format!("nginx, in the server block: {nginx}\nthen: sudo nginx -t && sudo systemctl reload nginx");
        let caddy = format!("Caddy, in the block of the site: {caddy}\nthen: sudo systemctl reload caddy");
        let apache = format!("Apache, in the VirtualHost: {apache}\nthen: sudo systemctl reload apache2");
        match self {
            Self::Nginx => nginx,
            Self::Caddy => caddy,
            Self::Apache => apache,
            Self::Unknown => format!("{nginx}\n{caddy}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)]) -> Answer {
        Answer {
            status: 413,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: bytes::Bytes::new(),
        }
    }

    #[test]
    fn proxies_are_known_by_what_they_call_themselves() {
        assert_eq!(Proxy::of(&answer(&[("server", "nginx/1.22.1")])), Proxy::Nginx);
        assert_eq!(Proxy::of(&answer(&[("via", "1.1 Caddy")])), Proxy::Caddy);
        assert_eq!(
            Proxy::of(&answer(&[("server", "Apache/2.4.57 (Debian)")])),
            Proxy::Apache
        );
        assert_eq!(Proxy::of(&answer(&[])), Proxy::Unknown);
    }

    #[test]
    fn whoever_is_unknown_is_told_about_both_usual_proxies() {
        let lines = Proxy::Unknown.larger_bodies();
        assert!(
            lines.contains("client_max_body_size 16m;") && lines.contains("max_size 16MB"),
            "{lines}"
        );
        assert!(!Proxy::Nginx.larger_bodies().contains("Caddy"));
    }
}
