//! The `sogs` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    sogs::cli::main()
}
