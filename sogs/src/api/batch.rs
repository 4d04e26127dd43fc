//! Several requests in one (`community-api.md` section 7).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};
use shared::crypto::sogs_auth::AuthError;
use shared::http::{App, Entrance, Head, Request, Response, Route, Router, base64_length, dispatch};
use shared::onion::split_endpoint;

use super::{ApiError, input};
use crate::app::Community;
use crate::caller::Caller;
use crate::heavy::with_body;
use crate::settings::LARGEST_REQUEST;

/// The most bytes of all answers of a batch together. An answer that would go beyond is replaced by 413, unless it is
/// small, for what a change has done must be told.
const LARGEST_ANSWER: u64 = 16 * 1024 * 1024;

/// Answers up to this size are always told.
const SMALL_ANSWER: u64 = 64 * 1024;

pub(super) fn routes(router: Router<Community>) -> Router<Community> {
    router
        .path("/batch", [Route::new(Method::POST, batch).body_limit(LARGEST_REQUEST)])
        .path(
            "/sequence",
            [Route::new(Method::POST, sequence).body_limit(LARGEST_REQUEST)],
        )
}

async fn batch(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    run(&app, request, false).await
}

async fn sequence(app: Arc<Community>, request: Request) -> Result<Response, ApiError> {
    run(&app, request, true).await
}

/// Runs the elements in their order. A sequence ends with the first that does not succeed.
async fn run(app: &Arc<Community>, request: Request, in_sequence: bool) -> Result<Response, ApiError> {
    let (request, elements) = with_body(app, request, elements).await?;
    let elements = elements?;
    let caller = Caller::of(&request.head);
    let mut answers = BytesMut::from(&b"["[..]);
    for (number, element) in elements.into_iter().enumerate() {
        let response = match element {
            Element::Refused => super::refusal(StatusCode::BAD_REQUEST),
            Element::Request(request) => dispatch(app, *request).await,
        };
        if caller.is_replay() {
            // Nothing but reading came before, so the batch as a whole is what was sent already.
            return Err(AuthError::NonceReused.into());
        }
        let length = base64_length(response.body.length());
        let response = if length > SMALL_ANSWER && answers.len() as u64 + length > LARGEST_ANSWER {
            app.refusal(StatusCode::PAYLOAD_TOO_LARGE)
        } else {
            response
        };
        let ends = in_sequence && !response.status.is_success();
        if number > 0 {
            answers.extend_from_slice(b",");
        }
        write(app, &mut answers, response).await?;
        if ends {
            break;
        }
    }
    answers.extend_from_slice(b"]");
    Ok(Response::new(StatusCode::OK, &mime::APPLICATION_JSON, answers.freeze()))
}

enum Element {
    Request(Box<Request>),
    /// A batch in a batch, an onion request, or a path that is not UTF-8: refused, while the others run.
    Refused,
}

/// All elements, checked before any of them runs.
fn elements(app: &Community, request: &Request) -> Result<Vec<Element>, ApiError> {
    let Value::Array(list) = input::json(request)? else {
        return Err(ApiError::bad("a batch is a JSON array"));
    };
    if list.len() > app.settings.limits.batch_elements as usize {
        return Err(ApiError::TooLarge("too many requests in one batch"));
    }
    let caller = Caller::of(&request.head);
    list.into_iter()
        .map(|element| self::element(element, &caller))
        .collect()
}

fn element(element: Value, caller: &Caller) -> Result<Element, ApiError> {
    let Value::Object(mut fields) = element else {
        return Err(ApiError::bad("an element of a batch is a JSON object"));
    };
    let method = match fields.get("method").and_then(Value::as_str) {
        Some("GET") => Method::GET,
        Some("DELETE") => Method::DELETE,
        Some("POST") => Method::POST,
        Some("PUT") => Method::PUT,
        _ => {
            return Err(ApiError::bad(
                "the method of an element must be GET, DELETE, POST or PUT",
            ));
        }
    };
    let endpoint = match fields.get("path").and_then(Value::as_str) {
        Some(path) if path.starts_with('/') => path,
        _ => {
            return Err(ApiError::bad(
                "the path of an element must be a string that begins with /",
            ));
        }
    };
    let target = split_endpoint(endpoint).ok().filter(|(path, _)| !is_nested(path));
    let (body, kind) = body(&mut fields, &method)?;
    let mut headers = HeaderMap::new();
    if let Some(kind) = kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    copy_headers(fields.get("headers"), &mut headers)?;
    let Some((path, query)) = target else {
        return Ok(Element::Refused);
    };
    let mut head = Head::new(method, path, query, Entrance::Batch);
    head.headers = headers;
    head.extensions.insert(caller.clone());
    Ok(Element::Request(Box::new(Request::new(head, body))))
}

