//! Transactions on one SQLite connection that become lasting together, so that one flush to the disk does for all.
//!
//! Each is a savepoint in the transaction of the first. Whoever is done hands the connection to the next who waits, and
//! waits for the COMMIT that the last of them makes. One that is undone takes nothing of the others with it, but for one
//! that is given up in the moment in which it begins: its savepoint may not be there then, and nothing is to be guessed.

use tokio::sync::oneshot;

/// So many have their turn before those who are done stop waiting for more, whether these came to anything or not.
const MOST: usize = 32;

/// Transactions that are done and wait to become lasting.
#[derive(Debug, Default)]
pub(super) struct Group {
    waiting: Vec<oneshot::Sender<()>>,
    turns: usize,
    /// The savepoint of the latest of them; the first has none.
    open: Option<Savepoint>,
}

/// Where a transaction of a group begins. Two names in turn, so that nothing meant for one can ever reach into the one
/// before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Savepoint {
    Even,
    Odd,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.turns + 1 < MOST
    }

    /// Adds a transaction, which began with this savepoint. What comes tells that it has become lasting; if nothing can
    /// come any more, it may have or not.
    pub(super) fn add(&mut self, savepoint: Option<Savepoint>) -> oneshot::Receiver<()> {
        let (teller, lasting) = oneshot::channel();
        self.waiting.push(teller);
        self.open = savepoint;
        lasting
    }

    /// Takes the latest out again, which will see to the COMMIT itself.
    pub(super) fn remove_latest(&mut self) {
        self.waiting.pop();
    }

    /// Notes that a transaction was undone, with its savepoint. Its beginning had released the one before.
    pub(super) fn undone(&mut self) {
        self.open = None;
    }

    /// Tells everybody that the COMMIT is done.
    pub(super) fn tell(self) {
        for teller in self.waiting {
            // Whoever does not listen any more has been given up on.
            let _ = teller.send(());
        }
    }

    /// The savepoint of the next transaction, and what begins it.
    pub(super) fn next(&mut self) -> (Savepoint, &'static str) {
        self.turns += 1;
        match self.open {
            None => (Savepoint::Even, "SAVEPOINT even"),
            Some(Savepoint::Even) => (Savepoint::Odd, "RELEASE even;SAVEPOINT odd"),
            Some(Savepoint::Odd) => (Savepoint::Even, "RELEASE odd;SAVEPOINT even"),
        }
    }
}

impl Savepoint {
    /// What undoes the transaction. It fails if there is no such savepoint, be it that SQLite has undone everything.
    pub(super) const fn undo(self) -> &'static str {
        match self {
            Self::Even => "ROLLBACK TO even;RELEASE even",
            Self::Odd => "ROLLBACK TO odd;RELEASE odd",
        }
    }
}
