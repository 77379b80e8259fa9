//! Meshery Server: a stand-in that speaks like one, and the program against it.

pub(crate) mod standin;
mod standin_selftest;
