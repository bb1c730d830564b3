//! How text for people is to look on the terminal, where it goes to one.

use std::io::{self, IsTerminal as _};

use super::{Color, Writing};
use crate::output::Look;

/// The look of what a run writes.
pub(super) fn look(writing: &Writing) -> Look {
    Look { width: width(), colour: colour(writing) }
}

/// Colour on a terminal only, unless asked for; `NO_COLOR` (no-color.org) turns it off.
fn colour(writing: &Writing) -> bool {
    match writing.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            super::named(writing.output.as_ref()).is_none()
                && io::stdout().is_terminal()
                && !unwanted
        }
    }
}

/// Columns of the terminal; 120 where there is none.
pub(super) fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0).unwrap_or(120)
}
