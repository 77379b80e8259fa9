//! The results of the test of Meshery Server. Times are in microseconds.

use serde::{Deserialize, Serialize};

use crate::facts::test_result::Step;

/// The steps to Meshery Server, and what it answered. Each is tried once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MesheryServerTest {
    /// The addresses of the host name.
    pub resolve: Step,
    /// The TCP connection.
    pub connect: Step,
    /// The port-forward to its pod. It is opened instead of the two steps before.
    pub port_forward: Step,
    /// The TLS handshake.
    pub tls: Step,
    /// Its readiness, which some releases do not offer.
    pub ready: Step,
    /// Its version.
    pub version: Step,
    /// The request for our user.
    pub session: Step,
    /// Its own request to this cluster's API server.
    pub ping: Step,
    /// Its view of the controllers.
    pub controllers: Step,
    /// Its adapters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adapters: Vec<AdapterTest>,
    /// Why its adapters could not be listed, or how many there are.
    pub adapter_list: Step,
    /// Its data, counted.
    pub counts: Step,
    /// Times of the same small request, repeated over one connection.
    pub requests: Vec<u64>,
    /// The number of failed requests.
    pub failed: u64,
}

/// The test of one adapter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdapterTest {
    /// Its address as the server knows it: `meshery-istio:10000`.
    pub location: String,
    /// The server's request to it.
    pub ping: Step,
    /// Its port, through a port-forward to its pod.
    pub port: Step,
}
