//! DRDA, which Db2, Derby and Informix speak (Open Group DRDA version 5, volume 3), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "drda",
    title: "DRDA (Db2, Derby, Informix)",
    reference: "Open Group DRDA version 5, volume 3 (DDM), section DSS",
    rests_on: "Data stream structures: a length, d0, a format and a DDM object whose length fits.",
    blind_spots: "Over TLS it is only seen as TLS.",
    bits: 34.0,
    openings: Openings::Known(&[one_of(&[0xd0]).at(2)]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 10, drda)),
};

fn drda(bytes: &[u8]) -> Option<Said> {
    let [_, _, 0xd0, format] = array::<4>(bytes, 0)? else { return None };
    let (len, inner, point) =
        (usize::from(be16(bytes, 0)?), usize::from(be16(bytes, 6)?), be16(bytes, 8)?);
    let role = match format & 0x0f {
        1 | 5 => Role::Client,
        2 => Role::Server,
        3 => Role::Either,
        _ => return None,
    };
    // Objects of a single structure fill it.
    let fits = format & 0x80 == 0
        && len >= 10
        && inner.checked_add(6)? == len
        && (0x0010..=0x2500).contains(&point);
    fits.then(|| {
        Said::new(len, role, 8.0 + 3.0 + 16.0 + 3.0 + 6.0, format!("DRDA object 0x{point:04x}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("0011 d0 41 0001 000b 1041 0007 115e 84828a"))
            .b(hex("0011 d0 42 0001 000b 1443 0007 115e 84828a"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("0011 d0 41 0001 000c 1041 0007 115e 84828a")).refused_by(&DETECTOR);
    }
}
