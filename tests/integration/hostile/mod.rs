//! Hostile peers: tables of named behaviours, each tried against every command.
//!
//! A new command is one line in `commands.rs`, and is then tried against every behaviour of the API server and of the
//! broker.

mod api_server;
mod broker;
mod commands;
mod empty_cluster;
mod nats;
mod peer;
