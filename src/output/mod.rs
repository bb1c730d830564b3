//! Writers of events.
