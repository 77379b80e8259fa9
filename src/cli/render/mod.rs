//! Reports to text: pure functions that return strings, one file for each format, one stylesheet.

mod change;
mod check;
mod path;
mod preflight;
mod status;
mod style;
mod tables;
mod test;
mod text;
mod watch_list;

pub use change::{change, plan};
pub use check::{check, verdict_line};
pub use preflight::preflight;
pub use status::status;
pub use style::Look;
pub use tables::table as list;
pub use test::test;
pub use text::markdown;
pub use watch_list::watch_list;
