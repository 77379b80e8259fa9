use crate::{
    diagnose::rules::{meshsync::flow::tested, prelude::*},
    facts::permissions,
    stack::base::permission::Permission,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-wrong-cluster-id",
    title: "Events name another cluster, or none",
    explanation: include_str!("flow_wrong_cluster_id.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check =
    Check { id: "flow-cluster-id", title: "events name this cluster", after: &[], ..Check::of(&[&DIAGNOSIS], judge) };

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    let named: Vec<&str> = flow.changes.iter().filter_map(|change| change.cluster_id.as_deref()).collect();
    let Some(first) = named.first() else {
        return Outcome::skip("no event of ours came");
    };
    let Some(ours) = context.facts.cluster_id.known() else {
        let why = context.facts.cluster_id.why_unsettled();
        return Outcome::unknown(why.unwrap_or_else(|| "this cluster's id is not known".into()));
    };
    let Some(wrong) = named.iter().find(|id| *id != ours) else {
        return Outcome::pass_with(*first);
    };
    let title = if wrong.is_empty() { "Events name no cluster" } else { "Events name another cluster" };
    let draft = DIAGNOSIS
        .finding()
        .title(title)
        .evidence(format!("the namespace kube-system has the UID {ours}"))
        .evidence(format!("the messages have cluster_id \"{wrong}\""));
    if wrong.is_empty() {
        return no_id(context, draft).found();
    }
    draft
                .message("A reader files what happens here under another cluster, or leaves it out.")
                .remedy("see which cluster's credentials that MeshSync was given: it takes the id from the namespace kube-system of the cluster that it reads, once, at its start")
                .command(context.kubectl().inspect(format!("get deployment/{} -o yaml", context.meshsync_name())))
                .command(context.restart(Component::Meshsync))
                .found()
}

/// Events name no cluster: `MeshSync` may not read the id, or could not when it started.
fn no_id(context: &RuleContext<'_>, draft: Draft) -> Draft {
    let account = stack::meshsync_service_account(context.facts);
    let right = Permission::to("get", "", "namespaces").named("kube-system");
    let (fails, remedy) = match permissions::may(context.facts, &account, &right) {
        Seen::Known(false) => (
            "may not read the namespace kube-system, whose UID is the cluster's id",
            "give it the right, then restart it: the id is read once, at its start",
        ),
        Seen::Known(true) => (
            "could not read the namespace kube-system, whose UID is the cluster's id, when it started; now it may",
            "restart it: the id is read once, at its start",
        ),
        _ => (
            "could not read the namespace kube-system, whose UID is the cluster's id, when it started",
            "see that it may read everything, then restart it: the id is read once, at its start",
        ),
    };
    draft
        .message(format!("MeshSync {fails}. A reader cannot tell whose objects these are."))
        .remedy(remedy)
        .command(context.redeploy(Some("meshsync")))
        .command(context.restart(Component::Meshsync))
}
