use crate::diagnose::rules::{meshsync::flow::tested, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-store-incomplete",
    title: "MeshSync's store is missing kinds that it watches",
    explanation: include_str!("flow_store_incomplete.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "flow-store",
    title: "MeshSync's store contains every kind that exists in the cluster",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], judge)
};

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    if flow.store == Seen::NotLooked {
        return Outcome::skip("not requested (--store)");
    }
    let stored = flow.store.known_or_unknown()?;
    let counted = flow.served.iter().filter_map(|(resource, count)| Some((resource, *count.known()?)));
    let missing: Vec<String> = counted
        .filter(|(resource, count)| *count > 0 && stored.get(*resource).copied().unwrap_or(0) == 0)
        .map(|(resource, count)| format!("{resource}: none of {count}"))
        .collect();
    if missing.is_empty() {
        let all: u64 = stored.values().sum();
        return Outcome::pass_with(format!("{all} objects"));
    }
    DIAGNOSIS
        .finding()
        .title(format!("MeshSync's store is missing {} of the kinds that it watches", missing.len()))
        .message("MeshSync has never read these kinds, so it publishes nothing about them.")
        .evidences(missing)
        .remedy("check its log for kinds it cannot list, then grant permission or remove them from the watch-list")
        .command(context.logs(Component::Meshsync, None))
        .found()
}
