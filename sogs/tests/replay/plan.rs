//! What is asked for, and what happens meanwhile.

use proptest::prelude::*;

use crate::two_processes::Fault;

/// A change that can be counted by the word in it, which no other change has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Post,
    Upload,
    Room,
    Letter,
    Reaction,
    /// In a room of its own, whose count of news tells how often it was pinned.
    Pin,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    One(Change),
    Batch(Vec<Change>),
    Sequence(Vec<Change>),
}

/// What happens next. Requests are chosen out of those there are, processes by their number.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send {
        request: usize,
        to: usize,
        onion: bool,
    },
    Twice {
        request: usize,
        to: [usize; 2],
        onion: bool,
    },
    Broken {
        request: usize,
        to: [usize; 2],
        onion: bool,
        fault: Fault,
    },
    Restart(usize),
    Crash(usize),
    CrashMeanwhile {
        request: usize,
        to: usize,
        after: usize,
    },
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Post),
        Just(Change::Upload),
        Just(Change::Room),
        Just(Change::Letter),
        Just(Change::Reaction),
        Just(Change::Pin),
    ]
}

pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let several = || prop::collection::vec(change(), 1..4);
    prop_oneof![
        2 => change().prop_map(Shape::One),
        1 => several().prop_map(Shape::Batch),
        1 => several().prop_map(Shape::Sequence),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let (request, to, onion) = (0..6_usize, 0..2_usize, any::<bool>());
    let fault = prop_oneof![Just(Fault::Commit), Just(Fault::Messages), Just(Fault::Files)];
    let pair = [0..2_usize, 0..2_usize];
    prop_oneof![
        3 => (request.clone(), to.clone(), onion).prop_map(|(request, to, onion)| Step::Send { request, to, onion }),
        3 => (request.clone(), pair.clone(), onion)
            .prop_map(|(request, to, onion)| Step::Twice { request, to, onion }),
        3 => (request.clone(), pair, onion, fault)
            .prop_map(|(request, to, onion, fault)| Step::Broken { request, to, onion, fault }),
        1 => to.clone().prop_map(Step::Restart),
        1 => to.clone().prop_map(Step::Crash),
        // From at once to when most requests are done.
        3 => (request, to, 6..18_u32)
            .prop_map(|(request, to, power)| Step::CrashMeanwhile { request, to, after: 1 << power }),
    ]
}
