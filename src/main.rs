//! The `portstory` command: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    portstory::main()
}
