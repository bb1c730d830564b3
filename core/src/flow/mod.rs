//! What was seen of each flow: facts, no judgement (invariant 8).
//!
//! [`record::FlowRecord`] folds the packets of one flow. [`table::FlowTable`] keeps the flows that
//! are running, bounded, and says which have ended. [`partial`] keeps the flows of a piece of a
//! capture so that pieces can be put together again: the result is the record that the whole capture
//! would have given. [`correlation::Correlation`] holds what several flows have in common, with times, so that
//! a flow can be judged by what was known when it ended.

mod copies;
pub(crate) mod correlation;
pub(crate) mod firsts;
pub(crate) mod hash;
pub(crate) mod key;
pub(crate) mod packet;
pub(crate) mod partial;
pub(crate) mod program;
pub(crate) mod record;
pub(crate) mod table;

pub use correlation::Correlation;
pub use key::FlowKey;
pub use packet::{FlowPacket, KeptPacket};
pub use record::FlowRecord;
pub(crate) use record::SideFacts;
pub use table::EndReason;
pub(crate) use table::{Ended, FlowTable};
