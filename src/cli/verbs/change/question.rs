//! The question before a change: what is changed, how many objects, and where.

use std::collections::BTreeSet;

use crate::{
    facts::{Target, redact},
    repair::plan::{Action, Plan, Step},
    stack::{base::words, object::Id},
};

/// The changes in the order in which the question names them.
const VERBS: [&str; 6] = ["create", "change", "recreate", "restart", "delete", "clear the finalizers of"];

/// The question for this plan. `restored_from` is the namespace whose custom resources are restored, if it is another one.
pub(super) fn of(plan: &Plan, restored_from: Option<&str>, target: &Target) -> String {
    let number = |verb: &str| {
        let ids: BTreeSet<&Id> =
            plan.steps.iter().filter(|step| verb_of(step) == Some(verb)).map(|step| &step.id).collect();
        ids.len()
    };
    let changes: Vec<(&str, usize)> =
        VERBS.iter().map(|verb| (*verb, number(verb))).filter(|(_, number)| *number > 0).collect();
    let last = changes.last().map_or(0, |(_, number)| *number);
    let changed: Vec<String> = changes.iter().map(|(verb, number)| format!("{verb} {number}")).collect();
    let changed = match changed.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "change 0".to_owned(),
    };
    let objects = if last == 1 { "object" } else { "objects" };
    let removes = changes.iter().all(|(verb, _)| VERBS[4..].contains(verb));
    let preposition = if removes { "from" } else { "in" };
    let objects = format!("{changed} {objects} {preposition} {}", place(target));
    let sentence = match (in_server(plan), changes.is_empty()) {
        (Some(in_server), true) => format!("{in_server}?"),
        (Some(in_server), false) => format!("{in_server}, and {objects}?"),
        (None, _) => format!("{objects}?"),
    };
    match restored_from {
        Some(other) => format!("Restore the custom resources of namespace \"{other}\": {sentence}"),
        None => {
            let mut letters = sentence.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

/// What is done in Meshery Server, and in which: `flush the data of connection prod in Meshery Server at https://…`.
fn in_server(plan: &Plan) -> Option<String> {
    let asked = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Server(operation) => operation.asked(),
        _ => None,
    });
    let mut phrases: Vec<String> = asked.collect();
    phrases.dedup();
    let what = words::list(&phrases);
    (!phrases.is_empty())
        .then(|| format!("{what} in {}", plan.server.as_ref().map_or("the server", |server| &server.name)))
}

fn verb_of(step: &Step) -> Option<&'static str> {
    Some(match step.action {
        Action::Create(_) => "create",
        Action::Apply { .. } | Action::Patch { .. } => "change",
        Action::Replace { .. } => "recreate",
        Action::Delete { .. } => "delete",
        Action::ClearFinalizers { .. } => "clear the finalizers of",
        Action::Restart => "restart",
        Action::Wait(_) | Action::Server(_) => return None,
    })
}

/// The cluster and the namespace: `context "prod" (https://…), namespace "meshery"`.
fn place(target: &Target) -> String {
    let server = target.server.as_deref().map(redact::without_user);
    let cluster = match (&target.context, server) {
        (Some(context), Some(server)) => format!("context \"{context}\" ({server})"),
        (Some(context), None) => format!("context \"{context}\""),
        (None, Some(server)) => format!("cluster {server}"),
        (None, None) => "this cluster".to_owned(),
    };
    format!("{cluster}, namespace \"{}\"", target.namespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{repair::plan::Until, stack::object};

    fn target() -> Target {
        Target {
            context: Some("prod".into()),
            server: Some("https://jane@api.example:6443".into()),
            namespace: "meshery".into(),
            ..Target::default()
        }
    }

    fn plan(actions: &[(&str, Action)]) -> Plan {
        let step = |(name, action): &(&str, Action)| {
            Step::new(Id::of(object::DEPLOYMENT, Some("meshery"), name), action.clone())
        };
        Plan { steps: actions.iter().map(step).collect(), ..Plan::default() }
    }

    #[test]
    fn question_counts_each_object_once_and_names_the_place() {
        let patch = Action::Patch { patch: json!({}), changes: Vec::new() };
        let plan = plan(&[
            ("a", Action::Create(json!({}))),
            ("b", Action::Create(json!({}))),
            ("c", patch.clone()),
            ("c", patch),
            ("c", Action::Wait(Until::RolledOut)),
        ]);
        let place = "in context \"prod\" (https://api.example:6443), namespace \"meshery\"?";
        let question = of(&plan, None, &target());
        assert_eq!(question, format!("Create 2 and change 1 object {place}"));
        let restored = of(&plan, Some("other"), &target());
        let expected =
            format!("Restore the custom resources of namespace \"other\": create 2 and change 1 object {place}");
        assert_eq!(restored, expected);
    }

    #[test]
    fn removal_is_asked_about_with_from() {
        let delete = || Action::Delete { uid: "u".into() };
        let clear = Action::ClearFinalizers { uid: "u".into(), finalizers: Vec::new() };
        let place = "from cluster https://api.example:6443, namespace \"meshery\"?";
        let target = Target { context: None, ..target() };
        let question = of(&plan(&[("a", delete()), ("b", delete())]), None, &target);
        assert_eq!(question, format!("Delete 2 objects {place}"));
        let question = of(&plan(&[("a", delete()), ("b", delete()), ("b", clear)]), None, &target);
        assert_eq!(question, format!("Delete 2 and clear the finalizers of 1 object {place}"));
    }
}
