//! The current libsodium under the crate name that `sodiumoxide` links to.
//!
//! `sodiumoxide` 0.2.7 depends on `libsodium-sys` 0.2.7, which bundles libsodium 1.0.18. That version accepts Ed25519
//! points outside the prime-order subgroup (CVE-2025-69277). `libsodium-sys-stable` exports the same functions from a
//! current release, so re-exporting it is all there is to do.

pub use ::libsodium_sys::*;
