//! When payload was sent: in which seconds, and at what pace.

use std::time::Duration;

use crate::time::Timestamp;

/// Seconds of the clock in which something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seconds {
    /// How many.
    pub count: u32,
    /// The first and the last of them, if there is any.
    range: (i64, i64),
    /// The longest run of seconds between two of them.
    pub longest_pause: u32,
    /// Bytes of payload in the first and in the last of them, which a piece may share with another.
    ends_bytes: [u64; 2],
    /// The sum over them of the square of their bytes: how unevenly they are filled.
    squares: u128,
}

impl Seconds {
    /// Payload was sent at this time.
    pub(super) fn add(&mut self, time: Timestamp, bytes: u64) {
        let second = time.seconds();
        self.absorb(Self {
            count: 1,
            range: (second, second),
            longest_pause: 0,
            ends_bytes: [bytes; 2],
            squares: u128::from(bytes).saturating_mul(u128::from(bytes)),
        });
    }

    /// Adds those of the packets that follow.
    pub(super) fn absorb(&mut self, later: Self) {
        if self.count == 0 || later.count == 0 {
            if self.count == 0 {
                *self = later;
            }
            return;
        }
        let ((from, to), (later_from, later_to)) = (self.range, later.range);
        let shared = u32::from(later_from <= to);
        self.squares = self.squares.saturating_add(later.squares);
        let ([first, last], [later_first, later_last]) = (self.ends_bytes, later.ends_bytes);
        self.ends_bytes = [first, later_last];
        if shared == 1 {
            // (a + b)^2 is a^2 + b^2, which are counted, and 2ab.
            let both = u128::from(last).saturating_mul(u128::from(later_first));
            self.squares = self.squares.saturating_add(both.saturating_mul(2));
            let joined = last.saturating_add(later_first);
            let [first, last] = &mut self.ends_bytes;
            if self.count == 1 {
                *first = joined;
            }
            if later.count == 1 {
                *last = joined;
            }
        }
        let pause = u32::try_from(later_from.saturating_sub(to)).unwrap_or_default();
        self.count = self.count.saturating_add(later.count).saturating_sub(shared);
        self.longest_pause = self.longest_pause.max(later.longest_pause).max(pause);
        self.range = (from.min(later_from), to.max(later_to));
    }

    /// How unevenly `bytes` bytes are spread over `seconds`: the square of the deviation from their
    /// mean, in hundredths of the mean's square; 0 is perfectly even.
    pub fn unevenness(&self, bytes: u64, seconds: u64) -> u64 {
        let mean_squared = u128::from(bytes).saturating_mul(u128::from(bytes));
        let ratio = self
            .squares
            .saturating_mul(u128::from(seconds))
            .saturating_mul(100)
            .checked_div(mean_squared)
            .unwrap_or_default();
        u64::try_from(ratio.saturating_sub(100)).unwrap_or(u64::MAX)
    }
}

/// The pace of packets with payload of both sides together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Of the first and the last packet, if there are messages.
    first: Timestamp,
    last: Timestamp,
    /// Messages: payload after a pause of at least half a second.
    pub messages: u32,
    /// When the second message started: where a piece is added, its first may turn out to be none.
    /// Meaningless as long as there is but one.
    second: Timestamp,
    /// Pauses between the starts of messages, in microseconds: their sum and sum of squares.
    pauses: u32,
    sum_us: u64,
    squares_us: u128,
    last_message: Timestamp,
}

/// Payload after a pause at least this long starts a new message.
const MESSAGE_PAUSE: Duration = Duration::from_millis(500);

impl Pace {
    /// A packet has payload.
    pub(super) fn add(&mut self, time: Timestamp) {
        let begins = self.messages == 0;
        if begins {
            (self.first, self.last) = (time, time);
        }
        let starts = begins || time.since(self.last) >= MESSAGE_PAUSE;
        self.last = self.last.max(time);
        if starts {
            self.message_at(time);
            self.messages = self.messages.saturating_add(1);
            self.last_message = time;
        }
    }

    /// Adds that of the packets that follow.
    pub(super) fn absorb(&mut self, later: Self) {
        if self.messages == 0 || later.messages == 0 {
            if self.messages == 0 {
                *self = later;
            }
            return;
        }
        let starts = later.first.since(self.last) >= MESSAGE_PAUSE;
        self.pauses = self.pauses.saturating_add(later.pauses);
        self.sum_us = self.sum_us.saturating_add(later.sum_us);
        self.squares_us = self.squares_us.saturating_add(later.squares_us);
        // What the piece took for the start of a message may go on with the one before: then the
        // second of the piece is the next.
        let has_second = later.messages > 1;
        if !starts && has_second {
            let pause = micros(later.second, later.first);
            self.pauses = self.pauses.saturating_sub(1);
            self.sum_us = self.sum_us.saturating_sub(pause);
            self.squares_us = self.squares_us.saturating_sub(u128::from(pause).pow(2));
        }
        if starts || has_second {
            self.message_at(if starts { later.first } else { later.second });
            self.last_message = later.last_message;
        }
        let dropped = u32::from(!starts);
        self.messages = self.messages.saturating_add(later.messages).saturating_sub(dropped);
        self.last = self.last.max(later.last);
    }

    /// A message starts behind those that are counted.
    fn message_at(&mut self, time: Timestamp) {
        if self.messages > 0 {
            let pause = micros(time, self.last_message);
            self.pauses = self.pauses.saturating_add(1);
            self.sum_us = self.sum_us.saturating_add(pause);
            self.squares_us = self.squares_us.saturating_add(u128::from(pause).pow(2));
        }
        if self.messages == 1 {
            self.second = time;
        }
    }

    /// The period, where messages come at a steady pace: at least five pauses that deviate by less
    /// than a tenth of their mean.
    pub fn period(&self) -> Option<Duration> {
        let pauses = u128::from(self.pauses);
        if pauses < 5 {
            return None;
        }
        let mean = u128::from(self.sum_us) / pauses;
        let variance = (self.squares_us / pauses).saturating_sub(mean.saturating_mul(mean));
        let steady = variance.saturating_mul(100) <= mean.saturating_mul(mean);
        steady.then(|| Duration::from_micros(u64::try_from(mean).unwrap_or(u64::MAX)))
    }
}

/// Microseconds from `earlier` to `later`.
fn micros(later: Timestamp, earlier: Timestamp) -> u64 {
    u64::try_from(later.since(earlier).as_micros()).unwrap_or(u64::MAX)
}
