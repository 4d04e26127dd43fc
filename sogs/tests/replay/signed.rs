//! A request that can be sent again, and what its answers mean.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use shared::client::{Answer, Identity, Request};
use shared::crypto::sogs_auth::SignedRequest;
use shared::onion::split_endpoint;

use crate::in_process::{Person, Server};
use crate::plan::Change;
use crate::two_processes::Fault;

/// A request that is signed, and what is known of it.
pub(crate) struct Signed {
    pub(crate) request: Request,
    pub(crate) several: bool,
    /// The change that each part asks for, and the word to count it by.
    pub(crate) parts: Vec<(Change, String)>,
    /// How often each part has taken effect, as far as was ever seen.
    pub(crate) seen: Vec<i64>,
    /// The lives of processes that have answered it with success, although no part may have succeeded.
    pub(crate) answered_by: BTreeSet<u64>,
}

/// A request that is to be sent as it is, with the same nonce each time.
pub(crate) fn sign(server: &Server, person: &Person, mut request: Request) -> Request {
    let (path, query) = split_endpoint(&request.target).unwrap();
    let signed = SignedRequest {
        method: &request.method,
        path: &path,
        query: query.as_deref(),
        body: &request.body,
    };
    let (key, now) = (server.app().key.public(), server.clock.now());
    let headers = person.account.sign_for_community(Identity::Blinded, key, &signed, now);
    request.headers.extend(headers.unwrap());
    request
}

/// The request that an element of a batch stands for.
pub(crate) fn alone(element: &Value) -> Request {
    let text = |key: &str| element[key].as_str();
    let mut request = Request::new(text("method").unwrap(), text("path").unwrap());
    for (name, value) in element["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    match text("b64") {
        Some(base64) => request.body(STANDARD.decode(base64).unwrap()),
        None => request
            .header("Content-Type", "application/json")
            .body(element["json"].to_string()),
    }
}

/// The status of each part that was run.
pub(crate) fn codes(signed: &Signed, answer: &Answer) -> Vec<u64> {
    if !signed.several {
        return vec![answer.status.into()];
    }
    let parts: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
    parts.iter().map(|part| part["code"].as_u64().unwrap()).collect()
}

/// Whoever was told of a success can rely on it. Answers whether all parts succeeded.
pub(crate) fn succeeded(signed: &Signed, answer: &Answer) -> bool {
    let codes = codes(signed, answer);
    for (code, (part, seen)) in codes.iter().zip(signed.parts.iter().zip(&signed.seen)) {
        assert!(
            *code >= 300 || *seen == 1,
            "told {code} although nothing was done: {part:?}"
        );
    }
    codes.len() == signed.parts.len() && codes.iter().all(|code| *code < 300)
}

/// A batch that was done before is taken again at most where each of its parts fails before it comes to the nonce.
pub(crate) fn is_vain(signed: &Signed, answer: &Answer, fault: Option<Fault>) -> bool {
    fault.is_some() && signed.several && codes(signed, answer).iter().all(|code| *code >= 500)
}
