use crate::{
    diagnose::rules::{
        meshsync::watch_list::{whitelist, with_restart},
        prelude::*,
    },
    facts::watch_list::in_force,
    stack::watch_list::WatchList,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-high-churn",
    title: "The watch-list holds kinds that change all the time",
    explanation: include_str!("watch_list_high_churn.md"),
    ..Diagnosis::info(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-churn",
    title: "the watch-list is no more costly than need be",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// Kinds that change with every pod that comes, goes or fails a probe.
const BUSY: [&str; 2] = ["endpoints.v1.", "endpointslices.v1.discovery.k8s.io"];

fn judge(context: &RuleContext<'_>) -> Judgement {
    let list = in_force(context.facts).unwrap_or(WatchList::Empty);
    let (meshsync, entries) = whitelist(context, &list)?;
    let profile = context.facts.profile;
    let busy: Vec<&str> =
        list.watched(profile).map(|entry| entry.resource.as_str()).filter(|resource| BUSY.contains(resource)).collect();
    if busy.is_empty() {
        return Outcome::pass();
    }
    // Who chose a few kinds has chosen these; who only left some out of the stock list has not.
    let chosen = entries.len() * 2 <= profile.meshsync.default_watch_list.len();
    let draft = DIAGNOSIS.finding()
        .severity(if chosen { Severity::Warning } else { Severity::Info })
        .message(format!(
            "{} {} with every pod that comes, goes or fails a probe, and each change is a message with the whole object.{}",
            busy.join(" and "),
            if busy.len() == 1 { "changes" } else { "change" },
            if list.is_stock(profile) { " The stock list has them; on a large cluster they are worth leaving out." } else { "" }
        ))
        .evidence(format!("spec.watch-list.data.whitelist names {}", busy.join(" and ")))
        .remedy("if nobody looks at them, take them off the list and restart MeshSync, which reads it only when it starts");
    Outcome::found(vec![with_restart(draft, context, meshsync)])
}
