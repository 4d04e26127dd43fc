//! Progress bars, on standard error if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::archive::Progress;

/// A bar that counts bytes.
#[must_use]
pub fn bytes(total: u64) -> ProgressBar {
    bar(total, "{wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left")
}

/// A bar that counts files.
#[must_use]
pub fn files() -> ProgressBar {
    bar(0, "{wide_bar} {pos}/{len} files, {eta} left")
}

fn bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// How far the copying of files has come.
pub(super) struct CopyBar(ProgressBar);

impl CopyBar {
    pub(super) fn new() -> Self {
        Self(bytes(0))
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for CopyBar {
    fn expect(&mut self, _files: u64, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn done(&mut self, bytes: u64) {
        self.0.inc(bytes);
    }
}
