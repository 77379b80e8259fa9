//! Causes: joins each finding with the findings that explain it, and ranks the root causes.

use std::collections::BTreeMap;

use super::codes;
use crate::report::{Finding, Severity};

/// Sets the ID of every finding: the code, followed by the object if the code occurs more than once.
pub(super) fn name(findings: &mut [Finding]) {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings.iter() {
        *count.entry(finding.code.clone()).or_default() += 1;
    }
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        if count[&finding.code] > 1
            && let Some(object) = &finding.object
        {
            finding.id = format!("{}/{}/{}", finding.code, object.kind.to_lowercase(), object.name);
        }
        let uses = used.entry(finding.id.clone()).or_default();
        *uses += 1;
        if *uses > 1 {
            finding.id = format!("{}#{uses}", finding.id);
        }
    }
}

/// Sets `causedBy`. A cause never comes after its consequence in the data path.
pub(super) fn join(findings: &mut [Finding]) {
    let causes: Vec<(String, crate::stack::component::Component, Vec<String>)> = findings
        .iter()
        .map(|finding| {
            let explained = codes::find(&finding.code).map(|known| known.explains().collect()).unwrap_or_default();
            (finding.id.clone(), finding.component, explained)
        })
        .collect();
    for finding in findings {
        finding.caused_by = causes
            .iter()
            .filter(|(id, component, explained)| {
                *id != finding.id && explained.contains(&finding.code) && *component <= finding.component
            })
            .map(|(id, _, _)| id.clone())
            .collect();
    }
}

/// Marks the root causes and sorts the findings: root causes first, then by severity, faults before obstacles, then by
/// position in the data path. Returns the IDs of the root causes.
pub(super) fn rank(findings: &mut [Finding]) -> Vec<String> {
    for finding in findings.iter_mut() {
        finding.root_cause = finding.caused_by.is_empty() && finding.severity < Severity::Info;
    }
    findings.sort_by_key(|finding| (!finding.root_cause, finding.severity, finding.kind, finding.component));
    findings.iter().filter(|finding| finding.root_cause).map(|finding| finding.id.clone()).collect()
}
