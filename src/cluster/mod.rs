//! A connection to a cluster: kubeconfig, credentials, transport, requests.

pub(crate) mod answer;
pub(crate) mod ask;
mod body;
pub(crate) mod change;
pub mod cleanup;
pub(crate) mod credentials;
pub(crate) mod discovery;
pub(crate) mod expiry;
pub mod kubeconfig;
pub(crate) mod obstacle;
pub(crate) mod pages;
mod retry;
pub(crate) mod reviews;
pub mod scope;
pub mod server_access;
pub mod session;
pub(crate) mod transport;
mod transport_error;
pub(crate) mod tunnel;

use k8s_openapi::jiff::Timestamp;

pub(crate) use scope::blank;
pub use scope::{Scope, unseen};

/// The current time. No code below this layer reads a clock.
#[expect(clippy::disallowed_methods, reason = "the only place that reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
