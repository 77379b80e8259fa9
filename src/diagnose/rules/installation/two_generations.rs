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
    cure: Cure::Except("while other clients than MeshSync use the old broker"),
    profiles: profile::WITH_CURRENT_LINE,
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
    let servers = old_servers(context, old);
    let no_token = servers.iter().any(|server| !server.varz.auth_required);
    let clients = clients(context, old, &servers);
    // A redeploy connects MeshSync to the current broker.
    let moves = |name: &String| name == profile.meshsync.client;
    let unused = clients.as_ref().is_some_and(|names| names.iter().all(moves));
    // The clients of each broker server are in the status.
    let look = context.meshdoctor(Effect::Read, "status");
    let redeploy = context.redeploy(None);
    let draft = DIAGNOSIS
        .finding()
        .title(format!("The old broker {old} runs next to the new {current}"))
        .message(
            "An in-place upgrade leaves the old broker behind. Clients that still use it are cut off from the new \
             one.",
        )
        .object(context.object("StatefulSet", old))
        .evidence(format!("StatefulSets {old} and {current} both exist"))
        .evidence(match &clients {
            None => format!("the clients of {old} are unknown"),
            Some(names) if names.is_empty() => format!("no client is connected to {old}"),
            Some(names) => format!("connected to {old}: {}", names.join(", ")),
        })
        .evidences(
            exposed.map(|(_, kind)| format!("Service {old} is of type {kind}: it is exposed outside the cluster")),
        )
        .evidences(no_token.then(|| format!("the server of {old} requires no token")))
        .remedy(if unused {
            format!(
                "redeploy, which connects MeshSync to {current} and deletes {old}; before you delete it by hand, \
                 check again that it has no clients, and keep ConfigMap meshery-nats-config: the new broker uses it"
            )
        } else {
            format!(
                "check which clients {old} has and connect them to {current}, then redeploy, which deletes it; if you \
                 delete by hand, keep ConfigMap meshery-nats-config: the new broker uses it"
            )
        });
    let draft = if unused { draft.fix(redeploy).command(look) } else { draft.command(look).command(redeploy) };
    draft.command(context.kubectl().delete(format!("statefulset/{old} service/{old}"))).found()
}

/// The queried servers of the old broker.
fn old_servers<'a>(context: &RuleContext<'a>, old: &str) -> Vec<&'a BrokerServer> {
    let servers = context.facts.broker.servers.iter();
    servers.filter(|server| context.pod_of(server).is_some_and(|pod| rollout::is_pod_of(pod, old))).collect()
}

/// The names of the old broker's clients; `None` if not every server has listed all of them.
fn clients(context: &RuleContext<'_>, old: &str, servers: &[&BrokerServer]) -> Option<Vec<String>> {
    let pods = context.broker_pods.iter().filter(|pod| rollout::is_pod_of(stack::name(&pod.metadata), old)).count();
    if pods != servers.len() || servers.iter().any(|server| !server.complete) {
        return None;
    }
    let connections: Option<Vec<_>> = servers.iter().map(|server| server.connections.known()).collect();
    let names = connections?.into_iter().flatten().map(|client| match client.name.as_str() {
        "" => format!("an unnamed client from {}", client.ip),
        name => name.to_owned(),
    });
    Some(names.collect())
}
