//! What was seen of each flow: facts, no judgement (invariant 8).
//!
//! [`record::FlowRecord`] folds the packets of one flow. [`table::FlowTable`] keeps the flows that
//! are running, bounded, and says which have ended. [`partial`] keeps the flows of a piece of a
//! capture so that pieces can be put together again: the result is the record that the whole capture
//! would have given. [`correlation::Correlation`] holds what several flows have in common, with times, so that
//! a flow can be judged by what was known when it ended.

pub mod correlation;
pub mod firsts;
pub(crate) mod hash;
pub mod key;
pub mod packet;
pub mod partial;
pub mod program;
pub mod record;
pub mod table;

pub use correlation::Correlation;
pub use key::FlowKey;
pub use packet::{FlowPacket, KeptPacket};
pub use record::{FlowRecord, SideFacts};
pub use table::{EndReason, Ended, FlowTable};
