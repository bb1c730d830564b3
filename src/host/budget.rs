//! How much processor time looking for processes may take: a share of one core.
//!
//! Time that was not used is kept for later, for at most as much as a second gives, so that the share
//! holds over about any two seconds. At the start there is some more, once, for the first look
//! at everything.

use std::time::{Duration, Instant};

use crate::clock::{now, processor_time};

/// For the first look at everything, once.
const START: Duration = Duration::from_millis(300);

/// A pause is at least so long, so that there is something to do after it.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// An account of this process's own processor time.
#[derive(Debug)]
pub(crate) struct Budget {
    share_percent: u32,
    /// What may still be used, in nanoseconds; less than nothing where more was used.
    left: i64,
    used: Duration,
    at: Instant,
    /// Since when there has been nothing left, and how long that was before.
    over_since: Option<Instant>,
    over: Duration,
}

impl Budget {
    /// So many percent of a core, from now on.
    pub(crate) fn new(share_percent: u32) -> Self {
        let left = nanos(START);
        Self {
            share_percent,
            left,
            used: processor_time(),
            at: now(),
            over_since: None,
            over: Duration::ZERO,
        }
    }

    /// Whether there is time left.
    pub(crate) fn allows(&mut self) -> bool {
        let (at, used) = (now(), processor_time());
        let spent = nanos(used.saturating_sub(self.used));
        let given = self.given(at.saturating_duration_since(self.at));
        let most = self.given(Duration::from_secs(1)).max(self.left);
        self.left = self.left.saturating_add(given).min(most).saturating_sub(spent);
        (self.at, self.used) = (at, used);
        let allows = self.left > 0;
        match self.over_since {
            Some(since) if allows => {
                self.over = self.over.saturating_add(at.saturating_duration_since(since));
                self.over_since = None;
            }
            None if !allows => self.over_since = Some(at),
            Some(_) | None => {}
        }
        allows
    }

    /// Whether there is enough left for what nobody has asked for: more than half of what a second gives.
    pub(crate) fn has_plenty(&self) -> bool {
        self.left > self.given(Duration::from_millis(500))
    }

    /// How long to wait until there is something to spend; nothing where there is some left.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let missing = u64::try_from(self.left.saturating_neg()).ok()?;
        let share = u64::from(self.share_percent.max(1));
        let wait = Duration::from_nanos(missing.saturating_mul(100).checked_div(share)?);
        Some(wait.saturating_add(PAUSE_MIN))
    }

    /// Processor time of this process so far.
    pub(crate) fn used(&self) -> Duration {
        self.used
    }

    /// How long there was nothing left while there was something to do.
    pub(crate) fn over(&self) -> Duration {
        let since = self.over_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.over.saturating_add(since)
    }

    fn given(&self, time: Duration) -> i64 {
        nanos(time).saturating_mul(i64::from(self.share_percent)).checked_div(100).unwrap_or(0)
    }
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(budget: &mut Budget, until: Instant) {
        while now() < until {
            if !budget.allows() {
                std::thread::sleep(budget.pause().unwrap());
            }
        }
    }

    #[test]
    fn what_is_used_keeps_to_the_share_once_the_start_is_over() {
        let mut budget = Budget::new(5);
        budget.left = 0;
        let (from, before) = (now(), processor_time());
        work(&mut budget, from + Duration::from_secs(2));
        let (time, used) = (from.elapsed(), processor_time().saturating_sub(before));
        // Other tests run in this process as well, and their time counts: it is theirs that is left
        // out here.
        assert!(budget.over() > time / 2, "{:?} of {time:?}, {used:?} used", budget.over());
    }

    #[test]
    fn there_is_more_at_the_start() {
        let mut budget = Budget::new(1);
        assert!(budget.left > budget.given(Duration::from_secs(1)));
        assert!(budget.allows() && budget.over().is_zero());
    }
}
