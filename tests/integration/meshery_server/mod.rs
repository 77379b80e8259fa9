//! Meshery Server: a stand-in that speaks like one, and the program against it.

mod behaviors;
mod hostile;
pub(crate) mod installed;
mod session_files;
pub(crate) mod standin;
mod standin_selftest;
mod standin_writes;

pub(crate) use self::session_files::SessionFiles;
