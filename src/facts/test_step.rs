//! The steps of the tests. A step has the same title while it runs and in the result.

use crate::{
    report::Status,
    stack::{
        base::{failure::Kind, seen::Seen},
        watch_list::EVENTS,
    },
};

use super::Step;

/// A step of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestStep {
    /// The name of the API server, or of the broker, is resolved.
    Resolve,
    /// The TCP connection to it, or to the broker.
    Connect,
    /// The TLS handshake with it.
    Tls,
    /// The pod of the network test.
    Pod,
    /// The broker's greeting.
    Greeting,
    /// The broker's monitor.
    Monitor,
    /// The request for the authenticated user.
    Authenticate,
    /// A small request to the API server, repeated.
    Request,
    /// The operator renews its Lease.
    Renewal,
    /// A broker server is reached.
    Reach,
    /// A broker server accepts the connection.
    Authorize,
    /// A round trip to a broker server.
    RoundTrip,
    /// A message to ourselves.
    Loop,
    /// `MeshSync` is a client of the broker.
    Connection,
    /// `/healthz`.
    Healthz,
    /// `/readyz`.
    Readyz,
    /// A request to `MeshSync`.
    Meta,
    /// The API server confirms the changes.
    Acknowledged,
    /// Our own watch receives the changes.
    Watched,
    /// `ADDED` is received.
    Added,
    /// `MODIFIED` is received.
    Modified,
    /// `DELETED` is received.
    Deleted,
    /// Events are received without a change of ours.
    Events,
    /// A port-forward to a pod of Meshery Server.
    PortForward,
    /// Meshery Server's readiness.
    Ready,
    /// Its version.
    Version,
    /// Whether it accepts our credentials.
    Session,
    /// Its own connection to this cluster.
    Ping,
    /// Its view of the controllers.
    Controllers,
    /// Its adapters are listed.
    Adapters,
    /// It reaches an adapter.
    Adapter,
    /// We reach an adapter's port.
    AdapterPort,
    /// Its data is counted.
    Counts,
    /// Its data shows the test object.
    Stored,
    /// Its data no longer shows the test object.
    Removed,
}

impl TestStep {
    /// Its name in reports.
    pub fn id(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Pod => "pod",
            Self::Greeting => "greeting",
            Self::Monitor => "monitor",
            Self::Authenticate => "authenticate",
            Self::Request => "request",
            Self::Renewal => "renewal",
            Self::Reach => "reach",
            Self::Authorize => "authorize",
            Self::RoundTrip => "round-trip",
            Self::Loop => "loop",
            Self::Connection => "connection",
            Self::Healthz => "healthz",
            Self::Readyz => "readyz",
            Self::Meta => "meta",
            Self::Acknowledged => "acknowledged",
            Self::Watched => "watched",
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Events => "events",
            Self::PortForward => "port-forward",
            Self::Ready => "ready",
            Self::Version => "version",
            Self::Session => "session",
            Self::Ping => "ping",
            Self::Controllers => "controllers",
            Self::Adapters => "adapters",
            Self::Adapter => "adapter",
            Self::AdapterPort => "adapter-port",
            Self::Counts => "counts",
            Self::Stored => "stored",
            Self::Removed => "removed",
        }
    }

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Resolve => "resolve the name",
            Self::Connect => "connect",
            Self::Tls => "TLS handshake",
            Self::Pod => "the test pod has run",
            Self::Greeting => "NATS greeting",
            Self::Monitor => "monitor (/varz)",
            Self::Authenticate | Self::Authorize => "authenticated",
            Self::Request => "small request",
            Self::Renewal => "the Lease is renewed",
            Self::Reach => "server reached",
            Self::RoundTrip => "broker round trip",
            Self::Loop => "publish and receive",
            Self::Connection => "MeshSync connected to the broker",
            Self::Healthz => "liveness (/healthz)",
            // Readiness never reverts: it means that the connection existed once.
            Self::Readyz => "readiness (/readyz): connected to the broker at least once",
            Self::Meta => "MeshSync responds to a request",
            Self::Acknowledged => "change acknowledged by the API server",
            Self::Watched => "watch event received",
            Self::Added => "ADDED received from the broker",
            Self::Modified => "MODIFIED received from the broker",
            Self::Deleted => "DELETED received from the broker",
            Self::Events => "events received without a test object",
            Self::PortForward => "port-forward to its pod",
            // It proves little: only that the process serves requests.
            Self::Ready => "readiness (/healthz/ready)",
            Self::Version => "version",
            Self::Session => "logged in",
            Self::Ping => "its connection to the API server",
            Self::Controllers => "its view of the controllers",
            Self::Adapters => "its adapters",
            Self::Adapter => "adapter reached by the server",
            Self::AdapterPort => "adapter's port open",
            Self::Counts => "its data, counted",
            Self::Stored => "object in the server's data",
            Self::Removed => "object gone from the server's data",
        }
    }

    /// The step that receives the event of this type.
    pub fn of_event(event: &str) -> Self {
        match event {
            event if event == EVENTS[0] => Self::Added,
            event if event == EVENTS[1] => Self::Modified,
            _ => Self::Deleted,
        }
    }

    /// Its outcome, given what was tried.
    pub fn status(self, step: &Step) -> Status {
        match &step.micros {
            Seen::Known(_) => Status::Pass,
            Seen::Absent | Seen::NotLooked => Status::Skip,
            Seen::Denied(_) => Status::Unknown,
            Seen::Unreachable(_) if matches!(self, Self::Healthz | Self::Readyz | Self::Ready | Self::Version) => {
                Status::Warn
            }
            // Anything but a refusal may be a fault of the port-forward.
            Seen::Unreachable(failure) if self == Self::AdapterPort && failure.kind != Kind::ConnectionRefused => {
                Status::Unknown
            }
            Seen::Unreachable(_) => Status::Fail,
        }
    }
}
