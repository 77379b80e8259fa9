use std::collections::BTreeMap;

use crate::{
    diagnose::{
        rules::{operator::missing, prelude::*},
        stack_view::Line,
    },
    facts::permissions,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-role-incomplete",
    title: "The operator may not do what its code does",
    explains: &["operator-no-leader", "cr-not-observed", "cr-failed", "broker-no-workload", "meshsync-no-workload"],
    explanation: include_str!("role_incomplete.md"),
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-rights",
    title: "the operator may do what its code does",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if context.line != Some(Line::Current) {
        return Outcome::skip("the old line's account may do everything");
    }
    let account = stack::operator_service_account(facts);
    let needed = permissions::operator_permissions(facts.profile, &facts.target.namespace);
    let mut missing = Vec::new();
    for right in &needed {
        if !*permissions::operator_may(facts, &account, right).known_or_unknown()? {
            missing.push(right);
        }
    }
    if missing.is_empty() {
        return Outcome::pass_with(format!("all {} rights that it needs", needed.len()));
    }
    let namespace = &facts.target.namespace;
    // Resources by the verbs that are missing on them, so that one role says the same of several.
    let mut verbs: BTreeMap<(bool, String), Vec<&str>> = BTreeMap::new();
    for right in &missing {
        let mut resource = right.resource.clone();
        if !right.group.is_empty() {
            resource = format!("{resource}.{}", right.group);
        }
        if let Some(subresource) = &right.subresource {
            resource = format!("{resource}/{subresource}");
        }
        verbs.entry((right.namespace.is_some(), resource)).or_default().push(&right.verb);
    }
    let mut resources: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for ((_, resource), verbs) in &verbs {
        resources.entry(verbs.clone()).or_default().push(resource);
    }
    let (all, lacking) = (needed.len(), missing.len());
    DIAGNOSIS
        .finding()
        .title(if lacking == all {
            format!("ServiceAccount {account} has none of the rights that the operator needs")
        } else {
            format!("ServiceAccount {account} lacks {lacking} of the {all} rights that the operator needs")
        })
        .message("The operator runs, and what takes these rights never happens; only its log says why.")
        .object(context.object("ServiceAccount", &account))
        .evidences(verbs.iter().map(|((within, resource), verbs)| {
            let place = if *within { format!("in namespace {namespace}") } else { "in the cluster".to_owned() };
            format!("may not {} {resource} {place}", verbs.join(", "))
        }))
        .remedy(
            "apply the roles and bindings of the version that runs, with Helm by an upgrade; or add what is missing",
        )
        .commands(resources.iter().enumerate().flat_map(|(number, (verbs, resources))| {
            let name = format!("{}-extra-{}", facts.profile.operator.deployment, number + 1);
            let (verbs, resources) = (verbs.join(","), resources.join(","));
            [
                format!("create clusterrole {name} --verb={verbs} --resource={resources}"),
                format!("create clusterrolebinding {name} --clusterrole={name} --serviceaccount={namespace}:{account}"),
            ]
            .map(|arguments| context.kubectl_cluster().change(arguments))
        }))
        .found()
}
