//! The `fileserver` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    fileserver::cli::main()
}
