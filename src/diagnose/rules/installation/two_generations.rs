use crate::diagnose::rules::{broker::addresses::exposed, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "two-generations",
    title: "The broker of the old operator line runs beside the new one",
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

pub(crate) static CHECK: Check =
    Check { id: "one-generation", title: "only one generation of the broker runs", ..Check::of(&[&DIAGNOSIS], judge) };

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
        .title(format!("The old broker {old} runs beside the new {current}"))
        .message("An upgrade in place leaves the old broker behind. Whoever still uses it speaks past the new one.")
        .object(context.object("StatefulSet", old))
        .evidence(format!("StatefulSets {old} and {current} are both there"))
        .evidences(exposed.map(|(_, kind)| format!("Service {old} is of type {kind}: it is open to the outside")))
        .evidences(no_token.then(|| format!("the server of {old} asks for no token")))
        .remedy(format!(
                "see that nothing uses {old} any more, then remove it; the ConfigMap meshery-nats-config is the new one's as well and stays"
            ))
            .command(context.kubectl().delete(format!("statefulset/{old} service/{old}")))
            .found()
}
