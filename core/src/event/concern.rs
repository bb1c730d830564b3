//! Reasons to look at a flow or a service. [`crate::judge::ranking`] says which of them a flow has.

/// A reason to look, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concern {
    /// An executable file went by.
    ExecutableTransfer,
    /// Text both ways, as a shell gives.
    Shell,
    /// The end that opened the TCP connection plays the server of what is spoken, or is the one that
    /// answers commands.
    ReversedConnection,
    /// What nothing identifies, or only as encrypted, comes at a steady pace.
    Beacon,
    /// Nothing identifies it, and enough was seen to be sure of that.
    Unidentified,
    /// Traffic to this machine where no process was seen to listen; only a live edge can tell.
    ListenerWithoutOwner,
    /// Nothing identifies it, as far as could be seen.
    Unclear,
    /// Circumstances speak for Citrix Framehawk.
    Framehawk,
    /// A conversation on a named port of which too little was seen.
    TooShort,
    /// A well-known service on a port that is not its own.
    UnexpectedService,
    /// Much more to the server than back.
    UploadHeavy,
}

impl Concern {
    /// All concerns, the worst first.
    pub const ALL: [Self; 11] = [
        Self::ExecutableTransfer,
        Self::Shell,
        Self::ReversedConnection,
        Self::Beacon,
        Self::Unidentified,
        Self::ListenerWithoutOwner,
        Self::Unclear,
        Self::Framehawk,
        Self::TooShort,
        Self::UnexpectedService,
        Self::UploadHeavy,
    ];

    /// The word used in EVE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExecutableTransfer => "executable_transfer",
            Self::Shell => "shell",
            Self::ReversedConnection => "reversed_connection",
            Self::Beacon => "beacon",
            Self::Unidentified => "unidentified",
            Self::ListenerWithoutOwner => "listener_without_owner",
            Self::Unclear => "unclear",
            Self::Framehawk => "framehawk",
            Self::TooShort => "too_short",
            Self::UnexpectedService => "unexpected_service",
            Self::UploadHeavy => "upload_heavy",
        }
    }

    /// For people, as a noun.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ExecutableTransfer => "executable transfer",
            Self::Shell => "text shell",
            Self::ReversedConnection => "reversed connection",
            Self::Beacon => "possible beacon",
            Self::Unidentified => "unidentified service",
            Self::ListenerWithoutOwner => "traffic without a listener",
            Self::Unclear => "unidentified (partly seen)",
            Self::Framehawk => "possible Framehawk",
            Self::TooShort => "too little seen",
            Self::UnexpectedService => "unexpected service",
            Self::UploadHeavy => "mostly upload",
        }
    }

    /// What was seen, in half a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ExecutableTransfer => "an executable file was transferred",
            Self::Shell => "text in both directions, as a shell gives",
            Self::ReversedConnection => "the end that opened the connection acts as its server",
            Self::Beacon => "unknown or encrypted messages at regular intervals",
            Self::Unidentified => "no known protocol, and enough was seen to exclude those known",
            Self::ListenerWithoutOwner => "traffic to this machine, where no process listens",
            Self::Unclear => "no known protocol, as far as could be seen",
            Self::Framehawk => "circumstances speak for Citrix Framehawk",
            Self::TooShort => "too few packets to tell",
            Self::UnexpectedService => "a well-known service on a port that is not its own",
            Self::UploadHeavy => "much more from client than from server",
        }
    }

    /// Whether a service with it is to be looked at whatever else there is. The rest is worth knowing.
    pub const fn needs_attention(self) -> bool {
        match self {
            Self::ExecutableTransfer
            | Self::Shell
            | Self::ReversedConnection
            | Self::Beacon
            | Self::Unidentified
            | Self::ListenerWithoutOwner
            | Self::Unclear => true,
            Self::Framehawk | Self::TooShort | Self::UnexpectedService | Self::UploadHeavy => false,
        }
    }

    /// The worse, the higher.
    const fn bit(self) -> u16 {
        match self {
            Self::ExecutableTransfer => 1 << 10,
            Self::Shell => 1 << 9,
            Self::ReversedConnection => 1 << 8,
            Self::Beacon => 1 << 7,
            Self::Unidentified => 1 << 6,
            Self::ListenerWithoutOwner => 1 << 5,
            Self::Unclear => 1 << 4,
            Self::Framehawk => 1 << 3,
            Self::TooShort => 1 << 2,
            Self::UnexpectedService => 1 << 1,
            Self::UploadHeavy => 1,
        }
    }
}

