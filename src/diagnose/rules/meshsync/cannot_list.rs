use crate::{
    diagnose::rules::{installation::over_privileged, prelude::*},
    facts::{permissions, watch_list::in_force},
    stack::{base::permission::Permission, watch_list},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-cannot-list",
    title: "MeshSync cannot list what it watches",
    explains: &[
        "meshsync-silent",
        "flow-nothing-seen",
        "flow-store-incomplete",
        "flow-wrong-cluster-id",
        "database-empty",
        "database-stale",
    ],
    explanation: include_str!("cannot_list.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-may-list",
    title: "MeshSync can list and watch its kinds",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let Some(list) = in_force(facts) else {
        context.meshsyncs.settled()?;
        return Outcome::skip("there is no MeshSync CR");
    };
    let account = stack::meshsync_service_account(facts);
    let resources = list.effective(facts.profile);
    let mut denied = Vec::new();
    let mut allowed = 0_usize;
    for entry in &resources {
        let Some((resource, group)) = watch_list::resource_and_group(entry) else {
            continue;
        };
        if *permissions::may_watch(facts, &account, group, resource).known_or_unknown()? {
            allowed += 1;
        } else {
            denied.push(resource);
        }
    }
    if resources.is_empty() {
        return Outcome::skip("the watch-list selects no kinds");
    }
    if denied.is_empty() {
        return Outcome::pass_with(format!("all {allowed} kinds"));
    }
    let namespace = &facts.target.namespace;
    let cluster_id = permissions::may(facts, &account, &Permission::to("get", "", "namespaces").named("kube-system"));
    let no_id = cluster_id == Seen::Known(false);
    DIAGNOSIS
        .finding()
        .title(format!("MeshSync can list {allowed} of the {} kinds it watches", allowed + denied.len()))
        .message(format!(
            "It runs as ServiceAccount {namespace}/{account}, which cannot list {}. {} {} sees only a small part \
             of this cluster or nothing.",
            shortened(&denied),
            if context.clients.meshsync.is_empty() { "Even if it is connected," } else { "It is connected, but" },
            facts.profile.product
        ))
        .object(context.object("ServiceAccount", &account))
        .evidence(format!("cannot list and watch: {}", denied.join(", ")))
        .evidences(no_id.then_some("it also cannot get the namespace kube-system, so its events have no cluster ID"))
        .remedy(
            "grant read-only access: redeploy MeshSync, or run the two kubectl commands; no restart needed, effective \
             within a minute",
        )
        .fix(context.redeploy(Some("meshsync")))
        .command(over_privileged::reader_role(context))
        .command(over_privileged::reader_binding(context, &account))
        .found()
}

/// The first words of a list, and the number of the others.
fn shortened(words: &[&str]) -> String {
    const SHOWN: usize = 3;
    if words.len() <= SHOWN + 1 {
        return words.join(", ");
    }
    format!("{} and {} more", words[..SHOWN].join(", "), words.len() - SHOWN)
}
