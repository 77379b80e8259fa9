//! Asks Meshery Server.
//!
//! Nothing is changed there: every request is a GET, except for one query in GraphQL, which older servers need.

mod answer;
pub(crate) mod client;
mod read;
mod requests;
mod rounds;
pub(crate) mod route;
mod session;

pub(crate) use rounds::{FromCluster, Inquiry, pod};
