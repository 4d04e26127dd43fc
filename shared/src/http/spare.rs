//! Buffers that are kept for the next large answer.
//!
//! Memory of this size comes from the system page by page, and clearing the pages of ten million bytes takes half as long
//! as encrypting them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Permit;

/// How many buffers are kept.
const KEPT: usize = 4;

/// Smaller buffers are as well left to the allocator.
const WORTH_KEEPING: usize = 256 * 1024;

/// Buffers of answers that have been sent. They go on taking up their part of the byte budget, so that memory stays
/// within it, and are given up as soon as anybody waits for room.
#[derive(Debug, Default)]
pub(super) struct Spares {
    kept: Mutex<VecDeque<Spare>>,
    /// How many callers wait for room in the budget.
    waiting: AtomicUsize,
}

/// A buffer and its part of the budget.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) buffer: Vec<u8>,
    pub(super) permit: Permit,
}

/// While there is one, no buffer is kept.
pub(super) struct NothingKept<'spares>(&'spares Spares);

impl Spares {
    /// A buffer with room for so many bytes, but not for many more.
    pub(super) fn take(&self, room: usize) -> Option<Spare> {
        let mut kept = self.kept();
        let fits = kept.iter().rposition(|spare| {
            let capacity = spare.buffer.capacity();
            capacity >= room && capacity / 2 <= room
        })?;
        kept.remove(fits)
    }

    /// Bytes whose buffer is kept when the last of them is dropped.
    pub(super) fn lend(self: &Arc<Self>, spare: Spare) -> Bytes {
        Bytes::from_owner(Lent {
            spare: Some(spare),
            home: Arc::clone(self),
        })
    }

    /// Gives back all that is kept, and keeps nothing until the answer is dropped.
    pub(super) fn give_up(&self) -> NothingKept<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let given_up = std::mem::take(&mut *self.kept());
        drop(given_up);
        NothingKept(self)
    }

    /// How much of the budget is taken up by what is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.kept().iter().map(|spare| spare.permit.bytes()).sum()
    }

    /// Keeps a buffer in place of the one that has been kept longest.
    fn keep(&self, spare: Spare) {
        if spare.buffer.capacity() < WORTH_KEEPING {
            return;
        }
        let mut kept = self.kept();
        // Whoever waits has counted itself before it looked at what is kept.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            return;
        }
        let oldest = if kept.len() < KEPT { None } else { kept.pop_front() };
        kept.push_back(spare);
        drop((kept, oldest));
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Spare>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NothingKept<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A buffer that is being sent.
struct Lent {
    spare: Option<Spare>,
    home: Arc<Spares>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.spare.as_ref().map_or(&[], |spare| &spare.buffer)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(spare) = self.spare.take() {
            self.home.keep(spare);
        }
    }
}
