//! Tokens that stand for a signature in requests of the oldest clients (`identity-and-crypto.md` section 10).
//!
//! A token is the id of an account, signed by the server, and is handed out so that only the account can read it. It
//! never ends and has no nonce, so it counts for nothing but the endpoints under `/legacy/`, and only where blinded ids
//! are not demanded.

use http::{StatusCode, header};
use shared::crypto::{Ed25519Pair, NotContributory, SessionId, UserId, X25519Pair, X25519Public, decode_hex_or_base64};
use shared::http::Head;
use shared::onion::{Cipher, LayerKey};

use crate::api::ApiError;
use crate::app::Community;

/// A signature and the id that is signed.
pub const LENGTH: usize = 64 + 33;

const PREFIX: &str = "/legacy/";

/// A token that only the account can read.
///
/// # Errors
///
/// When the id is that of no account.
pub fn challenge(server: &X25519Pair, account: &SessionId) -> Result<Vec<u8>, NotContributory> {
    let key = LayerKey::of_server(Cipher::Aes256Gcm, server, &X25519Public::from_bytes(*account.key()))?;
    let id = account.to_bytes();
    let mut token = signer(server).sign(&id).to_vec();
    token.extend_from_slice(&id);
    Ok(key.seal(&token).to_vec())
}

/// Whom a token was made for; `None` if the server has not made it.
#[must_use]
pub fn account(server: &X25519Pair, token: &str) -> Option<SessionId> {
    let token = decode_hex_or_base64::<LENGTH>(token)?;
    let (signature, id) = token.split_first_chunk::<64>()?;
    if !signer(server).public().verifies(id, signature) {
        return None;
    }
    hex::encode(id).parse().ok()
}

/// The secret of the server, which is one of X25519, taken for a seed.
fn signer(server: &X25519Pair) -> Ed25519Pair {
    Ed25519Pair::from_seed(server.secret().as_bytes())
}

/// Whom the token of a request was made for, if it has one that counts.
///
/// # Errors
///
/// 401 if the server has not made it.
pub(crate) fn bearer(app: &Community, head: &Head) -> Result<Option<UserId>, ApiError> {
    if app.settings.users.require_blind_keys || !head.path.starts_with(PREFIX) {
        return Ok(None);
    }
    match head.header(header::AUTHORIZATION.as_str()) {
        None | Some("") => Ok(None),
        Some(token) => match account(&app.key, token) {
            Some(account) => Ok(Some(UserId::Session(account))),
            None => Err(ApiError::Refused(
                StatusCode::UNAUTHORIZED,
                "Invalid authentication: the token was not made by this server",
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_where_it_was_made_and_unchanged() {
        shared::crypto::init().unwrap();
        let (server, other) = (X25519Pair::generate(), X25519Pair::generate());
        let owner = Ed25519Pair::generate();
        let id = owner.session_id();
        let sealed = challenge(&server, &id).unwrap();
        let opened = LayerKey::of_server(Cipher::Aes256Gcm, &owner.to_x25519(), server.public()).unwrap();
        let token = opened.open(sealed[..].into()).unwrap();
        assert_eq!(token.len(), LENGTH);
        let text = hex::encode(&token);
        assert_eq!(account(&server, &text), Some(id));
        assert_eq!(account(&other, &text), None);
        for position in 0..LENGTH {
            let mut changed = token.to_vec();
            changed[position] ^= 1;
            assert_eq!(account(&server, &hex::encode(changed)), None, "{position}");
        }
        for text in ["", "0", "Basic YTpi", &text[2..]] {
            assert_eq!(account(&server, text), None);
        }
    }
}
