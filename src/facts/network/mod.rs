//! The network test: a pod like `MeshSync`'s that tries every step to the broker. Data; nothing here connects.

mod answer;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{Cleanup, Refusal, Step, TestStep};
use crate::report::Status;

pub use answer::{ProbeAnswer, Unexpected, parse};

/// The label that marks the pod. All labels of ours have a prefix of ours, so that they replace none of `MeshSync`'s.
pub const PURPOSE: (&str, &str) = ("meshdoctor/test", "network");

/// Whether a pod belongs to a test of ours, and not to the stack whose labels it has.
pub fn is_own(metadata: &ObjectMeta) -> bool {
    metadata.labels.as_ref().and_then(|labels| labels.get(PURPOSE.0)).is_some_and(|value| value == PURPOSE.1)
}

/// The results of a network test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkTest {
    /// The pod.
    pub pod: String,
    /// The node, if it is fixed to that of `MeshSync`'s pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The `ServiceAccount`.
    pub service_account: String,
    /// The Services that select the pod, because it has `MeshSync`'s labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// The time until the pod had run.
    pub ran: Step,
    /// Why there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_run: Option<NotRun>,
    /// What the pod found, for each address. The first one is the address that `MeshSync` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointProbe>,
    /// What earlier runs and this one left.
    #[serde(flatten)]
    pub cleanup: Cleanup,
}

/// Why a network test has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotRun {
    /// There is no `MeshSync`, or no address to test.
    NoTarget(String),
    /// The API server refused the pod.
    Refused(Refusal),
    /// The pod's container was not started.
    NotStarted {
        /// The reason, as Kubernetes names it.
        reason: String,
        /// What Kubernetes says about it.
        message: String,
    },
    /// The container ended without a result.
    NoResult(String),
    /// The API server no longer answered, or the time was up.
    CutShort(String),
}

impl NotRun {
    /// In one sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoTarget(why) | Self::NoResult(why) | Self::CutShort(why) => why.clone(),
            Self::Refused(refusal) => refusal.message.clone(),
            Self::NotStarted { reason, message } if message.is_empty() => reason.clone(),
            Self::NotStarted { reason, message } => format!("{reason}: {message}"),
        }
    }
}

/// An address to test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// The host, a name or an IP address.
    pub host: String,
    /// The client port.
    pub port: u16,
    /// The monitor port.
    pub monitor_port: u16,
}

impl Address {
    /// `host:port`.
    pub fn shown(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// What the pod found at one address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointProbe {
    /// The address.
    pub address: Address,
    /// The addresses of the name.
    pub resolve: ProbeStep,
    /// The TCP connection to the client port.
    pub connect: ProbeStep,
    /// The server's greeting.
    pub greeting: ProbeStep,
    /// The TLS handshake, if the server offers or requires TLS.
    pub tls: ProbeStep,
    /// The monitor's `/varz`.
    pub monitor: ProbeStep,
}

impl EndpointProbe {
    /// The steps in the order in which they ran, with the part of the way that each tests.
    pub fn steps(&self) -> [(Part, &ProbeStep); 5] {
        [
            (Part::Resolve, &self.resolve),
            (Part::Connect, &self.connect),
            (Part::Greeting, &self.greeting),
            (Part::Tls, &self.tls),
            (Part::Monitor, &self.monitor),
        ]
    }

    /// The steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = (Part, &ProbeStep)> {
        self.steps().into_iter().filter(|(_, step)| step.outcome.is_failure())
    }

    /// Whether a port accepted a connection. `None` if that was not tried.
    pub fn reached(&self, port: u16) -> Option<bool> {
        let step = if port == self.address.port {
            &self.connect
        } else if port == self.address.monitor_port {
            &self.monitor
        } else {
            return None;
        };
        match step.outcome {
            Outcome::Passed => Some(true),
            Outcome::TimedOut | Outcome::Refused => Some(false),
            Outcome::Failed | Outcome::Skipped => None,
        }
    }
}

/// A part of the way to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The cluster's DNS.
    Resolve,
    /// The client port.
    Connect,
    /// The NATS server behind it.
    Greeting,
    /// Its TLS.
    Tls,
    /// The monitor port.
    Monitor,
}

impl Part {
    /// The step of the test that tries it.
    pub fn step(self) -> TestStep {
        match self {
            Self::Resolve => TestStep::Resolve,
            Self::Connect => TestStep::Connect,
            Self::Greeting => TestStep::Greeting,
            Self::Tls => TestStep::Tls,
            Self::Monitor => TestStep::Monitor,
        }
    }
}

/// One step that the pod tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeStep {
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took.
    #[serde(default)]
    pub micros: u64,
    /// The result, or the reason.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl ProbeStep {
    /// It was not tried, for this reason.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, micros: 0, detail: why.into() }
    }
}

/// What became of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It completed.
    Passed,
    /// There was no answer.
    TimedOut,
    /// The peer refused it.
    Refused,
    /// It failed in another way.
    Failed,
    /// It was not tried.
    #[default]
    Skipped,
}

impl Outcome {
    /// Whether it was tried and did not complete.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::TimedOut | Self::Refused | Self::Failed)
    }

    /// In a report.
    pub fn status(self) -> Status {
        match self {
            Self::Passed => Status::Pass,
            Self::Skipped => Status::Skip,
            Self::TimedOut | Self::Refused | Self::Failed => Status::Fail,
        }
    }
}

impl NetworkTest {
    /// Whether the pod reached a port of the broker. `None` if that was not tried.
    pub fn reached(&self, port: u16) -> Option<bool> {
        self.endpoints.iter().find_map(|endpoint| endpoint.reached(port))
    }
}
