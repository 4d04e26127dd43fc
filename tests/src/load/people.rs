//! The people of a community under load.

use anyhow::Result;
use shared::client::{Account, Identity, Request};
use shared::clock::Clock;
use shared::crypto::sogs_auth::SignedRequest;
use shared::crypto::{BlindedId, InvalidPoint, X25519Public};
use shared::onion::split_endpoint;

/// Accounts and the server that they sign for. The accounts are the same every time, so that whoever reads in a room is
/// not a newcomer to it; their secrets are known to everybody.
#[derive(Clone, Debug)]
pub struct People {
    accounts: Vec<Account>,
    server: X25519Public,
}

impl People {
    /// So many people, at least one.
    #[must_use]
    pub fn new(count: usize, server: X25519Public) -> Self {
        let accounts = (1..=count.max(1)).map(|number| {
            let mut seed = [0; 32];
            for (byte, digit) in seed.iter_mut().zip(number.to_le_bytes()) {
                *byte = digit;
            }
            Account::from_seed(&seed)
        });
        Self {
            accounts: accounts.collect(),
            server,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.accounts.len()
    }

    /// By what ids the server knows them.
    ///
    /// # Errors
    ///
    /// When the server's key is no key.
    pub fn ids(&self) -> Result<Vec<BlindedId>, InvalidPoint> {
        let blinded = |account: &Account| account.blinded_id(&self.server);
        self.accounts.iter().map(blinded).collect()
    }

    /// Lets whose turn it is sign a request.
    ///
    /// # Errors
    ///
    /// When the target of the request is no text, or the server's key no key.
    pub fn sign(&self, turn: usize, mut request: Request) -> Result<Request> {
        let (path, query) = split_endpoint(&request.target)?;
        let signed = SignedRequest {
            method: &request.method,
            path: &path,
            query: query.as_deref(),
            body: &request.body,
        };
        let account = &self.accounts[turn % self.accounts.len()];
        let now = Clock::system().now();
        let headers = account.sign_for_community(Identity::Blinded, &self.server, &signed, now)?;
        request.headers.extend(headers);
        Ok(request)
    }
}
