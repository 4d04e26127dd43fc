//! How the process takes memory for large bodies from the system.
#![expect(
    unsafe_code,
    reason = "the allocator's settings are a C function; each call below is argued for"
)]

/// Allocations from this size on are taken from the system one by one, and given back as soon as they are freed.
#[cfg(target_env = "gnu")]
const APART: libc::c_int = 2 * 1024 * 1024;

/// Free memory up to this size is kept for the next request instead of being given back, for each arena.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 8 * 1024 * 1024;

/// Keeps large bodies out of the allocator's heaps; to be called once, before other threads are started.
///
/// By default glibc learns from the first body it frees to put bodies of that size into its heaps. There they leave holes
/// that smaller things settle in: with many uploads at once the process grows to almost twice the byte budget, and
/// stays large. This costs page faults, about 1.5 ms for a body of 10 MB. Other C libraries are left as they are.
pub fn keep_bodies_apart() {
    // SAFETY: `mallopt` takes two integers and changes nothing but parameters of the allocator, under the allocator's
    // own lock. It answers 0 when it does not know a parameter, which does no harm.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, APART);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Heaps that all threads share; glibc would make up to eight for each core.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 4;

/// Lets threads share few heaps; to be called once, before other threads are started. Each heap keeps what its threads
/// once needed, and a server with a thread for each connection to its database has many. It is for servers of small
/// requests: where bodies of megabytes arrive at the same time, more heaps hold less at the peak.
pub fn share_heaps() {
    // SAFETY: as above.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}
