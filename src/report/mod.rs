//! The report: states, checks, findings and verdict, in the form that `-o json` prints.
//!
//! Changes are additive only. The order of fields is the order in the document. `report.schema.json` describes it.

mod action;
pub mod change;
mod component;
mod components;
mod finding;
mod fix;
mod list;
mod route;
mod server;
mod test;

use std::fmt;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

pub use self::{
    action::{Action, Effect, Safety, ServerChange, WorkloadRef},
    route::Route,
};

use crate::stack::{
    base::{invocation::Invocation, permission::Permission},
    component::Component,
    hub::Era,
    profile::Profile,
};
pub use component::{ComponentReport, State};
pub use components::{
    BrokerReport, ClientReport, ClusterReport, Components, EndpointReport, HubComponents, PodReport, PoliciesReport,
    PolicyReport, ServerReport, ServiceReport, StackComponents, TargetOfPolicies, Workload,
};
pub use finding::{Command, Finding, Kind, ObjectRef, Remedy, Severity};
pub use fix::FixReport;
pub use list::ReportList;
pub use server::{
    AdapterReport, BrokerLinkReport, ConfigReport, ConnectionReport, ContextPing, ContextReport, ControllerReport,
    DiagnosticReport, ReleaseReport, ServerAnswers, ServerComponentReport, ServerEventReport, ServerModeReport,
    ServerUnreachable, SessionStatus, StoredKind, StoredReport, TokenReport, UnknownPart,
};
pub use test::{Hop, TestReport, Timing, WatchedResource};

/// The verdict on the whole stack, from best to worst. It does not depend on `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing is wrong.
    Healthy,
    /// Warnings.
    Degraded,
    /// There is nothing to check.
    NotInstalled,
    /// A state could not be determined.
    Unknown,
    /// Errors.
    Unhealthy,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::NotInstalled => "not installed",
            Self::Unknown => "unknown",
            Self::Unhealthy => "unhealthy",
        })
    }
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The statement is true.
    Pass,
    /// The statement is partly true.
    Warn,
    /// The statement is false.
    Fail,
    /// It does not apply, or a prerequisite failed.
    Skip,
    /// It could not be checked.
    Unknown,
}

/// A statement that should be true, and whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its ID.
    pub id: String,
    /// Its category.
    pub category: Component,
    /// The statement.
    pub title: String,
    /// The outcome.
    pub status: Status,
    /// Why it was skipped or is unknown, or a detail of what passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The statement whose failure caused this check to be skipped. Part of `reason` in the document.
    #[serde(skip)]
    pub prerequisite: Option<&'static str>,
    /// Its findings.
    pub findings: Vec<String>,
    /// How long it took to get its facts, in milliseconds.
    pub duration_ms: u64,
}

/// The number of findings of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Faults with the severity `error`.
    pub errors: usize,
    /// Faults with the severity `warning`.
    pub warnings: usize,
    /// Findings with the severity `info`.
    pub info: usize,
    /// Obstacles: what could not be checked.
    pub unknown: usize,
}

impl Summary {
    /// Counts these findings.
    pub fn of(findings: &[Finding]) -> Self {
        let mut summary = Self::default();
        for finding in findings {
            *match (finding.kind, finding.severity) {
                (_, Severity::Info) => &mut summary.info,
                (Kind::Obstacle, _) => &mut summary.unknown,
                (Kind::Fault, Severity::Error) => &mut summary.errors,
                (Kind::Fault, Severity::Warning) => &mut summary.warnings,
            } += 1;
        }
        summary
    }
}

/// The tool that made the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// `meshdoctor`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

/// The cluster that the report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetReport {
    /// The kubeconfig's context.
    pub context: Option<String>,
    /// The API server's address.
    pub server: Option<String>,
    /// The kubeconfig's user, or the impersonated user.
    pub user: Option<String>,
    /// The namespace of the stack.
    pub namespace: String,
    /// How this program was started. Not part of the document.
    #[serde(skip)]
    pub invocation: Invocation,
    /// The profile.
    pub profile: &'static str,
    /// The UID of the namespace `kube-system`.
    pub cluster_id: Option<String>,
    /// The API server's version.
    pub kubernetes_version: Option<String>,
    /// `current`, `old`, or `None` if it is not known.
    pub operator_line: Option<&'static str>,
    /// Where Meshery Server runs: `inside`, `outside` or `unknown`.
    pub server_location: &'static str,
    /// The evidence for that location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_location_evidence: Option<String>,
    /// How the cluster is watched: `operator`, `custom-broker`, `standalone`, `embedded`, `management-plane` for Service
    /// Mesh Hub, `none` if nothing is installed, or `unknown`.
    pub mode: &'static str,
    /// The evidence for the mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_evidence: Option<String>,
    /// The era of Service Mesh Hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub era: Option<Era>,
}

/// The source of the facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// `live` or `recording`.
    pub kind: &'static str,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Source {
    /// The cluster itself.
    pub fn live() -> Self {
        Self { kind: "live", path: None }
    }
}