/// Whether the path is that of another container.
fn is_nested(path: &str) -> bool {
    matches!(path, "/batch" | "/sequence") || shared::onion::is_onion_endpoint(path)
}

/// The body, and the content type that goes with how it was given.
fn body(fields: &mut Map<String, Value>, method: &Method) -> Result<(Bytes, Option<&'static str>), ApiError> {
    let takes_body = *method == Method::POST || *method == Method::PUT;
    let given: Vec<(&str, Value)> = ["json", "b64", "bytes"]
        .into_iter()
        .filter_map(|key| Some((key, fields.remove(key)?)))
        .filter(|(_, value)| takes_body || !value.is_null())
        .collect();
    if given.len() != usize::from(takes_body) {
        return Err(ApiError::bad(if takes_body {
            "an element that is a POST or PUT has one of json, b64 and bytes"
        } else {
            "an element that is a GET or DELETE has no body"
        }));
    }
    let Some((key, value)) = given.into_iter().next() else {
        return Ok((Bytes::new(), None));
    };
    match (key, value) {
        ("json", value) => Ok((value.to_string().into(), Some("application/json"))),
        ("b64", Value::String(text)) => Ok((input::base64(&text)?.into(), Some("application/octet-stream"))),
        ("bytes", Value::String(text)) => Ok((text.into(), Some("application/octet-stream"))),
        _ => Err(ApiError::bad("b64 and bytes must be strings")),
    }
}

/// Copies the headers of an element. What would authenticate it is left out: the caller is that of the batch.
fn copy_headers(given: Option<&Value>, headers: &mut HeaderMap) -> Result<(), ApiError> {
    let given = match given {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(ApiError::bad("the headers of an element must be a JSON object")),
    };
    for (name, value) in given {
        let Value::String(value) = value else {
            return Err(ApiError::bad("a header of an element must be a string"));
        };
        let lower = name.to_ascii_lowercase();
        if lower == "content-length" || lower.starts_with("x-sogs-") {
            continue;
        }
        let name = HeaderName::from_bytes(lower.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(ApiError::bad("a header of an element is malformed"));
        };
        headers.insert(name, value);
    }
    Ok(())
}

/// Appends the answer of one element.
async fn write(app: &Community, answers: &mut BytesMut, response: Response) -> Result<(), ApiError> {
    let mut headers = Map::new();
    if response.status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CONTENT_TYPE.to_string(), mime::TEXT_PLAIN_UTF_8.as_ref().into());
        for (name, value) in &response.headers {
            if *name != header::CONTENT_LENGTH
                && let Ok(value) = value.to_str()
            {
                headers.insert(name.to_string(), value.into());
            }
        }
    }
    let is_json = headers
        .get("content-type")
        .is_some_and(|kind| kind == "application/json");
    let status = response.status.as_u16();
    let Ok(body) = response.body.read_into(Vec::new()).await else {
        let refusal = app.refusal(StatusCode::SERVICE_UNAVAILABLE);
        return Box::pin(write(app, answers, refusal)).await;
    };
    let headers = Value::Object(headers);
    answers.extend_from_slice(format!("{{\"code\":{status},\"headers\":{headers},\"body\":").as_bytes());
    if is_json && !body.is_empty() {
        answers.extend_from_slice(&body);
    } else {
        answers.extend_from_slice(b"\"");
        answers.extend_from_slice(STANDARD.encode(&body).as_bytes());
        answers.extend_from_slice(b"\"");
    }
    answers.extend_from_slice(b"}");
    Ok(())
}
