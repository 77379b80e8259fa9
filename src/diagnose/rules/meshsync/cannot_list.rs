use crate::{
    diagnose::rules::{installation::over_privileged, prelude::*},
    facts::{permissions, watch_list::in_force},
    stack::{base::permission::Permission, watch_list},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-cannot-list",
    title: "MeshSync may not list what it watches",
    explains: &["meshsync-silent", "flow-nothing-seen", "flow-store-incomplete", "flow-wrong-cluster-id"],
    explanation: include_str!("cannot_list.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-may-list",
    title: "MeshSync may list and watch what it is to watch",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let Some(list) = in_force(facts) else {
        context.meshsyncs.settled()?;
        return Outcome::skip("there is no MeshSync object");
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
        return Outcome::skip("it watches no kind with this list");
    }
    if denied.is_empty() {
        return Outcome::pass_with(format!("all {allowed} kinds"));
    }
    let namespace = &facts.target.namespace;
    let cluster_id = permissions::may(facts, &account, &Permission::to("get", "", "namespaces").named("kube-system"));
    let no_id = cluster_id == Seen::Known(false);
    DIAGNOSIS.finding()
        .title(format!("MeshSync may list {allowed} of the {} kinds it watches", allowed + denied.len()))
        .message(format!(
            "It runs as serviceaccount {namespace}/{account}, which may not list {}. It is connected and blind: {} sees almost nothing of this cluster.",
            shortened(&denied),
            facts.profile.product
        ))
        .object(context.object("ServiceAccount", &account))
        .evidence(format!("may not list and watch: {}", denied.join(", ")))
        .evidences(no_id.then_some("it may not get the namespace kube-system either, so what it publishes has no cluster id"))
        .remedy("give it a role that only reads, by the first command or by the other two; MeshSync picks it up within a minute, without a restart")
            .command(context.redeploy(Some("meshsync")))
            .command(over_privileged::reader_role(context))
            .command(over_privileged::reader_binding(context, &account))
            .found()
}

/// The first few words of a list, and how many more there are.
fn shortened(words: &[&str]) -> String {
    const SHOWN: usize = 3;
    if words.len() <= SHOWN + 1 {
        return words.join(", ");
    }
    format!("{} and {} more", words[..SHOWN].join(", "), words.len() - SHOWN)
}
