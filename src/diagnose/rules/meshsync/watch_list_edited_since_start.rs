use k8s_openapi::jiff::Timestamp;

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-edited-since-start",
    title: "The watch-list was changed after MeshSync started",
    explains: &["meshsync-silent", "flow-event-missing", "flow-store-incomplete", "database-empty", "database-stale"],
    explanation: include_str!("watch_list_edited_since_start.md"),
    cure: Cure::Automatic,
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-in-force",
    title: "MeshSync was started after the last change of the watch-list",
    // An operator that upgrades the CR rewrites an absent list as an empty one, which changes nothing.
    after: &[&INSTALLED, &super::watch_list_invalid::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let meshsync = context.meshsync_object()?;
    // A CR that was created again is new to a MeshSync that has been running since before.
    let created = meshsync.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let is_older = |since: Timestamp| created.is_some_and(|created| created > since + CLOCK_SKEW);
    let is_older = context.running_meshsync().is_some_and(|(_, since)| is_older(since));
    // The generation counts the changes of a spec.
    if meshsync.metadata.generation == Some(1) && !is_older {
        return Outcome::pass_with("the list was never changed");
    }
    let profile = context.facts.profile;
    let Some((pod, since)) = context.running_meshsync() else {
        context.facts.pods.settled()?;
        return Outcome::skip("no MeshSync pod is running");
    };
    let Some((written, by)) = stack::watch_list_written(meshsync) else {
        return Outcome::skip("unknown when it was changed: the CR has no managed fields");
    };
    if written <= since + CLOCK_SKEW {
        return Outcome::pass();
    }
    let name = stack::name(&meshsync.metadata);
    DIAGNOSIS
        .finding()
        .message(
            "MeshSync reads its list only at startup, so it still uses the old one. A changed watch-list does not make \
             the operator restart it.",
        )
        .object(context.object("MeshSync", name))
        .evidence(format!("metadata.managedFields: {by} wrote spec.watch-list at {written:.0}"))
        .evidence(format!(
            "pod {}: container {} has been running since {since:.0}",
            stack::name(&pod.metadata),
            profile.meshsync.container
        ))
        .remedy("restart MeshSync")
        .fix(context.restart(Component::Meshsync))
        .found()
}
