//! Finds the processes behind flows where there is no better way than to ask for all sockets: each
//! question costs a look at everything, so that the budget bounds how many are answered.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use super::{Holder, Question, shortened};
use portstory_core::event::{Process, ProcessMissing};
use portstory_core::{Transport, Watch};

/// Questions that wait at a time.
const WAITING_MAX: usize = 64;

/// When there is nothing to do.
const IDLE: Duration = Duration::from_secs(1);

/// Who is looked for.
#[derive(Debug)]
pub struct Finder {
    watch: Watch,
    waiting: Vec<Question>,
    answers: Vec<(u64, Holder)>,
}

impl Finder {
    /// One that knows nothing.
    ///
    /// # Errors
    ///
    /// None.
    pub fn new(watch: Watch, _listeners_only: bool) -> io::Result<Self> {
        Ok(Self { watch, waiting: Vec::new(), answers: Vec::new() })
    }

    /// Whether everything was looked at once.
    pub fn is_ready(&self) -> bool {
        true
    }

    /// The answers since this was last called, by flow.
    pub fn take_answers(&mut self) -> Vec<(u64, Holder)> {
        std::mem::take(&mut self.answers)
    }

    /// Addresses of this machine that the capture does not know itself.
    pub fn take_addresses(&mut self) -> Option<BTreeSet<IpAddr>> {
        None
    }

    /// Who listens on the watched ports.
    pub fn listeners(&mut self) -> Vec<(Transport, SocketAddr, Option<Arc<Process>>)> {
        let sockets = super::sockets(&self.watch).map(|found| found.sockets).unwrap_or_default();
        let waiting = sockets.into_iter().filter(|socket| {
            socket.state.is_waiting() && self.watch.covers(socket.transport, socket.local.port())
        });
        let holder = |processes: Vec<Process>| processes.into_iter().next().map(shortened);
        waiting.map(|one| (one.transport, one.local, holder(one.processes).map(Arc::new))).collect()
    }

    /// Takes a question.
    pub fn ask(&mut self, question: Question) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push(question);
        } else {
            let missing = Holder::Missing(ProcessMissing::Unanswered);
            self.answers.push((question.flow, missing));
        }
    }

    /// Answers a question; returns how long there is nothing more to do.
    pub fn work(&mut self, budget: &mut Budget) -> Duration {
        if !budget.allows() {
            return budget.pause().unwrap_or(IDLE);
        }
        let Some(question) = self.waiting.pop() else { return IDLE };
        let found = super::owner(question.transport, question.own, question.other);
        let holder = match found {
            Ok(Some(process)) => {
                Holder::Process { process: Arc::new(shortened(process)), listens: false }
            }
            Ok(None) => Holder::Missing(ProcessMissing::NotVisible { user: None }),
            Err(_) => Holder::Missing(ProcessMissing::Unanswered),
        };
        self.answers.push((question.flow, holder));
        Duration::ZERO
    }
}
