use crate::diagnose::rules::prelude::*;

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
        return match context.statefulsets.why_unsettled() {
            Some(why) => Outcome::unknown(why),
            None => Outcome::pass(),
        };
    };
    let old = profile.broker.old;
    let has = |name: &str| sets.iter().any(|set| stack::name(&set.metadata) == name);
    if !(has(current) && has(old)) {
        return Outcome::pass();
    }
    let exposed = stack::broker_services(context.facts)
        .into_iter()
        .find(|service| stack::name(&service.metadata) == old)
        .and_then(|service| service.spec.as_ref()?.type_.clone())
        .filter(|kind| kind != "ClusterIP");
    let no_token = context
        .facts
        .broker
        .servers
        .iter()
        .any(|server| context.pod_of(server).is_some_and(|pod| pod.starts_with(old)) && !server.varz.auth_required);
    let mut draft = DIAGNOSIS
        .finding()
        .title(format!("The old broker {old} runs beside the new {current}"))
        .message("An upgrade in place leaves the old broker behind. Whoever still uses it speaks past the new one.")
        .object(context.object("StatefulSet", old))
        .evidence(format!("StatefulSets {old} and {current} are both there"));
    if let Some(kind) = exposed {
        draft = draft.evidence(format!("Service {old} is of type {kind}: it is open to the outside"));
    }
    if no_token {
        draft = draft.evidence(format!("the server of {old} asks for no token"));
    }
    draft
            .remedy(format!(
                "see that nothing uses {old} any more, then remove it; the ConfigMap meshery-nats-config is the new one's as well and stays"
            ))
            .command(context.kubectl().delete(format!("statefulset/{old} service/{old}")))
            .found()
}
