//! The program under test, started as anybody would start it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program. `PORTSTORY_PROGRAM=FILE` tries another build, to see what a test finds there.
pub fn program() -> String {
    let other = std::env::var("PORTSTORY_PROGRAM");
    other.unwrap_or_else(|_| env!("CARGO_BIN_EXE_portstory").to_owned())
}

/// Runs it to its end, without anything on standard input.
pub fn run(args: &[&str]) -> Output {
    Command::new(program()).args(args).stdin(Stdio::null()).output().unwrap()
}

/// The path of a capture below the fixtures.
pub fn fixture(path: &str) -> String {
    super::fixtures().join(path).to_str().unwrap().to_owned()
}

/// What a generator of `fixtures/make` writes with these arguments, as `name` in the tests' own folder.
pub fn generated(script: &str, args: &[&str], name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let made = Command::new("python3")
        .arg(super::fixtures().join("make").join(script))
        .args(args)
        .arg("--out")
        .arg(&path)
        .status();
    assert!(made.unwrap().success(), "fixtures/make/{script}");
    path
}

/// What it wrote to standard output.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What went wrong, and that it is one sentence on standard error.
pub fn complaint(output: &Output, code: i32) -> String {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    said
}

/// What it wrote to either.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &output.stderr].concat()).into_owned()
}

/// Unpacks a zip by a program that is not ours.
pub fn unzip(zip: &Path, to: &Path) {
    let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    let done = Command::new("python3").args(["-c", script]).arg(zip).arg(to).status().unwrap();
    assert!(done.success());
}
