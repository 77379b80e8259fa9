//! Hostile peers: tables of named behaviors, each tried against every command.
//!
//! To add a command, add a line to `commands.rs`. It is then tried against every behavior of the API server and of the
//! broker.

mod api_server;
mod broker;
mod commands;
mod empty_cluster;
pub(crate) mod measured;
mod nats;
pub(crate) mod peer;
