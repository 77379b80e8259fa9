//! Reports as text: pure functions that return strings, one file for each format, one stylesheet.

mod change;
mod check;
mod checks;
mod finding;
mod fixes;
mod hub;
mod path;
mod preflight;
mod server;
mod status;
mod style;
mod tables;
mod target;
mod test;
mod text;
mod verdict;
mod watch_list;

pub use change::{Shown, change, doing, outcome, plan, spent, step, waiting};
pub use check::{check, check_list};
pub use fixes::fixes;
pub use preflight::preflight;
pub use server::{contexts, contexts_line, server, server_config, server_line};
pub use status::{states_line, states_lines, status, status_list};
pub use style::Look;
pub use tables::table as list;
pub use test::test;
pub use text::{fitted, markdown};
pub use verdict::{line as verdict_line, lines as verdict_lines};
pub use watch_list::{watch_list, watch_list_summary};
