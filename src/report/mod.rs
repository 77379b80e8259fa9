//! The report: states, checks, findings and verdict, in the shape that `-o json` prints.
//!
//! Only additive changes; the order of fields is the order in the document. `report.schema.json` describes it.

mod action;
pub mod change;
mod components;
mod finding;
mod way;

use std::fmt;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

pub use self::{
    action::{Action, Effect, PatchKind, Safety, WorkloadRef},
    way::Way,
};

use crate::stack::{
    base::{invocation::Invocation, permission::Permission},
    component::Component,
};
pub use components::{
    BrokerReport, ClientReport, ComponentReport, Components, EndpointReport, PodReport, ServerReport, ServiceReport,
    State, Workload,
};
pub use finding::{Command, Finding, Kind, ObjectRef, Remedy, Severity};

/// The verdict on the whole stack. It does not depend on `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing is wrong.
    Healthy,
    /// Warnings.
    Degraded,
    /// There is nothing to judge.
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

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The statement is true.
    Pass,
    /// It is not quite.
    Warn,
    /// It is not.
    Fail,
    /// It does not apply, or what it builds on failed.
    Skip,
    /// It could not be looked at.
    Unknown,
}

/// A statement that should be true, and whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its name.
    pub id: String,
    /// The heading it stands under.
    pub category: Component,
    /// The statement.
    pub title: String,
    /// How it ended.
    pub status: Status,
    /// Why it was skipped or is unknown, or a detail of what passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The statement whose failure caused this check to be skipped. Part of `reason` in the document.
    #[serde(skip)]
    pub prerequisite: Option<&'static str>,
    /// The findings it made.
    pub findings: Vec<String>,
    /// How long its facts took to come, in milliseconds.
    pub duration_ms: u64,
}

/// How many findings of each kind a report has.
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

/// Which tool made the report.
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

/// Which cluster the report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetReport {
    /// The kubeconfig's context.
    pub context: Option<String>,
    /// The API server's address.
    pub server: Option<String>,
    /// The kubeconfig's user, or who was impersonated.
    pub user: Option<String>,
    /// The namespace that was looked at.
    pub namespace: String,
    /// How this program was called. Not part of the document.
    #[serde(skip)]
    pub invocation: Invocation,
    /// The profile.
    pub profile: &'static str,
    /// The UID of the namespace `kube-system`.
    pub cluster_id: Option<String>,
    /// The API server's version.
    pub kubernetes_version: Option<String>,
    /// `current`, `old` or none when it cannot be told.
    pub operator_line: Option<&'static str>,
    /// `inside`, `outside` or `unknown`: where the server runs that reads from the broker.
    pub server_location: &'static str,
    /// How we know where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_location_evidence: Option<String>,
    /// How the cluster is meant to be watched: `operator`, `custom-broker`, `standalone`, `embedded`, `none` where
    /// nothing is here, or `unknown`.
    pub mode: &'static str,
    /// How we know the mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_evidence: Option<String>,
}

/// Where the facts came from.
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

/// What `MeshSync` makes of a watch-list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchListReport {
    /// `meshdoctor/v1`.
    pub api_version: &'static str,
    /// `WatchList`.
    pub kind: &'static str,
    /// The tool.
    pub tool: Tool,
    /// Where the list came from; `file` or `live`.
    pub source: Source,
    /// The exit code.
    pub exit_code: u8,
    /// The version of `MeshSync` in the cluster, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meshsync_version: Option<String>,
    /// `whitelist`, `blacklist`, `empty`, `invalid`, or `unknown` where there was none to read.
    pub list: &'static str,
    /// Whether `MeshSync` publishes anything with it.
    pub publishes: bool,
    /// The entries as they were written, and what becomes of each.
    pub entries: Vec<WatchListEntry>,
    /// What `MeshSync` watches and publishes.
    pub effective: Vec<EffectiveEntry>,
    /// Why the cluster could not be asked what it serves; none when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// An entry of a watch-list, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchListEntry {
    /// The resource.
    pub resource: String,
    /// The events.
    pub events: Vec<String>,
    /// The line in the list's text.
    pub line: usize,
    /// The column in that line.
    pub column: usize,
    /// `watched`, `ignored`, `unknown`, `malformed`, `unresolved`, or `excluded` for a blacklist's.
    pub standing: &'static str,
    /// What was perhaps meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meant: Option<String>,
}

/// A resource that `MeshSync` watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectiveEntry {
    /// The resource.
    pub resource: String,
    /// The events that are published.
    pub events: Vec<&'static str>,
}

/// The rights that were missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// One for each question that was refused.
    pub missing: Vec<Permission>,
}

/// What an installation would do (`system check --preflight`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PreflightReport {
    /// Whom the API server takes us for.
    pub user: Option<String>,
    /// The objects, in the order in which they would be written.
    pub objects: Vec<PlannedObject>,
}

