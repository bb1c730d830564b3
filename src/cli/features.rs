//! What this build may lack: each Cargo feature, and the commands that are not there without it.

use std::ffi::OsStr;
use std::sync::LazyLock;

/// A part that a build may leave out.
struct Feature {
    name: &'static str,
    is_in: bool,
    commands: &'static [&'static str],
}

const FEATURES: [Feature; 3] = [
    Feature {
        name: "live",
        is_in: cfg!(feature = "live"),
        commands: &["live", "who", "doctor", "capture-guide", "plan", "interfaces"],
    },
    Feature { name: "report", is_in: cfg!(feature = "report"), commands: &["report"] },
    Feature { name: "bundle", is_in: cfg!(feature = "bundle"), commands: &["bundle", "verify"] },
];

/// The version, and below it what is in this build, as `--version` prints it.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let sign = |feature: &Feature| if feature.is_in { '+' } else { '-' };
    let features = FEATURES.iter().map(|feature| format!(" {}{}", sign(feature), feature.name));
    format!("{}\n\nfeatures:{}", env!("CARGO_PKG_VERSION"), features.collect::<String>())
});

/// The sentence for a command that exists, but not in this build.
pub(super) fn missing(command: &OsStr) -> Option<String> {
    let mut missing = FEATURES.iter().filter(|feature| !feature.is_in);
    let feature = missing.find(|feature| feature.commands.iter().any(|one| command == *one))?;
    Some(lacks(&format!("`portstory {}`", command.display()), feature.name))
}

/// The sentence for something that needs a feature which this build lacks.
pub(super) fn lacks(what: &str, feature: &str) -> String {
    format!(
        "{what} is not in this build, which was made without the feature `{feature}`; add it with \
         `cargo build --release --features {feature}`"
    )
}

/// Help without the lines that show a command which is not in this build.
pub(super) fn shown(help: &str) -> String {
    let missing = FEATURES.iter().filter(|feature| !feature.is_in);
    let missing: Vec<_> = missing
        .flat_map(|feature| feature.commands)
        .map(|command| format!("portstory {command} "))
        .collect();
    let lines = help.lines().filter(|line| !missing.iter().any(|command| line.contains(command)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_missing_where_its_feature_is() {
        for feature in &FEATURES {
            for command in feature.commands {
                assert_eq!(missing(OsStr::new(command)).is_none(), feature.is_in, "{command}");
            }
        }
        assert_eq!(missing(OsStr::new("read")), None);
    }

    #[test]
    fn help_is_as_it_was_where_nothing_is_missing() {
        let help = "Examples:\n  portstory live -i eth0\n\n  portstory read a.pcap";
        let is_whole = shown(help) == help;
        assert_eq!(is_whole, cfg!(feature = "live"));
        assert!(shown(help).contains("portstory read"));
    }
}
