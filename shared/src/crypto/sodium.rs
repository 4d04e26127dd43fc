//! The few libsodium functions that `sodiumoxide` does not wrap; but for one setting of the allocator
//! (`memory.rs`) the only unsafe code of the workspace.
//!
//! Every function passes pointers taken from arrays or slices whose lengths are what libsodium documents, and none
//! keeps a pointer after it returns.
#![expect(unsafe_code, reason = "libsodium is a C library; each call below is argued for")]

use std::ptr;

use libsodium_sys as ffi;

type Bytes32 = [u8; 32];

/// Whether this is the canonical encoding of a point in the prime-order subgroup that is not the identity.
pub(crate) fn is_valid_point(point: &Bytes32) -> bool {
    // SAFETY: reads 32 bytes of `point`.
    unsafe { ffi::crypto_core_ed25519_is_valid_point(point.as_ptr()) == 1 }
}

/// A 64-byte integer modulo the group order.
pub(crate) fn scalar_reduce(wide: &[u8; 64]) -> Bytes32 {
    let mut out = [0; 32];
    // SAFETY: reads 64 bytes of `wide`, writes 32 to `out`.
    unsafe { ffi::crypto_core_ed25519_scalar_reduce(out.as_mut_ptr(), wide.as_ptr()) };
    out
}

/// `a * b` modulo the group order; the factors need not be reduced.
pub(crate) fn scalar_mul(a: &Bytes32, b: &Bytes32) -> Bytes32 {
    let mut out = [0; 32];
    // SAFETY: reads 32 bytes of each factor, writes 32 to `out`.
    unsafe { ffi::crypto_core_ed25519_scalar_mul(out.as_mut_ptr(), a.as_ptr(), b.as_ptr()) };
    out
}

/// `a + b` modulo the group order, of reduced scalars.
pub(crate) fn scalar_add(a: &Bytes32, b: &Bytes32) -> Bytes32 {
    let mut out = [0; 32];
    // SAFETY: reads 32 bytes of each summand, writes 32 to `out`.
    unsafe { ffi::crypto_core_ed25519_scalar_add(out.as_mut_ptr(), a.as_ptr(), b.as_ptr()) };
    out
}

/// `-a` modulo the group order; `a` need not be reduced.
pub(crate) fn scalar_negate(a: &Bytes32) -> Bytes32 {
    let mut out = [0; 32];
    // SAFETY: reads 32 bytes of `a`, writes 32 to `out`.
    unsafe { ffi::crypto_core_ed25519_scalar_negate(out.as_mut_ptr(), a.as_ptr()) };
    out
}

/// The base point times a scalar that is taken as it is; `None` when the product is the identity.
pub(crate) fn mul_base(scalar: &Bytes32) -> Option<Bytes32> {
    let mut out = [0; 32];
    // SAFETY: reads 32 bytes of `scalar`, writes 32 to `out`.
    let ok = unsafe { ffi::crypto_scalarmult_ed25519_base_noclamp(out.as_mut_ptr(), scalar.as_ptr()) == 0 };
    ok.then_some(out)
}

/// A point times a scalar that is taken as it is; `None` when the point fails the check of [`is_valid_point`] or the
/// product is the identity.
pub(crate) fn mul_point(scalar: &Bytes32, point: &Bytes32) -> Option<Bytes32> {
    let mut out = [0; 32];
    // SAFETY: reads 32 bytes of `scalar` and of `point`, writes 32 to `out`.
    let ok = unsafe { ffi::crypto_scalarmult_ed25519_noclamp(out.as_mut_ptr(), scalar.as_ptr(), point.as_ptr()) == 0 };
    ok.then_some(out)
}

/// BLAKE2b with the key, salt and personalisation parameters; an empty key is none. `N` is from 1 to 64.
///
/// # Panics
///
/// When the key is longer than 64 bytes.
pub(crate) fn blake2b_parametrised<const N: usize>(
    data: &[u8],
    key: &[u8],
    salt: &[u8; 16],
    person: &[u8; 16],
) -> [u8; N] {
    const { assert!(N >= 1 && N <= 64, "BLAKE2b digests have 1 to 64 bytes") };
    assert!(key.len() <= 64, "BLAKE2b keys have at most 64 bytes");
    let mut out = [0; N];
    // SAFETY: writes `N` bytes to `out`; reads `data.len()` bytes of `data`, `key.len()` of `key` and 16 of `salt` and
    // of `person`; a key of length 0 is not read and means none. It fails only for lengths out of range, which the
    // types and the assertion rule out.
    unsafe {
        ffi::crypto_generichash_blake2b_salt_personal(
            out.as_mut_ptr(),
            N,
            data.as_ptr(),
            data.len() as u64,
            key.as_ptr(),
            key.len(),
            salt.as_ptr(),
            person.as_ptr(),
        )
    };
    out
}

/// Whether the tag of an AES-256-GCM ciphertext is right, without decrypting. Only where
/// `aes256gcm::is_available()`.
pub(crate) fn aes256gcm_tag_matches(ciphertext: &[u8], tag: &[u8; 16], nonce: &[u8; 12], key: &Bytes32) -> bool {
    // SAFETY: a null output makes libsodium compare the tag and write nothing; reads `ciphertext.len()` bytes of
    // `ciphertext`, 16 of `tag`, 12 of `nonce` and 32 of `key`; null associated data of length 0 means none.
    unsafe {
        ffi::crypto_aead_aes256gcm_decrypt_detached(
            ptr::null_mut(),
            ptr::null_mut(),
            ciphertext.as_ptr(),
            ciphertext.len() as u64,
            tag.as_ptr(),
            ptr::null(),
            0,
            nonce.as_ptr(),
            key.as_ptr(),
        ) == 0
    }
}

/// Whether the tag of an XChaCha20-Poly1305 (IETF) ciphertext is right, without decrypting.
pub(crate) fn xchacha20_tag_matches(ciphertext: &[u8], tag: &[u8; 16], nonce: &[u8; 24], key: &Bytes32) -> bool {
    // SAFETY: as above, with a nonce of 24 bytes.
    unsafe {
        ffi::crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
            ptr::null_mut(),
            ptr::null_mut(),
            ciphertext.as_ptr(),
            ciphertext.len() as u64,
            tag.as_ptr(),
            ptr::null(),
            0,
            nonce.as_ptr(),
            key.as_ptr(),
        ) == 0
    }
}

/// Poly1305 over bytes that come in pieces.
pub(crate) struct Poly1305(ffi::crypto_onetimeauth_poly1305_state);

impl Poly1305 {
    /// With a key that is used for one tag only.
    pub(crate) fn new(key: &Bytes32) -> Self {
        let mut state = ffi::crypto_onetimeauth_poly1305_state { opaque: [0; 256] };
        // SAFETY: writes the state, whose size and alignment are libsodium's, and reads 32 bytes of `key`.
        unsafe { ffi::crypto_onetimeauth_poly1305_init(&raw mut state, key.as_ptr()) };
        Self(state)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        // SAFETY: reads and writes the state, which has no pointers in it and so may have been moved since, and reads
        // `bytes.len()` bytes of `bytes`.
        unsafe { ffi::crypto_onetimeauth_poly1305_update(&raw mut self.0, bytes.as_ptr(), bytes.len() as u64) };
    }

    pub(crate) fn finish(mut self) -> [u8; 16] {
        let mut tag = [0; 16];
        // SAFETY: reads and erases the state, and writes 16 bytes to `tag`.
        unsafe { ffi::crypto_onetimeauth_poly1305_final(&raw mut self.0, tag.as_mut_ptr()) };
        tag
    }
}
