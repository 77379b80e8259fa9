//! The rules of a preflight: may this cluster, and this user, take the stack? One file for each question.

mod network;
mod objects;
mod pods;
mod rights;
mod room;

pub(in crate::diagnose) use self::{
    objects::stays,
    rights::{missing, open},
};
use super::{Outcome, Patient, Rule, States};
use crate::facts::Preflight;

/// The rules of a check that a preflight asks as well: what an earlier installation has left, and what is going away.
const SHARED: &[&str] = &[
    "api-reachable",
    "version-supported",
    "namespace-stays",
    "crds-usable",
    "no-former-group",
    "conversion-works",
    "no-orphans",
    "no-leftovers",
    "no-foreign-owner",
    "helm-release",
    "resources-deletable",
];

/// Codes of theirs that do not stand in the way: the stack can be installed all the same.
pub(in crate::diagnose) const NO_BAR: &[&str] = &["orphaned-workloads", "helm-release-stuck"];

/// The rules that are a preflight's own.
pub(super) fn own() -> impl Iterator<Item = &'static Rule> {
    [
        rights::RULES,
        room::RULES,
        objects::RULES,
        pods::RULES,
        network::RULES,
    ]
    .into_iter()
    .flatten()
}

/// All of them, by category.
pub(super) fn all() -> Vec<&'static Rule> {
    let mut rules: Vec<&Rule> = super::all()
        .filter(|rule| SHARED.contains(&rule.id))
        .chain(own())
        .collect();
    // What is here now comes before what is left of it.
    rules.sort_by_key(|rule| (rule.category, rule.id != objects::FIRST));
    rules
}

/// What was seen, for rules that are judged only where it was.
fn seen<'a>(patient: &Patient<'a>) -> &'a Preflight {
    static NOTHING: Preflight = Preflight {
        user: crate::stack::base::seen::Seen::NotLooked,
        objects: Vec::new(),
        pods: Vec::new(),
        nodes: crate::stack::base::seen::Seen::NotLooked,
    };
    patient.facts.preflight.as_ref().unwrap_or(&NOTHING)
}

/// `1 object`, `3 objects`.
fn counted(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}
