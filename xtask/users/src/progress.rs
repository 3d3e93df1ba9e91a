//! What a person sees while users are imported: a bar, the bad lines, and a sum at the end.

use std::io::Read;

use indicatif::{ProgressBar, ProgressBarIter, ProgressStyle};

/// Counts, and the bar that shows them.
pub struct Progress {
    bar: ProgressBar,
    pub added: u64,
    pub already_there: u64,
    pub bad_lines: u64,
}

impl Progress {
    /// A bar as long as the file; without a terminal it stays hidden.
    pub fn new(bytes: u64) -> Self {
        Self::with(ProgressBar::new(bytes))
    }

    fn with(bar: ProgressBar) -> Self {
        let style = ProgressStyle::with_template("  users    {bar:20} {percent:>3} %  {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar,
            added: 0,
            already_there: 0,
            bad_lines: 0,
        }
    }

    #[cfg(test)]
    pub fn hidden() -> Self {
        Self::with(ProgressBar::hidden())
    }

    /// The bar shows how far this has been read.
    pub fn follow<R: Read>(&self, file: R) -> ProgressBarIter<R> {
        self.bar.wrap_read(file)
    }

    /// A batch has been imported.
    pub fn imported(&self) {
        self.bar.set_message(self.summary());
    }

    /// A line that is not imported, and why.
    pub fn refused(&mut self, line: u64, reason: &str) {
        self.bad_lines += 1;
        self.bar.suspend(|| println!("  line {line}: {reason}"));
    }

    pub fn summary(&self) -> String {
        let Self {
            added,
            already_there,
            bad_lines,
            ..
        } = self;
        let lines = if *bad_lines == 1 { "line" } else { "lines" };
        format!("{added} added, {already_there} already there, {bad_lines} bad {lines}")
    }

    /// Takes the bar away and prints the sum.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        println!("  {:<8} {}", "users", self.summary());
    }
}
