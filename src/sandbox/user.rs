//! Whom to become, once root is not needed any more.
//!
//! Names are looked up in `/etc/passwd`, where accounts of services are; a name that only a directory
//! service knows is given by number, `--user 1000:1000`.

use std::fs;

/// A user and a group, by number; never root's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name, or its number where it was given so.
    pub name: String,
    /// User.
    pub uid: u32,
    /// Its group, the only one.
    pub gid: u32,
}

/// The account that a package makes for the purpose.
const OWN_ACCOUNT: &str = "portstory";

const PASSWD: &str = "/etc/passwd";

impl User {
    /// The account that was named: a name, or `UID:GID`.
    ///
    /// # Errors
    ///
    /// A sentence where there is none, or where it is root.
    pub fn named(name: &str) -> Result<Self, String> {
        let numbers = name
            .split_once(':')
            .and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
        let account = match numbers {
            Some((uid, gid)) => Self { name: name.to_owned(), uid, gid },
            None => {
                let passwd = fs::read_to_string(PASSWD)
                    .map_err(|error| format!("{PASSWD} cannot be read: {error}"))?;
                find(&passwd, |account| account.name == name).ok_or_else(|| {
                    format!("{PASSWD} has no user {name}; others are given as UID:GID")
                })?
            }
        };
        if account.uid == 0 || account.gid == 0 {
            return Err(format!("{name} is root: name a user without rights"));
        }
        Ok(account)
    }

    /// The name of this account; its number where it has none here.
    pub(crate) fn name_of(uid: u32) -> String {
        let passwd = fs::read_to_string(PASSWD).unwrap_or_default();
        find(&passwd, |account| account.uid == uid).map_or(uid.to_string(), |account| account.name)
    }

    /// Whom a process of root's becomes where nobody was named: who called sudo, else the account
    /// `portstory`, if there is one.
    pub fn usual() -> Option<Self> {
        let number = |name| std::env::var(name).ok()?.parse().ok().filter(|&id: &u32| id != 0);
        let behind_sudo = number("SUDO_UID").zip(number("SUDO_GID"));
        match behind_sudo {
            Some((uid, gid)) => {
                let name = std::env::var("SUDO_USER").unwrap_or_else(|_| uid.to_string());
                Some(Self { name, uid, gid })
            }
            None => Self::named(OWN_ACCOUNT).ok(),
        }
    }
}

/// passwd(5): `name:password:uid:gid:comment:home:shell`.
fn find(passwd: &str, is_it: impl Fn(&User) -> bool) -> Option<User> {
    let account = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        Some(User { name, uid, gid: fields.next()?.parse().ok()? })
    };
    passwd.lines().filter_map(account).find(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\nbad:x:y\n";
        let found = find(passwd, |account| account.name == "nobody").unwrap();
        assert_eq!((found.uid, found.gid), (65534, 65533));
        for name in ["nobod", "nobody2", "bad", ""] {
            assert_eq!(find(passwd, |account| account.name == name), None, "{name}");
        }
        assert_eq!(User::name_of(0), "root");
        assert_eq!(User::name_of(4_000_000_001), "4000000001");
    }

    #[test]
    fn numbers_do_and_root_does_not() {
        let account = User::named("1234:5678").unwrap();
        assert_eq!((account.uid, account.gid), (1234, 5678));
        for root in ["root", "0:0", "0:5", "5:0"] {
            assert!(User::named(root).unwrap_err().contains("root"), "{root}");
        }
        assert!(User::named("no such user").is_err());
    }
}
