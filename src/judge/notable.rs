//! What a responder would not want to miss, whatever the label is. Notables never change a label.

use crate::event::{Notable, Status};
use crate::flow::SideFacts;
use crate::judge::Case;

/// Octets that must have been sampled before they can look random or like text.
const SAMPLE_OCTETS_MIN: u32 = 128;

/// Octets to the server from which on an upload is worth telling.
const UPLOAD_BYTES_MIN: u64 = 1 << 20;

/// The notables of a flow.
pub(super) fn notables(case: &Case<'_>, status: Status) -> Vec<Notable> {
    let mut notables = Vec::new();
    if status == Status::Identified && case.is_on_named_port() {
        notables.push(Notable::UnexpectedService);
    }
    if status == Status::Unidentified && looks_random(case) {
        notables.push(Notable::EncryptedFromFirstByte);
    }
    if status == Status::Unidentified && looks_like_text(case) {
        notables.push(Notable::TextShell);
    }
    if case.record.pace.period().is_some() {
        notables.push(Notable::Periodic);
    }
    let (up, down) = (case.client().payload_bytes, case.server().payload_bytes);
    if up >= UPLOAD_BYTES_MIN && up / 4 >= down {
        notables.push(Notable::UploadHeavy);
    }
    notables
}

/// Half of the bits set, within what a fair coin does, on both sides (facts, section 7: popcount,
/// because entropy says nothing of short packets), and hardly any text.
fn looks_random(case: &Case<'_>) -> bool {
    case.record.sides.iter().all(|side| {
        let (octets, ones, text) = (
            u64::from(side.sample.octets),
            u64::from(side.sample.ones),
            u64::from(side.sample.text),
        );
        let per_mille = ones.saturating_mul(125).checked_div(octets).unwrap_or_default();
        side.sample.octets >= SAMPLE_OCTETS_MIN
            && (470..=530).contains(&per_mille)
            // Of random octets 98 of 256 are text.
            && text.saturating_mul(2) < octets
    })
}

/// Nine of ten octets on both sides are text; a command may be short, its output is not.
fn looks_like_text(case: &Case<'_>) -> bool {
    let sides = &case.record.sides;
    let octets: u32 = sides.iter().map(|side| side.sample.octets).fold(0, u32::saturating_add);
    let is_text = |side: &SideFacts| {
        let (octets, text) = (u64::from(side.sample.octets), u64::from(side.sample.text));
        octets >= 2 && text.saturating_mul(10) >= octets.saturating_mul(9)
    };
    octets >= SAMPLE_OCTETS_MIN && sides.iter().all(is_text)
}
