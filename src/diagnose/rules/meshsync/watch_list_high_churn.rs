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
    title: "The watch-list contains kinds that change all the time",
    explanation: include_str!("watch_list_high_churn.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::info(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-churn",
    title: "the watch-list contains no unnecessarily busy kinds",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// Kinds that change whenever a pod starts, stops or fails a probe.
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
    // A user who selected only a few kinds wanted these; one who only removed some from the default list did not.
    let chosen = entries.len() * 2 <= profile.meshsync.default_watch_list.len();
    let draft = DIAGNOSIS
        .finding()
        .severity(if chosen { Severity::Warning } else { Severity::Info })
        .message(format!(
            "{} {} whenever a pod starts, stops or fails a probe, and each change is a message with the whole \
             object.{}",
            busy.join(" and "),
            if busy.len() == 1 { "changes" } else { "change" },
            if list.is_stock(profile) {
                " The default list contains them; on a large cluster, remove them."
            } else {
                ""
            }
        ))
        .evidence(format!("spec.watch-list.data.whitelist names {}", busy.join(" and ")))
        .remedy("if nobody needs them, remove them from the list and restart MeshSync, which reads it only at startup");
    Outcome::found(vec![with_restart(draft, context, meshsync)])
}
