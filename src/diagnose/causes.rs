//! Causes: joins each finding with the findings that explain it, and ranks the root causes.

use std::collections::BTreeMap;

use super::codes;
use crate::{
    report::{Finding, ObjectRef, Severity},
    stack::component::Component,
};

/// Sets the ID of every finding: the code, followed by the cluster or the object if the code occurs more than once.
pub(super) fn name(findings: &mut [Finding]) {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings.iter() {
        *count.entry(finding.code.clone()).or_default() += 1;
    }
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        if count[&finding.code] > 1 {
            let of_object = |object: &ObjectRef| format!("{}/{}", object.kind.to_lowercase(), object.name);
            let of_cluster = finding.cluster.as_ref().map(|cluster| format!("cluster/{cluster}"));
            if let Some(part) = of_cluster.or_else(|| finding.object.as_ref().map(of_object)) {
                finding.id = format!("{}/{part}", finding.code);
            }
        }
        let uses = used.entry(finding.id.clone()).or_default();
        *uses += 1;
        if *uses > 1 {
            finding.id = format!("{}#{uses}", finding.id);
        }
    }
}

/// What a finding explains.
struct Cause {
    id: String,
    code: String,
    component: Component,
    severity: Severity,
    cluster: Option<String>,
    explains: Vec<String>,
    /// Whether it is about what the server does, and not about its pods.
    of_server: bool,
}

