//! Runs checks in order. A check whose prerequisite failed is skipped.

use std::{collections::BTreeMap, ops::Range};

use super::{Check, Outcome, RuleContext, Undecided, codes, diagnosis};
use crate::{
    report::{self, Finding, Kind, Severity, Status},
    stack::{
        component::Component,
        profile::{self, Profile},
    },
};

/// A check whose findings have no IDs yet, only positions in the list of findings.
pub(super) struct Judged {
    check: report::Check,
    findings: Range<usize>,
}

/// Runs each check. Findings of the codes in `no_bar` are at most warnings.
pub(super) fn judge(
    checks: &[&'static Check],
    no_bar: &[&str],
    context: &RuleContext<'_>,
) -> (Vec<Judged>, Vec<Finding>) {
    let mut statuses: BTreeMap<&str, Status> = BTreeMap::new();
    // For each skipped check, the failed prerequisite that all others lead back to.
    let mut blockers: BTreeMap<&str, &'static str> = BTreeMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    let mut judged = Vec::new();
    for check in checks {
        let prerequisite = check.blocked_by(&statuses).map(|blocker| {
            let bottom = blockers.get(blocker.id).copied().unwrap_or(blocker.title);
            blockers.insert(check.id, bottom);
            bottom
        });
        let judgement = match prerequisite {
            Some(prerequisite) => Outcome::skip(format!("prerequisite failed: {prerequisite}")),
            None if !check.is_of(context.facts.profile) => {
                Outcome::skip(format!("{} has nothing of this kind", context.facts.profile.product))
            }
            None => (check.judge)(context),
        };
        let before = findings.len();
        let (status, reason) = match judgement {
            Ok(Outcome::Pass(detail)) => (Status::Pass, detail),
            Ok(Outcome::ExpectedAbsent(found)) => {
                findings.extend(found);
                let reason = "not expected";
                (Status::Skip, Some(reason.into()))
            }
            Ok(Outcome::Found(mut found)) => {
                for finding in &mut found {
                    name_product(finding, context.facts.profile);
                    if no_bar.contains(&finding.code.as_str()) {
                        finding.severity = finding.severity.max(Severity::Warning);
                    }
                }
                let status = worst(&found);
                let reason = found.first().map(|finding| finding.title.clone());
                findings.extend(found);
                (status, reason)
            }
            Err(Undecided::Skip(why)) => (Status::Skip, Some(why)),
            Err(Undecided::Unknown(why)) => (Status::Unknown, Some(why)),
        };
        debug_assert!(
            findings[before..]
                .iter()
                .all(|finding| { codes::find(&finding.code).is_some_and(|code| check.can_find(&code)) }),
            "{} found a code that does not name it",
            check.id
        );
        statuses.insert(check.id, status);
        judged.push(Judged {
            check: report::Check {
                id: check.id.into(),
                category: check.category(),
                title: check.title.into(),
                status,
                reason,
                prerequisite,
                findings: Vec::new(),
                duration_ms: observed_ms(check.component, context),
            },
            findings: before..findings.len(),
        });
    }
    (judged, findings)
}

/// Fills the product's name into the finding's own words, and its profile into the command that explains it.
fn name_product(finding: &mut Finding, profile: &Profile) {
    for text in [&mut finding.title, &mut finding.message, &mut finding.remedy.text] {
        *text = diagnosis::filled(text, profile);
    }
    if let Some(docs) = finding.docs.as_mut().filter(|_| profile != &profile::MESHERY) {
        docs.push_str(&format!(" --profile {}", profile.name));
    }
}

/// How long it took to collect the facts that checks of a component need: the API server's responses, and for checks
/// about the broker's clients also the broker's.
fn observed_ms(component: Component, context: &RuleContext<'_>) -> u64 {
    let asks_broker = matches!(component, Component::Broker | Component::Meshsync);
    let counts = |name: &str| match (component, name) {
        (_, "total") => false,
        (Component::Cluster, name) => name == "version",
        (_, "broker") => asks_broker,
        _ => true,
    };
    let timings = context.facts.timings.iter();
    let counted = timings.filter(|(name, _)| counts(name));
    counted.map(|(_, ms)| *ms).max().unwrap_or(0)
}

/// Adds the IDs of the findings to the checks.
pub(super) fn number(judged: Vec<Judged>, findings: &[Finding]) -> Vec<report::Check> {
    judged
        .into_iter()
        .map(|mut judged| {
            judged.check.findings =
                findings[judged.findings.clone()].iter().map(|finding| finding.id.clone()).collect();
            judged.check
        })
        .collect()
}

fn worst(findings: &[Finding]) -> Status {
    let obstacle = |finding: &Finding| finding.kind == Kind::Obstacle;
    let severity = findings.iter().filter(|finding| !obstacle(finding)).map(|finding| finding.severity).min();
    match severity {
        Some(Severity::Error) => Status::Fail,
        _ if findings.iter().any(|finding| obstacle(finding) && finding.severity == Severity::Error) => Status::Unknown,
        Some(Severity::Warning) => Status::Warn,
        _ => Status::Pass,
    }
}

impl Check {
    /// The first prerequisite that did not pass.
    fn blocked_by(&self, statuses: &BTreeMap<&str, Status>) -> Option<&'static Check> {
        let blocks = |check: &&&'static Check| {
            matches!(statuses.get(check.id), Some(Status::Fail | Status::Unknown | Status::Skip))
        };
        self.after.iter().find(blocks).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_dependency_blocks_a_check_of_any_list() {
        // Neither check is in the list of cluster checks.
        static FIRST: Check = Check {
            id: "first",
            component: Component::Cluster,
            title: "the first is true",
            finds: &[],
            after: &[],
            judge: |_| Outcome::pass(),
        };
        static SECOND: Check = Check { id: "second", after: &[&FIRST], ..FIRST };
        let blocker = |status| {
            let statuses = BTreeMap::from([("first", status)]);
            SECOND.blocked_by(&statuses).map(|check| check.id)
        };
        for status in [Status::Fail, Status::Unknown, Status::Skip] {
            assert_eq!(blocker(status), Some("first"), "{status:?}");
        }
        assert_eq!(blocker(Status::Pass), None);
        assert_eq!(blocker(Status::Warn), None);
    }
}
