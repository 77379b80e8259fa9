//! Facts to a report. No client, no clock, no async.
//!
//! Every rule is a statement that should be true, as data: what it is called, what must have passed before it can be
//! judged, and the function that judges it. The findings are then joined by what the catalogue says explains what, so
//! that the root cause comes first.

mod causes;
mod clients;
mod draft;
mod inventory;
mod last_words;
mod mode;
pub(crate) mod network_policy;
mod outlook;
mod patient;
mod pod_status;
mod reach;
mod rollout;
mod rules;
mod select;
mod states;
mod tested;
mod verdict;

use std::collections::BTreeMap;

use crate::{
    facts::{Facts, recording::API_VERSION},
    report::{Check, Finding, Kind, Permissions, Report, Severity, Source, Status, Tool},
    stack::component::Component,
};

pub(crate) use self::{draft::Draft, patient::Patient};
pub use self::{rules::Rule, select::Selection};

/// What the operator says should be so (`--expect`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Operator, broker and `MeshSync` are to be in the cluster.
    pub operator: bool,
    /// `MeshSync` is to run inside the server, and nothing in the cluster is right.
    pub embedded: bool,
    /// A server is to read from the broker.
    pub server: bool,
    /// Whether that server runs in this cluster.
    pub server_inside: Option<bool>,
}

