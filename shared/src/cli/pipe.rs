//! Printing to somebody who may stop listening, as `head` does.
//!
//! The macros of the standard library panic when nobody reads any more. These have the same names and go on instead, as
//! what a command does is worth more than what it prints. To let SIGPIPE end the program would do for lists, but it
//! would end backups too: the signal also comes when a database or a bucket has closed a connection.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write, stderr, stdout};

/// Prints a line, whether anybody reads it or not.
#[macro_export]
macro_rules! println {
    () => { $crate::cli::pipe::print(format_args!("\n")) };
    ($($text:tt)+) => { $crate::cli::pipe::print(format_args!("{}\n", format_args!($($text)+))) };
}

/// Prints a text, whether anybody reads it or not.
#[macro_export]
macro_rules! print {
    ($($text:tt)+) => { $crate::cli::pipe::print(format_args!($($text)+)) };
}

/// Prints a line to the error output, whether anybody reads it or not.
#[macro_export]
macro_rules! eprintln {
    ($($text:tt)+) => { $crate::cli::pipe::complain(format_args!("{}\n", format_args!($($text)+))) };
}

/// Prints a text to the error output, whether anybody reads it or not.
#[macro_export]
macro_rules! eprint {
    ($($text:tt)+) => { $crate::cli::pipe::complain(format_args!($($text)+)) };
}

/// Writes a text to the standard output.
pub fn print(text: Arguments<'_>) {
    let mut out = stdout().lock();
    end_unless_well(out.write_fmt(text));
}

/// Writes bytes to the standard output, all of them at once.
pub fn write(bytes: &[u8]) {
    let mut out = stdout().lock();
    end_unless_well(out.write_all(bytes).and_then(|()| out.flush()));
}

/// Writes a text to the error output.
pub fn complain(text: Arguments<'_>) {
    let _ = stderr().lock().write_fmt(text);
}

/// What cannot be written for another reason than a reader who has left, such as a full disk, ends the program: whoever
/// keeps the output must not take a part for the whole.
fn end_unless_well(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        complain(format_args!("the output cannot be written: {error}\n"));
        std::process::exit(1);
    }
}
