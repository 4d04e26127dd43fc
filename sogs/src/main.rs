//! The `sogs` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("sogs: the community server is not part of this release yet; the file server is (`fileserver`)");
    ExitCode::FAILURE
}
