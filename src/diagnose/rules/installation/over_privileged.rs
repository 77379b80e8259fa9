use crate::{
    diagnose::{rules::prelude::*, stack_view::Line},
    facts::permissions,
    stack::base::permission::Permission,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "over-privileged",
    title: "The stack's ServiceAccount can do everything",
    explanation: include_str!("over_privileged.md"),
    cure: Cure::Except("where the operator needs these permissions"),
    exposes: true,
    ..Diagnosis::warning(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "least-privilege",
    title: "the stack's ServiceAccount cannot change everything",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let account = stack::meshsync_service_account(facts);
    let everything = Permission::to("delete", "*", "*");
    let may_do_everything = *permissions::may(facts, &account, &everything).known_or_unknown()?;
    if !may_do_everything {
        return Outcome::pass();
    }
    let namespace = &facts.target.namespace;
    let bindings = facts.rbac.cluster_role_bindings.items().iter();
    let bindings: Vec<&str> = bindings
        .filter(|binding| {
            permissions::names(binding.subjects.as_deref(), namespace, &account)
                && permissions::grants(facts, binding, &everything) != Some(false)
        })
        .filter_map(|binding| binding.metadata.name.as_deref())
        .collect();
    let suspect = facts.profile.operator.cluster_role_bindings.first().filter(|name| bindings.contains(name));
    let draft = DIAGNOSIS
        .finding()
        .title(format!("ServiceAccount {account} can change everything in the cluster"))
        .message("Anyone who compromises a pod of the operator or of MeshSync controls the cluster.")
        .object(context.object("ServiceAccount", &account))
        .evidence(format!("ServiceAccount {namespace}/{account} can delete every resource of every group"))
        .evidences((!bindings.is_empty()).then(|| format!("bound by: {}", bindings.join(", "))));
    match facts.profile.images.operator_release {
        // With the roles of its own manifests, the old operator needs these permissions.
        Some(release) if context.line == Some(Line::Old) => {
            return draft.remedy(format!("upgrade the operator to {release}, which needs fewer permissions")).found();
        }
        Some(_) => {}
        None => {
            return draft
                .remedy(
                    "redeploy first, which gives the account narrower roles, then delete the binding; MeshSync then no \
                     longer reads the kinds of other CRDs, except with --watch-everything",
                )
                .command(context.redeploy(None))
                .commands(suspect.map(|name| context.kubectl_cluster().delete(format!("clusterrolebinding {name}"))))
                .found();
        }
    }
    let draft = draft.remedy(
        "grant MeshSync read-only access first, then delete the binding of the old operator line; without the reader \
         role, MeshSync sees nothing",
    );
    // A redeploy also adds the reader role and deletes the binding.
    let draft = match suspect.filter(|_| context.line == Some(Line::Current)) {
        Some(_) => draft.fix(context.redeploy(None)),
        None => draft,
    };
    draft
        .command(reader_role(context))
        .command(reader_binding(context, &account))
        .commands(suspect.map(|name| context.kubectl_cluster().delete(format!("clusterrolebinding {name}"))))
        .found()
}

/// The command that creates a role with read access to everything.
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
