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
    title: "The operator lacks permissions that its code needs",
    explains: &["operator-no-leader", "cr-not-observed", "cr-failed", "broker-no-workload", "meshsync-no-workload"],
    explanation: include_str!("role_incomplete.md"),
    cure: Cure::Automatic,
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-rights",
    title: "operator RBAC is complete",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if context.line != Some(Line::Current) {
        return Outcome::skip("the ServiceAccount of the old operator line can do everything");
    }
    let account = stack::operator_service_account(facts);
    let needed = permissions::operator_permissions(facts.profile, &facts.target.namespace);
    let mut missing = Vec::new();
    for permission in &needed {
        if !*permissions::operator_may(facts, &account, permission).known_or_unknown()? {
            missing.push(permission);
        }
    }
    if missing.is_empty() {
        return Outcome::pass_with(format!("all {} required permissions", needed.len()));
    }
    let namespace = &facts.target.namespace;
    // Grouped by resource, so that each one appears once.
    let mut verbs: BTreeMap<(bool, String), Vec<&str>> = BTreeMap::new();
    for permission in &missing {
        let mut resource = permission.resource.clone();
        if !permission.group.is_empty() {
            resource = format!("{resource}.{}", permission.group);
        }
        if let Some(subresource) = &permission.subresource {
            resource = format!("{resource}/{subresource}");
        }
        verbs.entry((permission.namespace.is_some(), resource)).or_default().push(&permission.verb);
    }
    let (all, lacking) = (needed.len(), missing.len());
    DIAGNOSIS
        .finding()
        .title(if lacking == all {
            format!("ServiceAccount {account} has none of the permissions that the operator needs")
        } else {
            format!("ServiceAccount {account} lacks {lacking} of the {all} permissions that the operator needs")
        })
        .message("The operator is running, but operations that need these permissions fail; only its log shows why.")
        .object(context.object("ServiceAccount", &account))
        .evidences(verbs.iter().map(|((within, resource), verbs)| {
            let place = if *within { format!("in namespace {namespace}") } else { "in the cluster".to_owned() };
            format!("cannot {} {resource} {place}", verbs.join(", "))
        }))
        .remedy("redeploy the operator; or apply the roles and bindings of the running version (with Helm: upgrade)")
        .fix(context.redeploy(Some("operator")))
        .found()
}
