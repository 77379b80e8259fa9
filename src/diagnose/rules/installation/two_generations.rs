use crate::diagnose::rules::{broker::addresses::exposed, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "two-generations",
    title: "The broker of the old operator line runs next to the new one",
    explains: &[
        "broker-unauthenticated",
        "broker-external-pending",
        "broker-unreachable",
        "meshsync-unschedulable",
        "meshsync-not-ready",
    ],
    explanation: include_str!("two_generations.md"),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "one-generation",
    title: "only one generation of the broker is running",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let (Some(current), Seen::Known(sets)) = (profile.broker.current, &context.statefulsets) else {
        context.statefulsets.settled()?;
        return Outcome::pass();
    };
    let old = profile.broker.old;
    let has = |name: &str| sets.iter().any(|set| stack::name(&set.metadata) == name);
    if !(has(current) && has(old)) {
        return Outcome::pass();
    }
    let exposed = exposed(context).find(|(service, _)| *service == old);
    let mut servers = context.facts.broker.servers.iter();
    let no_token = servers
        .any(|server| context.pod_of(server).is_some_and(|pod| pod.starts_with(old)) && !server.varz.auth_required);
    DIAGNOSIS
        .finding()
        .title(format!("The old broker {old} runs next to the new {current}"))
        .message(
            "An in-place upgrade leaves the old broker behind. Clients that still use it are cut off from the new \
             one.",
        )
        .object(context.object("StatefulSet", old))
        .evidence(format!("StatefulSets {old} and {current} both exist"))
        .evidences(
            exposed.map(|(_, kind)| format!("Service {old} is of type {kind}: it is exposed outside the cluster")),
        )
        .evidences(no_token.then(|| format!("the server of {old} requires no token")))
        .remedy(format!(
            "check that nothing uses {old}, then redeploy, which deletes it; if you delete by hand, keep ConfigMap \
             meshery-nats-config: the new broker uses it"
        ))
        .command(context.redeploy(None))
        .command(context.kubectl().delete(format!("statefulset/{old} service/{old}")))
        .found()
}
