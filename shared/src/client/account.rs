//! An account, and how it signs requests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::crypto::sogs_auth::{self, SignedRequest};
use crate::crypto::{
    BlindedId, BlindedPair, BlindingFactor, Ed25519Pair, InvalidPoint, SessionId, Signature, VersionId, X25519Public,
    fs_auth, random,
};

/// As whom an account shows itself to a community.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// By its blinded id (`15`), as clients do today.
    #[default]
    Blinded,
    /// By its own key (`00`), as clients did before.
    Unblinded,
}

/// An account of the network, made from a seed of 32 bytes.
#[derive(Clone, Debug)]
pub struct Account(Ed25519Pair);

impl Account {
    /// The account of this seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Ed25519Pair::from_seed(seed))
    }

    /// The account whose recovery phrase stands for this seed: clients take it with as many zeros behind it.
    #[must_use]
    pub fn from_account_seed(half: &[u8; 16]) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        for (byte, given) in seed.iter_mut().zip(half) {
            *byte = *given;
        }
        Self::from_seed(&seed)
    }

    /// A new random account.
    #[must_use]
    pub fn generate() -> Self {
        Self(Ed25519Pair::generate())
    }

    /// The account's keys.
    #[must_use]
    pub const fn pair(&self) -> &Ed25519Pair {
        &self.0
    }

    /// `05`
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.0.session_id()
    }

    /// `07`
    #[must_use]
    pub fn version_id(&self) -> VersionId {
        self.0.version_pair().as_version_id()
    }

    /// `15`: the account at one community.
    ///
    /// # Errors
    ///
    /// As [`BlindedPair::new`].
    pub fn blinded_id(&self, server: &X25519Public) -> Result<BlindedId, InvalidPoint> {
        Ok(self.blinded(server)?.id())
    }

    fn blinded(&self, server: &X25519Public) -> Result<BlindedPair, InvalidPoint> {
        BlindedPair::new(&self.0, &BlindingFactor::for_server(server))
    }

    /// The `X-SOGS-*` headers of a request to a community.
    ///
    /// # Errors
    ///
    /// As [`BlindedPair::new`].
    pub fn sign_for_community(
        &self,
        identity: Identity,
        server: &X25519Public,
        request: &SignedRequest<'_>,
        now: Timestamp,
    ) -> Result<Vec<(String, String)>, InvalidPoint> {
        self.sign_with_nonce(identity, server, request, now, &random())
    }

    /// As [`sign_for_community`](Self::sign_for_community), with a nonce that the server takes only once.
    ///
    /// # Errors
    ///
    /// As [`BlindedPair::new`].
    pub fn sign_with_nonce(
        &self,
        identity: Identity,
        server: &X25519Public,
        request: &SignedRequest<'_>,
        now: Timestamp,
        nonce: &[u8; 16],
    ) -> Result<Vec<(String, String)>, InvalidPoint> {
        let timestamp = now.as_seconds().to_string();
        let message = request.message(server, nonce, &timestamp);
        let (id, signature) = match identity {
            Identity::Blinded => {
                let pair = self.blinded(server)?;
                (pair.id().to_string(), pair.sign(&message)?)
            }
            Identity::Unblinded => (self.0.unblinded_id().to_string(), self.0.sign(&message)),
        };
        Ok(headers([
            (sogs_auth::PUBKEY, id),
            (sogs_auth::NONCE, STANDARD.encode(nonce)),
            (sogs_auth::TIMESTAMP, timestamp),
            (sogs_auth::SIGNATURE, text(&signature)),
        ]))
    }

    /// The `X-FS-*` headers of a version check at a file server.
    #[must_use]
    pub fn sign_version_check(&self, request: &SignedRequest<'_>, now: Timestamp) -> Vec<(String, String)> {
        let timestamp = now.as_seconds().to_string();
        let pair = self.0.version_pair();
        let signature = pair.sign(&fs_auth::message(request, &timestamp));
        headers([
            (fs_auth::PUBKEY, pair.as_version_id().to_string()),
            (fs_auth::TIMESTAMP, timestamp),
            (fs_auth::SIGNATURE, text(&signature)),
        ])
    }
}

fn text(signature: &Signature) -> String {
    STANDARD.encode(signature)
}

fn headers<const N: usize>(headers: [(&str, String); N]) -> Vec<(String, String)> {
    headers.map(|(name, value)| (name.to_owned(), value)).into()
}
