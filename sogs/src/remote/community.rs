//! Talking to a community.
//!
//! A request that changes something is signed once. If its answer is lost it is sent again as it is, with the same nonce,
//! which a server takes only once: so nothing is done twice. If the server then says that it has had it, nobody knows what
//! came of it, and that is said.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::client::{Account, Answer, Client, ClientError, Identity, Request, http_through};
use shared::clock::Clock;

use super::call::{Call, Outcome, Part, outcome};
use super::error::RemoteError;
use super::link::JoinLink;
use super::proxy::Proxy;

/// As many parts of one batch as any server takes.
const PARTS: usize = 50;

/// How often a change is sent before it is given up.
const ATTEMPTS: u32 = 3;

const PAUSE: Duration = Duration::from_secs(1);

/// A community, and who talks to it.
#[derive(Debug)]
pub struct Community {
    link: JoinLink,
    /// Signs, and never sends.
    signer: Client,
    /// Sends what is signed already.
    sender: Client,
    id: String,
}

#[derive(Deserialize)]
struct Capabilities {
    #[serde(default)]
    capabilities: Vec<String>,
}

/// What became of one sending.
enum Sent {
    Answered(Answer),
    /// It did not leave.
    Unsent(RemoteError),
    /// It may have arrived.
    Lost(RemoteError),
}

impl Community {
    /// Asks the server how one shows oneself there.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] when there is no such server.
    pub async fn reach(link: JoinLink, proxy: Option<&Proxy>, account: &Account) -> Result<Self, RemoteError> {
        let mut sender = Client::new(&link.base_url, link.key)?;
        if let Some(proxy) = proxy {
            let http = proxy.http().and_then(|proxy| http_through(&proxy));
            sender = sender.with_http(http.map_err(ClientError::from)?);
        }
        let mut community = Self {
            link,
            signer: sender.clone(),
            sender,
            id: String::new(),
        };
        let answer = community.ask(Request::new("GET", "/capabilities")).await?;
        let known: Option<Capabilities> = serde_json::from_slice(&answer.body)
            .ok()
            .filter(|_| answer.status == 200);
        let blinded = known.is_none_or(|known| known.capabilities.iter().any(|name| name == "blind"));
        let identity = if blinded {
            Identity::Blinded
        } else {
            Identity::Unblinded
        };
        community.id = match identity {
            Identity::Blinded => account
                .blinded_id(&community.link.key)
                .map_err(ClientError::from)?
                .to_string(),
            Identity::Unblinded => account.session_id().to_string(),
        };
        community.signer = community
            .signer
            .with_account(account.clone(), identity, Clock::system());
        Ok(community)
    }

    /// The room by whose link the community is known.
    #[must_use]
    pub const fn link(&self) -> &JoinLink {
        &self.link
    }

    /// The id by which people there see the moderator.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks for something.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] when no answer comes, or one that makes no sense.
    pub async fn get(&self, path: &str) -> Result<Outcome, RemoteError> {
        let answer = self.ask(self.signer.sign(Request::new("GET", path))?).await?;
        Ok(outcome(&answer))
    }

    /// Asks for something of a certain form, of which there must be one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`RemoteError::Refused`].
    pub async fn get_as<T: DeserializeOwned>(&self, path: &str) -> Result<T, RemoteError> {
        let value = self.get(path).await?.map_err(RemoteError::Refused)?;
        self.shaped(value)
    }

    /// Reads what a server told.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Malformed`].
    pub fn shaped<T: DeserializeOwned>(&self, value: Value) -> Result<T, RemoteError> {
        serde_json::from_value(value).map_err(|_| self.malformed("it has another form"))
    }

