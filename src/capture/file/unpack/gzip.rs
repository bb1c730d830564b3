//! gzip: RFC 1952, members one after the other, as `gzip`, `pigz` and `bgzip` write them.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Fault, Step, Stepped, Then, growth};

/// RFC 1951: the largest window deflate has, as a power of two.
const WINDOW_BITS: u8 = 15;

/// First byte of a member (RFC 1952, section 2.3.1).
const MEMBER: u8 = 0x1f;

/// A file of gzip members.
pub(super) struct Gzip {
    inflate: Decompress,
    place: Place,
}

/// Where in the file it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    /// Behind a member, where another one may follow.
    Behind,
    /// In zeros that fill up the last block, as tapes have them: gzip passes over them too.
    Padding,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflate: Decompress::new_gzip(WINDOW_BITS), place: Place::Member }
    }

    fn behind(&mut self, packed: &[u8]) -> Stepped {
        let then = |taken, then| Stepped { taken, made: 0, then };
        match packed.first() {
            None => then(0, Then::End),
            Some(&MEMBER) if self.place == Place::Behind => {
                self.inflate.reset(true);
                self.place = Place::Member;
                then(0, Then::More)
            }
            Some(0) => {
                self.place = Place::Padding;
                then(packed.iter().take_while(|&&byte| byte == 0).count(), Then::More)
            }
            Some(_) => then(0, Then::Fault(Fault::Trailing)),
        }
    }
}

impl Step for Gzip {
    fn step(&mut self, packed: &[u8], into: &mut [u8]) -> Stepped {
        if self.place != Place::Member {
            return self.behind(packed);
        }
        let (taken, made) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(packed, into, FlushDecompress::None);
        let then = match status {
            Ok(Status::StreamEnd) => {
                self.place = Place::Behind;
                Then::More
            }
            Ok(Status::Ok | Status::BufError) => Then::More,
            Err(_) => Then::Fault(Fault::Damaged),
        };
        Stepped {
            taken: growth(taken, self.inflate.total_in()),
            made: growth(made, self.inflate.total_out()),
            then,
        }
    }
}
