//! What has been done so far, for whoever watches.

use std::{cell::Cell, time::Instant};

use crate::warnings::Warnings;

pub struct Tally {
    steps: Cell<usize>,
    last: Cell<Instant>,
    warnings: Warnings,
    unexpected: Cell<usize>,
}

impl Tally {
    pub fn new(warnings: Warnings) -> Self {
        let last = Cell::new(Instant::now());
        Self { steps: Cell::new(0), last, warnings, unexpected: Cell::new(0) }
    }

    /// One more thing has been shown to work.
    pub fn step(&self, what: &str) {
        self.steps.set(self.steps.get() + 1);
        let took = self.last.replace(Instant::now()).elapsed().as_millis();
        println!("ok {what} ({took} ms)");
        self.hear_warnings();
    }

    fn hear_warnings(&self) {
        for line in self.warnings.take() {
            println!("   {line}");
            self.unexpected.set(self.unexpected.get() + 1);
        }
    }

    /// The last line. @returns whether all is well
    pub fn end(&self) -> bool {
        self.hear_warnings();
        let (steps, warnings) = (self.steps.get(), self.unexpected.get());
        println!("{steps} steps, {warnings} answers that the SDK does not understand");
        warnings == 0
    }
}
