//! What the site says of itself: which services are its own, and whether Framehawk can be there.

use super::{Shown, shown};
use crate::event::Status;
use crate::judge::FlowContext;

pub(super) fn known_service(case: &FlowContext<'_>, status: Status) -> Option<Shown> {
    let known = case.known()?;
    let told = status == Status::Identified || super::is_conversation(status);
    told.then(|| {
        let socket = case.server_socket();
        let fact = format!("--known lists {} port {}: {}", socket.addr, socket.port, known.name);
        shown(case, super::server_side(case), fact)
    })
}

pub(super) fn ruled_out(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let site = case.config.site.as_ref().filter(|_| case.may_be_framehawk())?;
    let fact = if site.framehawk_policy == Some(false) {
        "the site says that its Framehawk policy is off"
    } else if site.has_no_framehawk() {
        "the site says that all its VDAs are 1903 or later, which have no Framehawk"
    } else {
        return None;
    };
    Some(shown(case, case.record.first_sender, fact.to_owned()))
}

pub(super) fn expected(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let site = case.config.site.as_ref().filter(|_| case.may_be_framehawk())?;
    let told = site.framehawk_policy == Some(true) && !site.has_no_framehawk();
    told.then(|| {
        let fact = "the site says that its Framehawk policy is on";
        shown(case, case.record.first_sender, fact.to_owned())
    })
}

pub(super) fn from_gateway(case: &FlowContext<'_>, _: Status) -> Option<Shown> {
    let site = case.config.site.as_ref().filter(|_| case.may_be_framehawk())?;
    let client = case.client_socket().addr;
    site.gateways.contains(&client).then(|| {
        let fact = format!("the client {client} is a gateway of the site");
        shown(case, case.record.first_sender, fact)
    })
}