impl Expectation {
    /// What these words of `--expect` say.
    ///
    /// # Errors
    ///
    /// A sentence when they contradict each other.
    pub fn of<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let words: Vec<&str> = words.collect();
        let has = |word: &str| words.contains(&word);
        for (one, other) in [
            ("operator", "embedded"),
            ("server=inside", "server=outside"),
        ] {
            if has(one) && has(other) {
                return Err(format!(
                    "--expect names both {one} and {other}, and only one can be so"
                ));
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

/// What judging a rule came to.
pub(crate) enum Outcome {
    /// The statement is true.
    Pass,
    /// The statement is true, and here is a detail.
    PassWith(String),
    /// Findings: what is wrong.
    Found(Vec<Finding>),
    /// The statement is not true and need not be, as findings that are no alarm say.
    ExpectedAbsent(Vec<Finding>),
    /// It does not apply.
    Skip(String),
    /// It could not be looked at.
    Unknown(String),
}

impl Outcome {
    /// Findings, or a pass when there are none.
    pub(crate) fn of(findings: Vec<Finding>) -> Self {
        if findings.is_empty() {
            Self::Pass
        } else {
            Self::Found(findings)
        }
    }
}

/// How the reason of a check begins that was not judged since what it builds on is not so.
pub const NOT_JUDGED: &str = "it builds on this, which is not so: ";

/// Every rule, in the order in which checks are shown.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    rules::all()
}

/// Judges the facts.
pub fn diagnose(facts: &Facts, expect: &Expectation, source: Source) -> Report {
    let patient = Patient::new(facts, expect);
    let states = states::judge(&patient);
    let flow = facts.test.as_ref().and_then(|test| test.flow.as_ref());
    let tested = flow.is_none() || tested::flow_is_determined(&patient);
    let determined = states.is_determined() && tested;
    let rules: Vec<&Rule> = rules::of(facts).collect();
    let mut report = judged(&patient, &states, &rules, &[], determined, source);
    report.permissions.missing = states::missing_rights(&patient);
    report.test = tested::part(&patient);
    report
}

/// Judges what an ad hoc test measured, with whatever concerns it.
pub fn test(facts: &Facts, source: Source) -> Report {
    tested::report(facts, source)
}

/// Judges whether the stack may be installed: other rules over the same facts. What decides is whether every object could
/// be tried; that something of the stack is not there is as it should be.
///
/// None when the facts hold no preflight, though the cluster was spoken to.
pub fn preflight(facts: &Facts, source: Source) -> Option<Report> {
    if facts.preflight.is_none() && facts.obstacle.is_none() {
        return None;
    }
    let expect = Expectation::default();
    let patient = Patient::new(facts, &expect);
    let states = states::judge(&patient);
    let outlook = outlook::Outlook::of(&patient);
    let rules = rules::of_preflight();
    let mut report = judged(
        &patient,
        &states,
        &rules,
        rules::preflight::NO_BAR,
        outlook.is_determined(),
        source,
    );
    report.permissions.missing = outlook.missing_rights();
    report.preflight = Some(outlook.report());
    Some(report)
}

fn judged(
    patient: &Patient<'_>,
    states: &states::States,
    rules: &[&'static Rule],
    no_bar: &[&str],
    determined: bool,
    source: Source,
) -> Report {
    let facts = patient.facts;
    let (checks, mut findings) = judge_rules(rules, no_bar, patient, states);
    causes::name(&mut findings);
    causes::join(&mut findings);
    let root_causes = causes::roots(&findings);
    let checks = number(checks, &findings);
    let verdict = verdict::judge(&findings, determined);
    let inventory = inventory::Inventory::of(patient);
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
        components: inventory.components(states),
        workloads: inventory.workloads(),
        services: inventory.services(),
        root_causes: Some(root_causes),
        findings: Some(findings),
        checks: Some(checks),
        permissions: Permissions::default(),
        preflight: None,
        test: None,
        determined,
    }
}

/// What is wrong with the watch-list alone, and why not all of that could be judged.
pub fn watch_list(facts: &Facts) -> (Vec<Finding>, Option<String>) {
    let expect = Expectation::default();
    let patient = Patient::new(facts, &expect);
    let states = states::judge(&patient);
    let mut findings = Vec::new();
    let mut open = None;
    for rule in rules::all().filter(|rule| rules::OF_THE_LIST.contains(&rule.id)) {
        match (rule.judge)(&patient, &states) {
            Outcome::Found(found) => findings.extend(found),
            Outcome::Unknown(why) => open = open.or(Some(why)),
            _ => {}
        }
    }
    causes::name(&mut findings);
    causes::join(&mut findings);
    (findings, open)
}

/// The version of `MeshSync` that runs, or is to run.
pub fn meshsync_version(facts: &Facts) -> Option<String> {
    let expect = Expectation::default();
    states::judge(&Patient::new(facts, &expect))
        .meshsync
        .report
        .version
}

/// A check whose findings have no ids yet, only places in the list of findings.
struct Judged {
    check: Check,
    findings: std::ops::Range<usize>,
}

/// Judges each rule. A finding of the codes in `no_bar` is no error here.
fn judge_rules(
    rules: &[&'static Rule],
    no_bar: &[&str],
    patient: &Patient<'_>,
    states: &states::States,
) -> (Vec<Judged>, Vec<Finding>) {
    let mut statuses: BTreeMap<&str, Status> = BTreeMap::new();
    // Of what is not judged, the statement at the bottom that is not so.
    let mut blockers: BTreeMap<&str, &'static str> = BTreeMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    let mut judged = Vec::new();
    for rule in rules {
        let outcome = match rule.blocked_by(&statuses) {
            Some(blocker) => {
                let bottom = blockers.get(blocker.id).copied().unwrap_or(blocker.title);
                blockers.insert(rule.id, bottom);
                Outcome::Skip(format!("{NOT_JUDGED}{bottom}"))
            }
            None => (rule.judge)(patient, states),
        };
        let before = findings.len();
        let (status, reason) = match outcome {
            Outcome::Pass => (Status::Pass, None),
            Outcome::PassWith(detail) => (Status::Pass, Some(detail)),
            Outcome::Skip(why) => (Status::Skip, Some(why)),
            Outcome::Unknown(why) => (Status::Unknown, Some(why)),
            Outcome::ExpectedAbsent(found) => {
                findings.extend(found);
                (
                    Status::Skip,
                    Some("it is not, and is not expected to be".into()),
                )
            }
            Outcome::Found(mut found) => {
                for finding in &mut found {
                    if no_bar.contains(&finding.code.as_str()) {
                        finding.severity = finding.severity.max(Severity::Warning);
                    }
                }
                let status = worst(&found);
                let reason = found.first().map(|finding| finding.title.clone());
                findings.extend(found);
                (status, reason)
            }
        };
        statuses.insert(rule.id, status);
        judged.push(Judged {
            check: Check {
                id: rule.id.into(),
                category: rule.category,
                title: rule.title.into(),
                status,
                reason,
                findings: Vec::new(),
                duration_ms: rule
                    .facts
                    .iter()
                    .filter_map(|fact| patient.facts.timings.get(*fact).copied())
                    .max()
                    .unwrap_or(0),
            },
            findings: before..findings.len(),
        });
    }
    (judged, findings)
}

/// Gives the checks the ids that their findings have got.
fn number(judged: Vec<Judged>, findings: &[Finding]) -> Vec<Check> {
    judged
        .into_iter()
        .map(|mut judged| {
            judged.check.findings = findings[judged.findings.clone()]
                .iter()
                .map(|finding| finding.id.clone())
                .collect();
            judged.check
        })
        .collect()
}

fn worst(findings: &[Finding]) -> Status {
    let obstacle = |finding: &Finding| finding.kind == Kind::Obstacle;
    let severity = findings
        .iter()
        .filter(|finding| !obstacle(finding))
        .map(|finding| finding.severity)
        .min();
    match severity {
        Some(Severity::Error) => Status::Fail,
        _ if findings
            .iter()
            .any(|finding| obstacle(finding) && finding.severity == Severity::Error) =>
        {
            Status::Unknown
        }
        Some(Severity::Warning) => Status::Warn,
        _ => Status::Pass,
    }
}

impl Rule {
    /// The statement that this rule builds on and that is not so.
    fn blocked_by(&self, statuses: &BTreeMap<&str, Status>) -> Option<&'static Rule> {
        self.after
            .iter()
            .find(|id| {
                matches!(
                    statuses.get(*id),
                    Some(Status::Fail | Status::Unknown | Status::Skip)
                )
            })
            .and_then(|id| rules::all().find(|rule| rule.id == *id))
    }
}

/// The heading of a category of checks.
pub fn category_title(category: Component) -> &'static str {
    category.title()
}
