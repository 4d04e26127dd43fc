//! What must hold for any input whatever. Property tests and fuzz targets call the same functions; each panics when
//! its invariant is broken.

use crate::clock::Timestamp;
use crate::crypto::{self, PointCache, X25519Public, fs_auth, sogs_auth};

/// No header texts bring the signature checks down, and none pass by accident.
pub fn auth_headers([pubkey, nonce, timestamp, signature]: [&str; 4]) {
    let points = PointCache::new(1);
    let now = Timestamp::from_seconds(1_700_000_000);
    let request = sogs_auth::SignedRequest { method: "GET", path: "/", query: None, body: b"" };

    let verifier = sogs_auth::Verifier::new(X25519Public::from_bytes([1; 32]), points.clone());
    let headers = sogs_auth::Headers {
        pubkey: Some(pubkey),
        nonce: Some(nonce),
        timestamp: Some(timestamp),
        signature: Some(signature),
    };
    assert!(!matches!(verifier.verify(headers, &request, now, false), Ok(Some(_))));

    let headers =
        fs_auth::Headers { pubkey: Some(pubkey), timestamp: Some(timestamp), signature: Some(signature) };
    assert!(!matches!(fs_auth::verify(headers, &request, &points, now), Ok(Some(_))));
}

/// Whatever decodes is the same bytes in either notation.
pub fn hex_or_base64(text: &str) {
    if let Some(bytes) = crypto::decode_hex_or_base64::<16>(text) {
        assert_eq!(crypto::decode_hex_or_base64(&hex::encode(bytes)), Some(bytes));
    }
    let _ = crypto::decode_hex_or_base64::<33>(text);
    let _ = crypto::decode_hex_or_base64::<64>(text);
}
