//! Changes in Meshery Server: what its user interface can do.
//!
//! - [`Operation`] is what a step does there, [`Goal`] what is waited for; both are data.
//! - [`ServerView`] is what every plan needs to know: that the server accepts us, and its connection to this cluster.
//! - `contexts`, `mode`, `reconnect`, `data` and `database` plan, without sending anything.
//! - `requests` is how each generation of the API spells an operation; `writer` sends it, waits, and collects evidence.

mod goal;
mod operation;
mod requests;
mod view;
pub(super) mod writer;

pub use self::{
    goal::{Goal, Reached},
    operation::{ConnectionRef, Operation, Status, Upload},
    view::ServerView,
};