/// Whether two findings are about different clusters.
fn is_other(one: Option<&String>, other: Option<&String>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// Sets `causedBy`. A cause never comes after its consequence in the data path, except where the installation waits for a
/// component: a CRD that is being deleted waits for its custom resources.
pub(super) fn join(findings: &mut [Finding]) {
    let causes: Vec<Cause> = findings
        .iter()
        .map(|finding| {
            let known = codes::find(&finding.code);
            let always = known.iter().flat_map(|known| known.explains().collect::<Vec<_>>());
            Cause {
                id: finding.id.clone(),
                code: finding.code.clone(),
                component: finding.component,
                severity: finding.severity,
                cluster: finding.cluster.clone(),
                explains: always.chain(finding.explains.iter().cloned()).collect(),
                of_server: known.is_some_and(|known| known.diagnosis.component == Some(Component::Server)),
            }
        })
        .collect();
    for place in 0..findings.len() {
        let finding = &findings[place];
        let caused_by = causes
            .iter()
            .filter(|cause| {
                // Two pods that fail in the same way do not explain each other.
                cause.code != finding.code
                    && cause.explains.contains(&finding.code)
                    && can_cause(cause, finding.component)
                    // Information is never the root cause of a problem.
                    && (cause.severity < Severity::Info || finding.severity == Severity::Info)
                    && !is_other(cause.cluster.as_ref(), finding.cluster.as_ref())
                    // If two explain each other, one of them is the root cause.
                    && !is_caused_by(findings, &cause.id, &finding.id)
            })
            .map(|cause| cause.id.clone())
            .collect();
        findings[place].caused_by = caused_by;
    }
}

/// Whether a finding is caused by another one, directly or through others.
fn is_caused_by(findings: &[Finding], id: &str, cause: &str) -> bool {
    let finding = findings.iter().find(|finding| finding.id == id);
    finding.is_some_and(|finding| {
        finding.caused_by.iter().any(|direct| direct == cause || is_caused_by(findings, direct, cause))
    })
}

/// Whether a finding about one component can be the cause of one about another. The server deploys the operator and
/// connects to the broker, so it can be the cause of what is missing there.
fn can_cause(cause: &Cause, consequence: Component) -> bool {
    cause.of_server || cause.component <= consequence || consequence == Component::Installation
}

/// Marks the root causes and sorts the findings: root causes first, then by severity, faults before obstacles, errors that
/// stop the flow of events before those that only expose it, then by position in the data path. Returns the IDs of the
/// root causes.
pub(super) fn rank(findings: &mut [Finding]) -> Vec<String> {
    for finding in findings.iter_mut() {
        finding.root_cause = finding.caused_by.is_empty() && finding.severity < Severity::Info;
    }
    findings.sort_by_cached_key(|finding| {
        let is_error = finding.severity == Severity::Error;
        let only_exposes = is_error && codes::find(&finding.code).is_some_and(|known| known.diagnosis.exposes);
        (!finding.root_cause, finding.severity, finding.kind, only_exposes, finding.component)
    });
    findings.iter().filter(|finding| finding.root_cause).map(|finding| finding.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Draft;

    /// Findings with these codes, joined and ranked.
    fn ranked(codes: &[&str]) -> (Vec<String>, Vec<Finding>) {
        let finding = |code: &&str| Draft::new(codes::find(code).expect("a code")).done();
        let mut findings: Vec<Finding> = codes.iter().map(finding).collect();
        name(&mut findings);
        join(&mut findings);
        (rank(&mut findings), findings)
    }

    #[test]
    fn two_findings_that_explain_each_other_have_one_root_cause() {
        for codes in [["broker-crash-loop", "broker-no-workload"], ["broker-no-workload", "broker-crash-loop"]] {
            let (roots, findings) = ranked(&codes);
            assert_eq!(roots.len(), 1, "{findings:?}");
        }
    }

    #[test]
    fn finding_about_one_cluster_explains_nothing_about_another() {
        let finding =
            |code: &str, cluster: &str| Draft::new(codes::find(code).expect("a code")).cluster(cluster).done();
        for (cluster, expected) in [("a", 1), ("b", 2)] {
            let cause = finding("smh-certificate-not-issued", "a");
            let mut findings = vec![cause, finding("smh-cacerts-missing", cluster)];
            name(&mut findings);
            join(&mut findings);
            assert_eq!(rank(&mut findings).len(), expected, "{cluster}");
        }
    }

    #[test]
    fn two_findings_with_the_same_code_are_both_root_causes() {
        let (roots, _) = ranked(&["meshsync-crash-loop", "meshsync-crash-loop"]);
        assert_eq!(roots, ["meshsync-crash-loop", "meshsync-crash-loop#2"]);
    }

    #[test]
    fn error_that_stops_the_flow_of_events_comes_before_an_exposure() {
        let finding = |code: &str| Draft::new(codes::find(code).expect("a code")).severity(Severity::Error).done();
        let mut findings = vec![finding("broker-unauthenticated"), finding("watch-list-empty")];
        name(&mut findings);
        assert_eq!(rank(&mut findings), ["watch-list-empty", "broker-unauthenticated"]);
    }

    #[test]
    fn workload_that_does_not_run_is_no_cause_of_a_missing_resource() {
        let (roots, _) = ranked(&["operator-unschedulable", "meshsync-unschedulable", "cr-missing"]);
        assert!(roots.iter().any(|root| root == "cr-missing"), "{roots:?}");
    }

    #[test]
    fn server_is_a_cause_of_what_comes_before_it_and_its_pods_are_not() {
        let (roots, _) = ranked(&["broker-server-not-connected", "server-cannot-reach-cluster", "not-installed"]);
        assert_eq!(roots, ["server-cannot-reach-cluster"]);
        let (roots, _) = ranked(&["server-crash-loop", "broker-unreachable"]);
        assert_eq!(roots.len(), 2, "{roots:?}");
    }

    #[test]
    fn information_is_no_cause_of_a_problem() {
        let (roots, findings) = ranked(&["server-mode-embedded", "cr-missing"]);
        assert_eq!(roots, ["cr-missing"], "{findings:?}");
    }

    #[test]
    fn stuck_resource_is_the_cause_of_a_terminating_crd() {
        let (roots, findings) = ranked(&["crd-terminating", "operator-missing", "cr-stuck-terminating"]);
        assert_eq!(roots, ["cr-stuck-terminating"]);
        assert!(findings[1..].iter().all(|finding| finding.caused_by == roots), "{findings:?}");
    }
}
