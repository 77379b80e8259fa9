//! The rules, one file for each part of the stack.

mod ad_hoc;
mod address;
mod broker;
mod cluster;
mod connection;
mod continuity;
mod dataflow;
mod environment;
mod flow;
mod ground;
mod installation;
mod intent;
mod leftovers;
mod manifest;
mod meshsync;
mod nats;
mod network;
mod operator;
mod owners;
pub(super) mod preflight;
mod references;
mod release;
mod resources;
mod running;
mod supply;
mod watch_list;
mod workload;

pub(super) use broker::{name_by_id, server_name};
pub(super) use dataflow::unheard;
pub(super) use nats::{ClientPort, client_port};
pub(super) use watch_list::OF_THE_LIST;

use super::{Outcome, Patient, states::States};
use crate::{facts::Facts, stack::component::Component};

/// One statement that should be true.
pub struct Rule {
    /// Its name, stable as the codes are.
    pub id: &'static str,
    /// The heading it stands under.
    pub category: Component,
    /// The statement.
    pub title: &'static str,
    /// The codes of what it can find.
    pub codes: &'static [&'static str],
    /// The observations that it reads, for the time they took.
    pub facts: &'static [&'static str],
    /// The rules that must not have failed for this one to be judged.
    pub after: &'static [&'static str],
    /// Judges it.
    pub(crate) judge: fn(&Patient<'_>, &States) -> Outcome,
}

/// The rules of a preflight, in the order in which checks are shown.
pub(super) fn of_preflight() -> Vec<&'static Rule> {
    preflight::all()
}

/// Every rule, of a check, a preflight or a test.
pub(super) fn every() -> impl Iterator<Item = &'static Rule> {
    all().chain(of_tests()).chain(preflight::own())
}

/// The rules that judge what a test measured.
fn of_tests() -> impl Iterator<Item = &'static Rule> {
    ad_hoc::RULES.iter().chain(dataflow::RULES)
}

/// The rules for these facts: those of a check, and where a test was made those that judge it.
pub(super) fn of(facts: &Facts) -> impl Iterator<Item = &'static Rule> {
    let test = facts.test.as_ref();
    let parts = test.is_some_and(|test| test.flow.is_none());
    let flow = test.is_some_and(|test| test.flow.is_some());
    let parts = ad_hoc::RULES.iter().filter(move |_| parts);
    let mut rules: Vec<_> = all()
        .chain(parts)
        .chain(dataflow::RULES.iter().filter(move |_| flow))
        .collect();
    // A heading stands once. What was there in its order stays so.
    let order: Vec<_> = rules.iter().map(|rule| rule.category).collect();
    rules.sort_by_key(|rule| order.iter().position(|category| *category == rule.category));
    rules.into_iter()
}

/// Every rule of a check, in the order in which checks are shown. A rule stands behind those that it builds on.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    [
        cluster::RULES,
        ground::RULES,
        installation::RULES,
        intent::RULES,
        leftovers::RULES,
        owners::RULES,
        operator::RULES,
        manifest::RULES,
        resources::RULES,
        references::RULES,
        broker::RULES,
        supply::RULES,
        nats::RULES,
        flow::RULES,
        address::RULES,
        network::RULES,
        meshsync::RULES,
        connection::RULES,
        environment::RULES,
        running::RULES,
        release::RULES,
        continuity::RULES,
        watch_list::RULES,
        workload::SERVER_RULES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue;

    #[test]
    fn every_rule_builds_on_earlier_ones_and_finds_codes_of_the_catalogue() {
        let mut earlier = BTreeSet::new();
        for rule in every() {
            for id in rule.after {
                assert!(
                    earlier.contains(id),
                    "{} builds on {id}, which is not before it",
                    rule.id
                );
            }
            for code in rule.codes {
                assert!(
                    catalogue::find(code).is_some(),
                    "{} finds the unknown {code}",
                    rule.id
                );
            }
            assert!(earlier.insert(rule.id), "{} is there twice", rule.id);
        }
    }

    #[test]
    fn every_code_of_the_catalogue_is_found_by_a_rule() {
        let found: BTreeSet<&str> = every().flat_map(|rule| rule.codes).copied().collect();
        for diagnosis in catalogue::all() {
            let code = diagnosis.code();
            assert!(found.contains(code.as_str()), "no rule finds {code}");
        }
    }
}
