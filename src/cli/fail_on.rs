//! `--fail-on`: which flows make a run end with exit code 3.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::engine::{Observer, Outcome, Reading};
use portstory_core::{Event, Label, Notable, Status, Verdict};

/// Flows that are not to be there.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct FailOn {
    /// Exit with code 3 if a flow has one of these labels, statuses or notables (comma-separated). If a
    /// capture or an output fails part-way, the exit code is 1 all the same
    #[arg(long, value_name = "WORD", value_delimiter = ',', value_parser = PossibleValuesParser::new(words()))]
    fail_on: Vec<String>,
}

/// All words, none of which is in two of the lists.
fn words() -> Vec<&'static str> {
    let labels = Label::ALL.map(Label::name).into_iter();
    labels.chain(Status::ALL.map(Status::name)).chain(Notable::ALL.map(Notable::name)).collect()
}

/// Whether flows can be named by this word.
pub(super) fn takes(word: &str) -> bool {
    words().contains(&word)
}

impl Observer for FailOn {
    fn batch(&mut self, reading: &mut Reading<'_>) {
        let is_met = |event: &Event| match event {
            Event::Flow(flow) => self.fail_on.iter().any(|word| has(&flow.verdict, word)),
            // What a running flow seemed to be does not count, its end does.
            Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => false,
        };
        if reading.events.iter().any(is_met) {
            reading.raise(Outcome::Met);
        }
    }
}

fn has(verdict: &Verdict, word: &str) -> bool {
    verdict.label.name() == word
        || verdict.status.name() == word
        || verdict.notables.iter().any(|notable| notable.name() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_two_things() {
        let mut words = words();
        let len = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!((words.len(), len), (19, 19));
    }
}
