//! The house's plan: no circle of modules, in the core or at the edges.
//!
//! That the core knows no edge is enforced by Cargo: it is a crate of its own. Within a crate the
//! modules right below the root use each other in one direction only, and so do the files of the command
//! line, which this test reads off their `use` lines and paths. Tests may reach where they like.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which modules a module names, and a file that does so.
type Arrows = BTreeMap<String, BTreeMap<String, PathBuf>>;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name.ends_with("tests") || name == "testing" {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// How a file names the modules right below `root`: from the crate, and from where it stands itself.
fn prefixes(root: &Path, path: &Path) -> Vec<String> {
    let below_crate = root.components().skip_while(|part| part.as_os_str() != "src").skip(1);
    let outer: String =
        below_crate.map(|part| format!("{}::", part.as_os_str().to_string_lossy())).collect();
    let inner = path.strip_prefix(root).unwrap();
    let depth = inner.components().count() - usize::from(inner.ends_with("mod.rs"));
    let steps = (depth > 0).then(|| format!(" {}", "super::".repeat(depth)));
    [Some(format!("crate::{outer}")), steps].into_iter().flatten().collect()
}

/// A file without comments and without its own tests, which stand at its end.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn arrows(root: &Path) -> Arrows {
    let mut files = Vec::new();
    sources(root, &mut files);
    let top = |path: &Path| {
        let first = path.strip_prefix(root).unwrap().components().next().unwrap();
        first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    let modules: BTreeSet<String> = files.iter().map(|path| top(path)).collect();
    let mut arrows = Arrows::new();
    // The root itself puts its modules together.
    for path in files.iter().filter(|path| top(path) != "mod") {
        let from = top(path);
        let code = code(path).replace(['(', '<', '&'], " ");
        let prefixes = prefixes(root, path);
        let behind = prefixes.iter().flat_map(|prefix| code.split(prefix).skip(1));
        let named = behind.flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').map(first_word).collect(),
            None => vec![first_word(rest)],
        });
        for to in named.filter(|to| modules.contains(*to) && *to != from) {
            let row = arrows.entry(from.clone()).or_default();
            row.entry(to.to_owned()).or_insert_with(|| path.clone());
        }
    }
    arrows
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap()
}

/// Takes away, again and again, the modules that use none of those that are left. What cannot be taken
/// away goes round in a circle, or hangs on one.
fn left_in_circles(arrows: &Arrows) -> Vec<String> {
    let mut left = arrows.clone();
    loop {
        let known: BTreeSet<String> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, uses| uses.keys().any(|to| known.contains(to)));
        if left.len() == before {
            let known: BTreeSet<String> = left.keys().cloned().collect();
            let told = left.iter().flat_map(|(from, uses)| {
                let told = uses.iter().filter(|(to, _)| known.contains(*to));
                told.map(move |(to, file)| format!("{from} uses {to} in {}", file.display()))
            });
            return told.collect();
        }
    }
}

#[test]
fn modules_use_each_other_in_one_direction() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut roots = Vec::new();
    for crate_root in ["core/src", "src"] {
        roots.push(PathBuf::from(crate_root));
        let entries = std::fs::read_dir(package.join(crate_root)).unwrap();
        let folders = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        roots.extend(folders.map(|path| path.strip_prefix(package).unwrap().to_owned()));
    }
    for known in ["core/src", "core/src/identify", "src", "src/cli"] {
        assert!(roots.contains(&PathBuf::from(known)), "{known}: {roots:?}");
    }
    for root in roots {
        let arrows = arrows(&package.join(&root));
        let root = root.display();
        let circles = left_in_circles(&arrows);
        assert!(circles.is_empty(), "{root}:\n{}", circles.join("\n"));
    }
}

#[test]
fn a_circle_is_found() {
    let uses = |from: &str, to: &[&str]| {
        let to = to.iter().map(|to| ((*to).to_owned(), PathBuf::from("file.rs"))).collect();
        (from.to_owned(), to)
    };
    let tree = Arrows::from([uses("a", &["b", "c"]), uses("b", &["c"])]);
    assert!(left_in_circles(&tree).is_empty());
    let circle = Arrows::from([uses("a", &["b"]), uses("b", &["c"]), uses("c", &["b"])]);
    assert_eq!(left_in_circles(&circle).len(), 3);
}

/// Where documents may mean a file: paths are written from the root, or from one of the sources.
const ROOTS: &[&str] = &["", "src", "core/src"];

/// Beginnings of what is meant as a path.
const FOLDERS: &[&str] = &[
    "benches/",
    "bundle/",
    "capture/",
    "classifier/",
    "cli/",
    "core/",
    "decode/",
    "dist/",
    "docs/",
    "engine/",
    "fixtures/",
    "flow/",
    "fuzz/",
    "host/",
    "identify/",
    "judge/",
    "output/",
    "report/",
    "sandbox/",
    "src/",
    "tests/",
    "testkit/",
];

/// The files and folders that a text names between backticks and that are not there.
fn missing<'a>(text: &'a str, package: &Path) -> Vec<&'a str> {
    let mut paths: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split([' ', ':']).next())
        .filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
        // A name that somebody is to put in.
        .filter(|path| {
            !path.contains(|letter: char| letter.is_ascii_uppercase() || "<*{".contains(letter))
        })
        .collect();
    let is_there = |path: &str| {
        let extensions = ["", ".rs", ".sh", ".py"];
        let forms = extensions.iter().map(|extension| format!("{path}{extension}"));
        forms
            .into_iter()
            .any(|form| ROOTS.iter().any(|root| package.join(root).join(&form).exists()))
    };
    paths.retain(|path| !is_there(path));
    paths
}

#[test]
fn files_that_documents_name_are_there() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = 0;
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/guide.md",
        "fixtures/README.md",
    ] {
        let text = std::fs::read_to_string(package.join(document)).unwrap();
        // Fenced examples would put backticks out of step.
        let prose: String = text.split("```").step_by(2).collect();
        assert_eq!(missing(&prose, package), [""; 0], "{document}");
        named += prose.matches("`tests/").count();
    }
    assert!(named > 0, "documents name tests");
    assert_eq!(
        missing("`tests/house.rs`, `src/nothing.rs` and `decode/NAME.rs`", package),
        ["src/nothing.rs"]
    );
}

/// A crate's root as others see it: its public modules, and the names that it re-exports itself.
fn root(file: &str) -> (Vec<String>, usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let own: String =
        text.lines().filter(|line| !line.starts_with(' ')).collect::<Vec<_>>().join("\n");
    let modules = own.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let modules = modules.map(|name| first_word(name).to_owned()).collect();
    let outside = text.split("pub mod internal").next().unwrap();
    let names = outside.split("pub use ").skip(1).map(|rest| {
        let list = rest.split(';').next().unwrap();
        list.matches(',').count() + usize::from(!list.trim_end_matches(['}', '\n']).ends_with(','))
    });
    (modules, names.sum())
}

#[test]
fn the_public_surface_is_small() {
    let (modules, names) = root("core/src/lib.rs");
    assert_eq!(modules, ["config", "event", "internal"]);
    assert!((20..=40).contains(&names), "{names} names at the core's root");
    let (modules, names) = root("src/lib.rs");
    assert_eq!(modules, ["internal"]);
    assert_eq!(names, 1, "the program's root is its main");
}
