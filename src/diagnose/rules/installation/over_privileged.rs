use crate::{diagnose::rules::prelude::*, facts::permissions, stack::base::permission::Permission};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "over-privileged",
    title: "The stack's ServiceAccount may do everything",
    explanation: include_str!("over_privileged.md"),
    ..Diagnosis::warning(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "least-privilege",
    title: "the stack's ServiceAccount may not change everything",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let account = stack::meshsync_service_account(facts);
    let everything = Permission::to("delete", "*", "*");
    match permissions::may(facts, &account, &everything) {
        Seen::Known(false) => Outcome::pass(),
        Seen::Known(true) => {
            let bindings: Vec<&str> = facts
                .rbac
                .cluster_role_bindings
                .items()
                .iter()
                .filter(|binding| {
                    permissions::names(binding.subjects.as_deref(), &facts.target.namespace, &account)
                        && permissions::grants(facts, binding, &everything) != Some(false)
                })
                .filter_map(|binding| binding.metadata.name.as_deref())
                .collect();
            let suspect = facts.profile.operator.cluster_role_bindings.first().copied().unwrap_or_default();
            let mut draft = DIAGNOSIS
                .finding()
                .title(format!("ServiceAccount {account} may change everything in the cluster"))
                .message("Whoever gets hold of a pod of the operator or of MeshSync owns the cluster.")
                .object(context.object("ServiceAccount", &account))
                .evidence(format!(
                    "serviceaccount {}/{account} may delete every resource of every group",
                    facts.target.namespace
                ));
            if !bindings.is_empty() {
                draft = draft.evidence(format!("bound by: {}", bindings.join(", ")));
            }
            draft = draft
                .remedy("give MeshSync a role that only reads, then remove the old line's binding: without the first, MeshSync would be blind")
                .command(reader_role(context))
                .command(reader_binding(context, &account));
            if bindings.contains(&suspect) {
                draft = draft.command(context.kubectl_cluster().delete(format!("clusterrolebinding {suspect}")));
            }
            draft.found()
        }
        other => Outcome::unknown(other.why_unsettled().unwrap_or_default()),
    }
}

/// The command that makes a role which reads everything.
pub(crate) fn reader_role(context: &RuleContext<'_>) -> Command {
    let name = context.facts.profile.meshsync_reader();
    context.kubectl_cluster().change(format!("create clusterrole {name} --verb=get,list,watch --resource='*.*'"))
}

/// The command that binds that role.
pub(crate) fn reader_binding(context: &RuleContext<'_>, account: &str) -> Command {
    let name = context.facts.profile.meshsync_reader();
    let namespace = &context.facts.target.namespace;
    context
        .kubectl_cluster()
        .change(format!("create clusterrolebinding {name} --clusterrole={name} --serviceaccount={namespace}:{account}"))
}
