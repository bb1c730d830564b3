//! A filter in the language of pcap-filter(7) over frames from files: libpcap compiles it, once for
//! each link type that occurs.

use std::collections::BTreeMap;

use pcap::{BpfProgram, Capture};

use super::CaptureError;
use super::live::dlt;
use portstory_core::internal::decode::link::LINKS;
use portstory_core::{Frame, LinkType};

/// A filter expression, compiled where needed.
pub(crate) struct Bpf {
    expression: String,
    programs: BTreeMap<LinkType, Option<BpfProgram>>,
}

impl Bpf {
    /// A filter; it has to make sense on Ethernet at least.
    ///
    /// # Errors
    ///
    /// [`CannotOpen`](super::CaptureErrorKind::CannotOpen) with libpcap's own words where it does not compile.
    pub(crate) fn new(expression: &str) -> Result<Self, CaptureError> {
        let ethernet = LinkType(1);
        let program = compile(expression, ethernet).map_err(|error| {
            CaptureError::cannot_open(
                format!("filter '{expression}'"),
                format!("{error}; see pcap-filter(7), for example 'host 10.0.0.9 and port 3243'"),
            )
        })?;
        let mut programs = BTreeMap::from([(ethernet, Some(program))]);
        // Names of services and hosts are looked up here, while files can still be opened for it.
        for &number in LINKS.iter().flat_map(|link| link.types) {
            let link = LinkType(number);
            programs.entry(link).or_insert_with(|| compile(expression, link).ok());
        }
        Ok(Self { expression: expression.to_owned(), programs })
    }

    /// Whether the filter lets a frame through. On a link type for which it does not compile it lets
    /// nothing through, as tcpdump would, and says so once.
    pub(crate) fn lets_through(&mut self, frame: &Frame<'_>) -> bool {
        let Self { expression, programs } = self;
        let program = programs.entry(frame.link).or_insert_with(|| {
            let compiled = compile(expression, frame.link);
            if let Err(error) = &compiled {
                let number = frame.link.0;
                tracing::warn!("the filter lets no frame of link type {number} through: {error}");
            }
            compiled.ok()
        });
        program.as_ref().is_some_and(|program| program.filter(frame.bytes))
    }
}

fn compile(expression: &str, link: LinkType) -> Result<BpfProgram, pcap::Error> {
    Capture::dead(dlt(link))?.compile(expression, true)
}
