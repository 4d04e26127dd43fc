//! A signed request takes effect once at most, whatever becomes of the processes that it is sent to, and a client whose
//! request failed through no fault of its own may send it again (`spec/README.md` "Nonces").

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[macro_use]
#[path = "../in_process/mod.rs"]
mod in_process;
#[path = "../two_processes/mod.rs"]
mod two_processes;

mod nonces;
mod plan;
mod signed;
mod world;

use in_process::Stores;
use plan::{shape, step};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use world::World;

pub(crate) const DAY: u64 = 86_400;

fn nothing_happens_twice(stores: Stores, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let Some(world) = runtime.block_on(World::new(stores)) else {
        return;
    };
    let world = tokio::sync::Mutex::new(world);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let plan = (
        prop::collection::vec(shape(), 2..6),
        prop::collection::vec(step(), 4..12),
    );
    let outcome = runner.run(&plan, |(shapes, steps)| {
        runtime.block_on(async {
            world.lock().await.play(&shapes, &steps).await;
        });
        Ok(())
    });
    eprintln!("{:?}", world.blocking_lock().outcomes);
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn nothing_happens_twice_and_no_failure_costs_a_nonce_on_one_machine() {
    nothing_happens_twice(Stores::Embedded, 40);
}

#[test]
fn nothing_happens_twice_and_no_failure_costs_a_nonce_on_shared_stores() {
    nothing_happens_twice(Stores::Shared, 40);
}
