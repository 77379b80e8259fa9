//! The probe of the broker: every server, by every route.

mod addresses;
mod framing;
pub(crate) mod handshake;
mod monitor;
pub(crate) mod probe;
mod server;
pub(crate) mod wire;
