//! Turns `proto/content.proto` into Rust, without the `protoc` that a build would otherwise need.

use std::error::Error;

const PROTO: &str = "proto/content.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["proto"])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
