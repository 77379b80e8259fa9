use crate::{
    diagnose::rules::{meshsync::flow::tested, prelude::*},
    facts::permissions,
    stack::base::permission::Permission,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-wrong-cluster-id",
    title: "Events have another cluster's ID, or none",
    explanation: include_str!("flow_wrong_cluster_id.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "flow-cluster-id",
    title: "events have this cluster's ID",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], judge)
};

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    let named: Vec<&str> = flow.changes.iter().filter_map(|change| change.cluster_id.as_deref()).collect();
    let Some(first) = named.first() else {
        return Outcome::skip("no event of the test arrived");
    };
    let Some(ours) = context.facts.cluster_id.known() else {
        let why = context.facts.cluster_id.why_unsettled();
        return Outcome::unknown(why.unwrap_or_else(|| "this cluster's ID is unknown".into()));
    };
    let Some(wrong) = named.iter().find(|id| *id != ours) else {
        return Outcome::pass_with(*first);
    };
    let title = if wrong.is_empty() { "Events have no cluster ID" } else { "Events have another cluster's ID" };
    let draft = DIAGNOSIS
        .finding()
        .title(title)
        .evidence(format!("namespace kube-system has the UID {ours}"))
        .evidence(format!("the messages have cluster_id \"{wrong}\""));
    if wrong.is_empty() {
        return no_id(context, draft).found();
    }
    draft
        .message("The server assigns these objects to another cluster, or drops them.")
        .remedy(
            "check which cluster's credentials MeshSync uses, then restart it: it reads the ID from kube-system once, \
             at startup",
        )
        .command(context.kubectl().inspect(format!("get deployment/{} -o yaml", context.meshsync_name())))
        .command(context.restart(Component::Meshsync))
        .found()
}

/// Events without a cluster ID: `MeshSync` cannot read the ID, or could not at startup.
fn no_id(context: &RuleContext<'_>, draft: Draft) -> Draft {
    let account = stack::meshsync_service_account(context.facts);
    let permission = Permission::to("get", "", "namespaces").named("kube-system");
    let (fails, remedy) = match permissions::may(context.facts, &account, &permission) {
        Seen::Known(false) => (
            "cannot read the namespace kube-system, whose UID is the cluster's ID",
            "grant the permission, then restart MeshSync, which reads the ID once, at startup",
        ),
        Seen::Known(true) => (
            "could not read the namespace kube-system, whose UID is the cluster's ID, at startup, but it can now",
            "restart MeshSync, which reads the ID once, at startup",
        ),
        _ => (
            "could not read the namespace kube-system, whose UID is the cluster's ID, at startup",
            "grant MeshSync read access, then restart it: it reads the ID once, at startup",
        ),
    };
    draft
        .message(format!("MeshSync {fails}. The server cannot tell which cluster these objects belong to."))
        .remedy(remedy)
        .command(context.redeploy(Some("meshsync")))
        .command(context.restart(Component::Meshsync))
}
