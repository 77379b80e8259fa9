//! The reports of several stacks in one cluster.

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::{Report, Source, Tool, Verdict};

/// The reports of several stacks in one cluster, as one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportList {
    /// `meshdoctor/v1`.
    pub api_version: &'static str,
    /// `ReportList` for reports of kind `Report`, `StatusList` for those of kind `Status`.
    pub kind: String,
    /// The tool that made it.
    pub tool: Tool,
    /// When the facts of the first stack were observed.
    pub taken_at: Timestamp,
    /// How long the observation of all stacks took, in milliseconds.
    pub duration_ms: u64,
    /// The source of the facts.
    pub source: Source,
    /// The worst verdict of all stacks. Not in a status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The exit code.
    pub exit_code: u8,
    /// One report for each stack.
    pub stacks: Vec<Report>,
}

impl ReportList {
    /// The list of these reports, which were observed at the same time. `None` if there are none.
    pub fn of(stacks: Vec<Report>, exit_code: u8) -> Option<Self> {
        let first = stacks.first()?;
        Some(Self {
            api_version: first.api_version,
            kind: format!("{}List", first.kind),
            tool: first.tool.clone(),
            taken_at: first.taken_at,
            duration_ms: stacks.iter().map(|report| report.duration_ms).max().unwrap_or_default(),
            source: first.source.clone(),
            verdict: stacks.iter().filter_map(|report| report.verdict).max(),
            exit_code,
            stacks,
        })
    }
}
