//! What nearly every detector speaks of: its row, what it sees, what it says, and how it reads bytes.
//!
//! Each file under `protocols/` imports this, and by name only what is rarer. Nothing is defined here.

pub(super) use crate::identify::finding::{
    Detail, DetailKey, Finding, Inside, OwnDetail, Strength,
};
pub(super) use crate::identify::lines::{
    Line, first_word, is_number, is_one_of, is_plain, line, match_dialogue, match_lines,
    match_text, mentions, number, tls_behind_text,
};
pub(super) use crate::identify::messages::{
    followed, from_header, from_opening, from_start, match_datagrams, match_messages, match_opened,
    match_starts, match_stream, or_behind, probe_both, probe_datagrams, probe_sides,
};
pub(super) use crate::identify::metadata::{Extras, Headline, Metadata};
pub(super) use crate::identify::openings::{Openings, mixed, one_of, within};
pub(super) use crate::identify::side_match::{
    MessageError,
    MessageError::{Not, Short},
    Role, Said, SideMatch, Spot, behind_leading, carrying, join, join_if, match_both, probe_found,
    short_if, signed, starts_with, unproven, yes,
};
pub(super) use crate::identify::view::{Datagram, FlowView, SideView};
pub(super) use crate::identify::{Detector, Probe, over_both, over_tcp, over_udp};
pub(super) use crate::net::{Side, Transport};
pub(super) use crate::wire::{
    Cursor, array, be16, be24, be32, be64, from_wire, index, le16, le24, le32, le64, position_of,
    prefix, rest, u8_at,
};
