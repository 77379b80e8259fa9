//! From facts to a report. No client, no clock, no async.
//!
//! Every check is data: a statement that should be true, its prerequisites, and the function that judges it. The
//! findings are then joined by which diagnosis explains which, so that the root cause comes first.

pub(crate) mod broker_view;
mod causes;
mod check;
mod clients;
pub mod codes;
mod context;
pub mod diagnosis;
mod draft;
mod engine;
mod guards;
mod hub;
mod inventory;
pub(crate) mod log_excerpt;
mod mode;
pub(crate) mod network_policy;
mod nodes;
mod pod_status;
mod policy;
mod preflight_summary;
pub(crate) mod remedy;
pub(crate) mod rollout;
mod rules;
mod select;
mod server_config;
pub(crate) mod server_link;
mod server_report;
pub(crate) mod server_view;
pub(crate) mod stack_view;
mod states;
mod stored_data;
mod tested;
mod verdict;

use std::borrow::Cow;

use k8s_openapi::jiff::SignedDuration;

use crate::stack::base::usage::UsageError;
use crate::{
    facts::{Facts, recording::API_VERSION},
    report::{Finding, Permissions, Report, Source, Summary, Tool},
    stack::component::Component,
};

pub use self::{check::Check, diagnosis::Diagnosis, select::Selection};
pub(crate) use self::{
    check::{Judgement, Outcome, Undecided},
    context::RuleContext,
    draft::Draft,
    guards::known_unless,
    stored_data::{DataComparison, DataSource},
};

/// The maximum difference between two clocks of a cluster: the API server's, a node's and the broker's.
pub(crate) const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// What the user expects (`--expect`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Operator, broker and `MeshSync` should be in the cluster.
    pub operator: bool,
    /// `MeshSync` should run inside Meshery Server, with nothing in the cluster.
    pub embedded: bool,
    /// Meshery Server should be connected to the broker.
    pub server: bool,
    /// Whether that server runs in this cluster.
    pub server_inside: Option<bool>,
}

impl Expectation {
    /// Parses the values of `--expect`.
    ///
    /// # Errors
    ///
    /// If the values contradict each other.
    pub fn of<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, UsageError> {
        let words: Vec<&str> = words.collect();
        let has = |word: &str| words.contains(&word);
        for (one, other) in [("operator", "embedded"), ("server=inside", "server=outside")] {
            if has(one) && has(other) {
                return Err(UsageError::new(format!("--expect {one} and {other} cannot be combined")));
            }
        }
        Ok(Self {
            operator: has("operator"),
            embedded: has("embedded"),
            server: words.iter().any(|word| word.starts_with("server")),
            server_inside: if has("server=inside") {
                Some(true)
            } else if has("server=outside") {
                Some(false)
            } else {
                None
            },
        })
    }
}

/// Judges the facts.
pub fn diagnose(facts: &Facts, expect: &Expectation, source: Source) -> Report {
    let context = RuleContext::new(facts, expect);
    let states = context.states();
    let flow = facts.test.as_ref().and_then(|test| test.flow.as_ref());
    let tested = flow.is_none() || tested::flow_is_determined(&context);
    let determined = match context.hub() {
        Some(hub) => hub.undetermined().is_none(),
        None => states.is_determined() && tested,
    };
    let checks: Vec<&Check> = rules::of(facts).collect();
    let mut report = judged(&context, &checks, &[], determined, source);
    report.permissions.missing = states::missing_permissions(&context);
    report.test = tested::part(&context);
    report
}

/// What Meshery Server stored, compared with the cluster, and whether it would receive it again.
pub(crate) fn stored_data(facts: &Facts) -> (DataComparison, DataSource) {
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    let meshsync = &context.states().meshsync;
    let source = DataSource::of(&context, meshsync.report.state, meshsync.undetermined.is_none());
    (DataComparison::of(&context), source)
}

/// Judges the facts of a single test: only findings that concern its subject.
pub fn test(facts: &Facts, source: Source) -> Report {
    tested::report(facts, source)
}

/// Judges whether the stack can be installed, with other checks on the same facts. It is determined if every object
/// could be tested; absent objects are no fault.
///
/// `None` if the cluster responded but the facts contain no preflight.
pub fn preflight(facts: &Facts, source: Source) -> Option<Report> {
    if facts.preflight.is_none() && facts.obstacle.is_none() {
        return None;
    }
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    let summary = preflight_summary::PreflightSummary::of(&context);
    let checks = rules::of_preflight();
    let mut report = judged(&context, &checks, rules::NO_BAR, summary.is_determined(), source);
    report.permissions.missing = summary.missing_permissions();
    report.preflight = Some(summary.report());
    Some(report)
}

fn judged(
    context: &RuleContext<'_>,
    checks: &[&'static Check],
    no_bar: &[&str],
    determined: bool,
    source: Source,
) -> Report {
    let facts = context.facts;
    let (checks, mut findings) = engine::judge(checks, no_bar, context);
    causes::name(&mut findings);
    causes::join(&mut findings);
    let checks = engine::number(checks, &findings);
    let root_causes = causes::rank(&mut findings);
    let not_needed = context.is_embedded_by_server();
    let verdict = verdict::judge(&findings, determined, not_needed);
    let inventory = inventory::Inventory::of(context);
    Report {
        api_version: API_VERSION,
        kind: "Report",
        tool: Tool::this(),
        taken_at: facts.taken_at,
        taken_at_estimated: facts.taken_at_estimated,
        duration_ms: facts.timings.get("total").copied().unwrap_or(0),
        target: inventory.target(),
        source,
        verdict: Some(verdict),
        silenced: None,
        exit_code: 0,
        components: inventory.components(context.states()),
        workloads: inventory.workloads(),
        services: inventory.services(),
        summary: Some(Summary::of(&findings)),
        root_causes: Some(root_causes),
        findings: Some(findings),
        checks: Some(checks),
        permissions: Permissions::default(),
        preflight: None,
        events: None,
        contexts: None,
        test: None,
        fixes: None,
        determined,
        not_needed,
    }
}

/// The findings about the watch-list alone, and why some of it could not be judged.
pub fn watch_list(facts: &Facts) -> (Vec<Finding>, Option<String>) {
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    let mut findings = Vec::new();
    let mut open = None;
    for check in rules::OF_THE_WATCH_LIST {
        match (check.judge)(&context) {
            Ok(Outcome::Found(found)) => findings.extend(found),
            Err(Undecided::Unknown(why)) => open = open.or(Some(why)),
            _ => {}
        }
    }
    causes::name(&mut findings);
    causes::join(&mut findings);
    causes::rank(&mut findings);
    (findings, open)
}

/// Whether anything of the stack is installed, or its server shows that it is not needed. `None` if that is not known.
pub fn is_installed(facts: &Facts) -> Option<bool> {
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    if let Some(hub) = context.hub() {
        return hub.is_installed();
    }
    match context.mode().0 {
        mode::Mode::None => Some(false),
        mode::Mode::Unknown => None,
        _ => Some(true),
    }
}

/// The version of `MeshSync` that is running or configured.
pub fn meshsync_version(facts: &Facts) -> Option<String> {
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    context.states().meshsync.report.version.clone()
}

/// Whether a Meshery Server in the cluster is set to deploy the operator.
pub fn server_deploys_operator(facts: &Facts) -> bool {
    let expect = Expectation::default();
    RuleContext::new(facts, &expect).server_mode().is_some_and(|mode| !mode.embedded)
}

/// The heading of a category of a report's checks.
pub fn category_title(report: &Report, category: Component) -> Cow<'static, str> {
    category.title(report.profile())
}
