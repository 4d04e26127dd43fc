//! The server under load, and requests that are ready to go there.

use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use shared::client::{Destination, Request, Wrapped, v4_reply, v4_request, wrap};
use shared::crypto::X25519Public;
use shared::onion::{Cipher, LayerKey};
use url::Url;

/// How requests get in.
#[derive(Clone, Copy, Debug)]
pub enum Entrance {
    /// As plain HTTP.
    Direct,
    /// In the newer form of onion requests, as the last hop would deliver them.
    Onion {
        /// The server's key.
        server: X25519Public,
        /// For request and reply.
        cipher: Cipher,
    },
}

/// The server under load.
#[derive(Clone, Debug)]
pub struct Target {
    http: reqwest::Client,
    base: Url,
    entrance: Entrance,
}

/// A request that has only to be sent.
#[derive(Clone, Debug)]
pub struct Prepared {
    http: reqwest::Client,
    method: reqwest::Method,
    url: Url,
    headers: Vec<(String, String)>,
    body: Bytes,
    reply: Option<LayerKey>,
}

/// An answer as it came off the network, perhaps still encrypted.
#[derive(Debug)]
pub struct Received {
    status: u16,
    body: Bytes,
    reply: Option<LayerKey>,
}

impl Target {
    /// The server at this URL.
    ///
    /// # Errors
    ///
    /// When that is no URL.
    pub fn new(base: &str, entrance: Entrance) -> Result<Self> {
        let base = Url::parse(base).with_context(|| format!("{base} is no URL"))?;
        let http = shared::client::http()?;
        Ok(Self { http, base, entrance })
    }

    /// Does all the work that a request takes before it can be sent.
    ///
    /// # Errors
    ///
    /// When the request makes no URL, or the server's key is no key.
    pub fn prepare(&self, request: Request) -> Result<Prepared> {
        let Entrance::Onion { server, cipher } = self.entrance else {
            return self.prepared(request, None);
        };
        let destination = Destination {
            protocol: self.base.scheme().to_owned(),
            host: self.base.host_str().unwrap_or_default().to_owned(),
            port: self.base.port_or_known_default().unwrap_or(443),
            target: "/oxen/v4/lsrpc".to_owned(),
            key: server,
        };
        let Wrapped { body, key } = wrap(&destination, &[], cipher, &v4_request(&request))?;
        self.prepared(Request::new("POST", "/oxen/v4/lsrpc").body(body), Some(key))
    }

    fn prepared(&self, request: Request, reply: Option<LayerKey>) -> Result<Prepared> {
        let Request {
            method,
            target,
            headers,
            body,
        } = request;
        Ok(Prepared {
            http: self.http.clone(),
            method: method.parse()?,
            url: self.base.join(&target)?,
            headers,
            body,
            reply,
        })
    }
}

impl Prepared {
    /// Sends the request and takes the whole answer in.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn send(self) -> Result<Received> {
        let mut builder = self.http.request(self.method, self.url).body(self.body);
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        let response = builder.send().await?;
        Ok(Received {
            status: response.status().as_u16(),
            body: response.bytes().await?,
            reply: self.reply,
        })
    }
}

impl Received {
    /// Status and body as the handler gave them.
    ///
    /// # Errors
    ///
    /// When an envelope does not open.
    pub fn open(self) -> Result<(u16, Bytes)> {
        match self.reply {
            Some(key) if self.status == 200 => {
                let plaintext = key.open(BytesMut::from(self.body)).context("is --pubkey right?")?;
                let answer = v4_reply(plaintext)?;
                Ok((answer.status, answer.body))
            }
            _ => Ok((self.status, self.body)),
        }
    }

    /// The body of a success.
    ///
    /// # Errors
    ///
    /// When it was none.
    pub fn expect_success(self) -> Result<Bytes> {
        match self.open()? {
            (200 | 201, body) => Ok(body),
            (status, _) => bail!("the server answered {status}"),
        }
    }
}