    /// Asks for many things, and gives what became of each.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`RemoteError::Refused`] when all were refused at once.
    pub async fn get_all(&self, calls: &[Call]) -> Result<Vec<Outcome>, RemoteError> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for calls in calls.chunks(PARTS) {
            let request = self.signer.sign(together("/batch", calls))?;
            let answer = self.ask(request).await?;
            outcomes.extend(self.parts(&answer, calls.len())?);
        }
        Ok(outcomes)
    }

    /// Changes many things that have nothing to do with each other, and gives what became of each.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] for those that could not be tried or of which nobody knows.
    pub async fn change_all(&self, calls: &[Call]) -> Result<Vec<Outcome>, RemoteError> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for calls in calls.chunks(PARTS) {
            outcomes.extend(self.change(together("/batch", calls), calls.len()).await?);
        }
        Ok(outcomes)
    }

    /// Changes one thing after the other and stops at the first that is refused, which is the last outcome.
    ///
    /// # Errors
    ///
    /// As [`change_all`](Self::change_all).
    pub async fn change_in_turn(&self, calls: &[Call]) -> Result<Vec<Outcome>, RemoteError> {
        self.change(together("/sequence", calls), 1).await
    }

    /// What became of the parts of a batch, of which there must be at least so many.
    fn parts(&self, answer: &Answer, least: usize) -> Result<Vec<Outcome>, RemoteError> {
        let value = outcome(answer).map_err(RemoteError::Refused)?;
        let parts: Vec<Part> = self.shaped(value)?;
        if parts.len() < least {
            return Err(self.malformed("parts of it are missing"));
        }
        Ok(parts.into_iter().map(Part::outcome).collect())
    }

    fn malformed(&self, why: &'static str) -> RemoteError {
        RemoteError::Malformed(self.link.base_url.clone(), why)
    }

    /// Sends a request that changes nothing.
    async fn ask(&self, request: Request) -> Result<Answer, RemoteError> {
        match self.send(request).await? {
            Sent::Answered(answer) => Ok(answer),
            Sent::Unsent(error) | Sent::Lost(error) => Err(error),
        }
    }

    /// Sends a batch that changes something, again as it is if the answer does not come.
    async fn change(&self, request: Request, least: usize) -> Result<Vec<Outcome>, RemoteError> {
        let request = self.signer.sign(request)?;
        let mut may_have_arrived = false;
        let mut reason = RemoteError::Unknown;
        for attempt in 1..=ATTEMPTS {
            if attempt > 1 {
                tokio::time::sleep(PAUSE * (attempt - 1)).await;
            }
            let sent = self.send(request.clone()).await;
            match sent.map_err(|error| if may_have_arrived { RemoteError::Unknown } else { error })? {
                // A server that fails takes the same request again if it has changed nothing.
                Sent::Answered(answer) if answer.status >= 500 => may_have_arrived = true,
                Sent::Answered(answer) => {
                    let outcomes = self.parts(&answer, least);
                    let used = matches!(&outcomes, Err(RemoteError::Refused(refusal)) if refusal.is_used_nonce());
                    let unreadable = matches!(&outcomes, Err(RemoteError::Malformed(..)));
                    return if unreadable || (used && may_have_arrived) {
                        Err(RemoteError::Unknown)
                    } else {
                        outcomes
                    };
                }
                Sent::Unsent(error) => reason = error,
                Sent::Lost(_) => may_have_arrived = true,
            }
        }
        Err(if may_have_arrived { RemoteError::Unknown } else { reason })
    }

    async fn send(&self, request: Request) -> Result<Sent, RemoteError> {
        let base = || self.link.base_url.clone();
        let answer = match self.sender.onion_v4(request).await {
            Ok(answer) => answer,
            Err(ClientError::Http(error)) if error.is_connect() => {
                return Ok(Sent::Unsent(RemoteError::Unreachable(base(), error.into())));
            }
            Err(error @ ClientError::Http(_)) => return Ok(Sent::Lost(RemoteError::NoAnswer(base(), error))),
            Err(ClientError::NotOpened(_) | ClientError::Malformed(_)) => {
                return Ok(Sent::Lost(self.malformed("it does not open")));
            }
            Err(error) => return Err(error.into()),
        };
        match (answer.outside.status, answer.inside) {
            (_, Some(inside)) => Ok(Sent::Answered(inside)),
            (400, None) => Err(RemoteError::WrongKey(base())),
            (413, None) => Err(RemoteError::TooLarge(base())),
            // Whatever stands in front of the server does not know either whether it arrived.
            (status @ 500.., None) => Ok(Sent::Lost(RemoteError::Down(base(), status))),
            (status, None) => Err(RemoteError::NotACommunity(base(), status)),
        }
    }
}

fn together(path: &str, calls: &[Call]) -> Request {
    // Texts and JSON always make JSON.
    let body = serde_json::to_vec(calls).unwrap_or_default();
    Request::new("POST", path)
        .header("Content-Type", "application/json")
        .body(body)
}