/// How `MeshSync` interprets a watch-list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchListReport {
    /// `meshdoctor/v1`.
    pub api_version: &'static str,
    /// `WatchList`.
    pub kind: &'static str,
    /// The tool.
    pub tool: Tool,
    /// The source of the list: `file` or `live`.
    pub source: Source,
    /// The exit code.
    pub exit_code: u8,
    /// The version of `MeshSync` in the cluster, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meshsync_version: Option<String>,
    /// `whitelist`, `blacklist`, `empty`, `invalid`, or `unknown` if there was no list to read.
    pub list: &'static str,
    /// Whether `MeshSync` publishes anything with it.
    pub publishes: bool,
    /// The entries as written, and the effect of each.
    pub entries: Vec<WatchListEntry>,
    /// What `MeshSync` watches and publishes.
    pub effective: Vec<EffectiveEntry>,
    /// Why the served resources are not known. `None` if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// An entry of a watch-list, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchListEntry {
    /// The resource.
    pub resource: String,
    /// The event types.
    pub events: Vec<String>,
    /// The line in the list's text.
    pub line: usize,
    /// The column in that line.
    pub column: usize,
    /// `watched`, `ignored`, `unknown`, `malformed`, `unresolved`, or `excluded` for an entry of a blacklist.
    pub standing: &'static str,
    /// The entry that was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meant: Option<String>,
}

/// A resource that `MeshSync` watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectiveEntry {
    /// The resource.
    pub resource: String,
    /// The event types that are published.
    pub events: Vec<&'static str>,
}

/// The missing permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// One for each query that was denied.
    pub missing: Vec<Permission>,
}

/// What an installation would do (`system check --preflight`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PreflightReport {
    /// The user that the API server authenticated.
    pub user: Option<String>,
    /// The objects, in the order of writing.
    pub objects: Vec<PlannedObject>,
}

/// What an installation would do to one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedObject {
    /// Its kind.
    pub kind: String,
    /// Its namespace. `None` for a cluster-scoped object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// `create`, `update` or `keep`. `unverifiable`, `unknown`, `denied` or `rejected` if the result is not known or
    /// not possible.
    pub action: &'static str,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `meshdoctor/v1`.
    pub api_version: &'static str,
    /// `Report`. `Status` for one without checks and findings, `Test` for one about a connectivity test, `ServerStatus`
    /// for a status that is about Meshery Server, `ServerContexts` for one about its contexts, `ServerConfig` for one
    /// about its configuration of the controllers.
    pub kind: &'static str,
    /// The tool that made it.
    pub tool: Tool,
    /// When the facts were observed.
    pub taken_at: Timestamp,
    /// Whether that time was derived from the objects.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub taken_at_estimated: bool,
    /// How long the observation took, in milliseconds.
    pub duration_ms: u64,
    /// The cluster.
    pub target: TargetReport,
    /// The source of the facts.
    pub source: Source,
    /// The verdict. Not in a status, which does not check everything that a verdict needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How many findings `--only` and `--skip` excluded. `None` if neither was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<usize>,
    /// The exit code.
    pub exit_code: u8,
    /// The states.
    pub components: Components,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// The Services of the broker and of Meshery Server.
    pub services: Vec<ServiceReport>,
    /// The number of findings of each kind. Not in a status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// The IDs of the findings that no other explains, most important first, without information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_causes: Option<Vec<String>>,
    /// Every finding, root causes first, then by severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
    /// Every check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<Check>>,
    /// The missing permissions.
    pub permissions: Permissions,
    /// What an installation would do. Only in a preflight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight: Option<PreflightReport>,
    /// The newest events of Meshery Server, newest first. Only in a `ServerStatus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<ServerEventReport>>,
    /// The contexts that Meshery Server knows. Only in a `ServerContexts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contexts: Option<Vec<ContextReport>>,
    /// The results of a connectivity test, if one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestReport>,
    /// What was done about the root causes. Only with `--fix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixes: Option<Vec<FixReport>>,
    /// Whether every state is determined. Not part of the document, because the exit code says it.
    #[serde(skip)]
    pub determined: bool,
    /// Whether the server's configuration proves that the stack is not needed. Not part of the document, because the
    /// mode and its evidence say it.
    #[serde(skip)]
    pub not_needed: bool,
}

impl Report {
    /// The findings. Empty in a status.
    pub fn findings(&self) -> &[Finding] {
        self.findings.as_deref().unwrap_or_default()
    }

    /// The checks. Empty in a status.
    pub fn checks(&self) -> &[Check] {
        self.checks.as_deref().unwrap_or_default()
    }

    /// What Meshery Server answered. `None` if it was not asked.
    pub fn server(&self) -> Option<&ServerAnswers> {
        self.components.stack()?.server.answers.as_deref()
    }

    /// The profile of the stack.
    pub fn profile(&self) -> &'static Profile {
        Profile::named(self.target.profile).unwrap_or_default()
    }

    /// The product's name. That of Service Mesh Hub depends on the era.
    pub fn product(&self) -> &'static str {
        self.target.era.map_or(self.profile().product, Era::product)
    }

    /// The findings that no other explains, most important first, without information.
    pub fn root_causes(&self) -> impl Iterator<Item = &Finding> {
        self.findings().iter().filter(|finding| finding.root_cause)
    }

    /// The findings that another one explains.
    pub fn consequences(&self) -> impl Iterator<Item = &Finding> {
        self.findings().iter().filter(|finding| !finding.caused_by.is_empty())
    }

    /// The findings that are only information.
    pub fn notes(&self) -> impl Iterator<Item = &Finding> {
        self.findings().iter().filter(|finding| finding.severity == Severity::Info && finding.caused_by.is_empty())
    }
}