/// A set of concerns. The greater has the worse one; of sets that share the worst, the next counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concerns(u16);

impl Concerns {
    /// Adds one.
    pub const fn insert(&mut self, concern: Concern) {
        self.0 |= concern.bit();
    }

    /// Those of it but this one.
    #[must_use]
    pub const fn without(self, concern: Concern) -> Self {
        Self(self.0 & !concern.bit())
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is one of them.
    pub const fn contains(self, concern: Concern) -> bool {
        self.0 & concern.bit() != 0
    }

    /// From the worst down.
    pub fn iter(self) -> impl Iterator<Item = Concern> {
        Concern::ALL.into_iter().filter(move |&concern| self.contains(concern))
    }

    /// The worst of them.
    pub fn worst(self) -> Option<Concern> {
        self.iter().next()
    }

    /// Whether one of them needs it.
    pub fn need_attention(self) -> bool {
        self.worst().is_some_and(Concern::needs_attention)
    }

    /// Those that are worth a word: the ones that need attention, or where none does, all. That nothing
    /// identifies a shell or a beacon goes without saying.
    pub fn foremost(self) -> impl Iterator<Item = Concern> {
        let (worst, any) = (self.worst(), self.need_attention());
        let is_implied = move |concern| match concern {
            Concern::Unidentified | Concern::Unclear => worst != Some(concern),
            Concern::ExecutableTransfer
            | Concern::Shell
            | Concern::ReversedConnection
            | Concern::Beacon
            | Concern::ListenerWithoutOwner
            | Concern::Framehawk
            | Concern::TooShort
            | Concern::UnexpectedService
            | Concern::UploadHeavy => false,
        };
        self.iter()
            .filter(move |&concern| (!any || concern.needs_attention()) && !is_implied(concern))
    }

    /// The same in words.
    pub fn titles(self) -> String {
        self.foremost().map(Concern::title).collect::<Vec<_>>().join(", ")
    }
}

impl FromIterator<Concern> for Concerns {
    fn from_iter<I: IntoIterator<Item = Concern>>(concerns: I) -> Self {
        concerns.into_iter().fold(Self::default(), |mut all, one| {
            all.insert(one);
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(concerns: &[Concern]) -> Concerns {
        concerns.iter().copied().collect()
    }

    #[test]
    fn the_list_is_the_order() {
        for (at, one) in Concern::ALL.into_iter().enumerate() {
            for other in Concern::ALL.into_iter().skip(at + 1) {
                assert!(one < other && set(&[one]) > set(&[other]), "{one:?} {other:?}");
                assert!(one.needs_attention() || !other.needs_attention(), "{one:?} {other:?}");
                assert!(one.name() != other.name() && one.title() != other.title());
            }
            // No number of lesser ones outdoes it.
            let lesser: Concerns = Concern::ALL.into_iter().skip(at + 1).collect();
            assert!(set(&[one]) > lesser, "{one:?}");
        }
    }

    #[test]
    fn of_sets_with_the_same_worst_the_next_counts() {
        let [shell, both] = [set(&[Concern::Shell]), set(&[Concern::Beacon, Concern::Shell])];
        assert!(both > shell);
        assert_eq!(both.iter().collect::<Vec<_>>(), [Concern::Shell, Concern::Beacon]);
        assert_eq!(both.union(shell), both);
        assert!(!set(&[Concern::UnexpectedService]).need_attention());
        let mixed = set(&[Concern::UnexpectedService, Concern::Beacon]);
        assert_eq!(mixed.foremost().collect::<Vec<_>>(), [Concern::Beacon]);
        let unknown = set(&[Concern::Unclear, Concern::UploadHeavy]);
        assert_eq!(unknown.foremost().collect::<Vec<_>>(), [Concern::Unclear]);
        let beacon = unknown.union(mixed);
        assert_eq!(beacon.foremost().collect::<Vec<_>>(), [Concern::Beacon]);
        assert_eq!(Concerns::default().worst(), None);
    }
}