/// What an installation would do to one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedObject {
    /// Its kind.
    pub kind: String,
    /// Its namespace; none for an object of the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// `create`, `update` or `keep`; `unverifiable`, `unknown`, `denied` or `rejected` when it cannot be said, or cannot be
    /// done.
    pub action: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What an ad hoc test tried (`test`, `system check --synthetic`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TestReport {
    /// What was tested: `kubernetes`, `operator`, `broker`, `meshsync`, `dataflow`.
    pub subject: &'static str,
    /// The steps, in order.
    pub hops: Vec<Hop>,
    /// What was seen of each resource that `MeshSync` watches; in a test of the flow alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<WatchedResource>,
}

/// One step of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// Its name.
    pub id: &'static str,
    /// The broker server that it is about, where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What was tried.
    pub title: String,
    /// How it ended.
    pub status: Status,
    /// What came of it, or what stood in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long it took; none where nothing came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

/// How long something took that was tried once or more often, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// How often it came to its end.
    pub count: u64,
    /// The shortest.
    pub min_micros: u64,
    /// Half of them took no longer.
    pub p50_micros: u64,
    /// Of twenty, nineteen took no longer.
    pub p95_micros: u64,
    /// The longest.
    pub max_micros: u64,
}

impl Timing {
    /// Of these times; none where there are none.
    pub fn of(times: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut times: Vec<u64> = times.into_iter().collect();
        times.sort_unstable();
        let count = times.len();
        // The nearest rank: a figure that was measured, never one in between.
        let rank = |percent: usize| times[(count * percent).div_ceil(100).max(1) - 1];
        Some(Self {
            count: count as u64,
            min_micros: *times.first()?,
            p50_micros: rank(50),
            p95_micros: rank(95),
            max_micros: *times.last()?,
        })
    }
}

/// What a test of the flow saw of one resource that `MeshSync` watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchedResource {
    /// The resource, as a watch-list names it.
    pub resource: String,
    /// Whether `MeshSync` may list and watch it; none where that is not known.
    pub readable: Option<bool>,
    /// Events of objects made that came during the test.
    pub added: u64,
    /// Events of objects changed.
    pub modified: u64,
    /// Events of objects removed.
    pub deleted: u64,
    /// How long before the end of the test the last of them came, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<u64>,
    /// How many `MeshSync`'s store holds; with `--store` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<u64>,
    /// How many the API server holds; with `--store` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<u64>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `meshdoctor/v1`.
    pub api_version: &'static str,
    /// `Report`; `Status` for one without checks and findings, `Test` for one about what was tested.
    pub kind: &'static str,
    /// Which tool made it.
    pub tool: Tool,
    /// When the facts were seen.
    pub taken_at: Timestamp,
    /// Whether that time was read off the objects.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub taken_at_estimated: bool,
    /// How long looking took, in milliseconds.
    pub duration_ms: u64,
    /// Which cluster.
    pub target: TargetReport,
    /// Where the facts came from.
    pub source: Source,
    /// The verdict; none in a status, which does not look at everything that a verdict rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How many findings `--only` and `--skip` left out; none when neither was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<usize>,
    /// The exit code that goes with this document.
    pub exit_code: u8,
    /// The states.
    pub components: Components,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// The broker's Services.
    pub services: Vec<ServiceReport>,
    /// How many findings of each kind there are; none in a status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// The ids of the findings that no other explains, most important first. Information is not among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_causes: Option<Vec<String>>,
    /// Every finding, root causes first, then by severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
    /// Every check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<Check>>,
    /// The rights that were missing.
    pub permissions: Permissions,
    /// What an installation would do; in a preflight alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight: Option<PreflightReport>,
    /// What an ad hoc test tried; where one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestReport>,
    /// Whether every state is determined. Not part of the document: the exit code says it.
    #[serde(skip)]
    pub determined: bool,
}

impl Report {
    /// The findings; none in a status.
    pub fn findings(&self) -> &[Finding] {
        self.findings.as_deref().unwrap_or_default()
    }

    /// The checks; none in a status.
    pub fn checks(&self) -> &[Check] {
        self.checks.as_deref().unwrap_or_default()
    }

    /// The findings that no other explains, most important first. Information is not among them.
    pub fn root_causes(&self) -> impl Iterator<Item = &Finding> {
        self.findings().iter().filter(|finding| finding.root_cause)
    }

    /// The findings that are only information.
    pub fn notes(&self) -> impl Iterator<Item = &Finding> {
        self.findings().iter().filter(|finding| finding.severity == Severity::Info && finding.caused_by.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Timing;

    #[test]
    fn a_quantile_is_a_time_that_was_measured() {
        let timing = Timing::of(1..=20).expect("times");
        assert_eq!((timing.min_micros, timing.max_micros), (1, 20));
        assert_eq!((timing.p50_micros, timing.p95_micros), (10, 19));
        let one = Timing::of([7]).expect("a time");
        assert_eq!((one.p50_micros, one.p95_micros, one.count), (7, 7, 1));
        assert_eq!(Timing::of([]), None);
    }
}
