use crate::{
    diagnose::{
        rules::{broker::unreachable, prelude::*, references::point_to},
        stack_view::Line,
    },
    facts::{
        FailureKind,
        destination::{self, ADDRESS, Destination, Place},
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-wrong-target",
    title: "MeshSync publishes to an address that is not a broker of this stack",
    explains: super::NOT_PUBLISHING,
    explanation: include_str!("wrong_target.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-elsewhere",
    title: "the broker at MeshSync's configured address responds",
    ..Check::of(&[&DIAGNOSIS, &unreachable::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let Some(to) = context.elsewhere() else {
        return Outcome::skip("MeshSync uses the broker of this stack");
    };
    let shown = to.shown();
    if let Place::Nowhere(why) = &to.place {
        return Outcome::skip(format!("{shown} is not a usable address: {why}"));
    }
    let Some(why) = context.unseen_clients() else {
        let servers: Vec<String> = context
            .target_servers()
            .map(|server| {
                let name = context.pod_of(server).unwrap_or(&shown);
                format!("{name} via {}, NATS {}", server.reached_by, server.varz.version)
            })
            .collect();
        return if servers.is_empty() {
            Outcome::skip(format!("no broker server is running behind {shown}"))
        } else {
            Outcome::pass_with(servers.join("; "))
        };
    };
    // Attempts that were only denied are reported with the other missing permissions.
    let failed = context
        .failed_attempts()
        .filter(|(attempt, kind, _)| context.is_foreign_attempt(attempt) && *kind != FailureKind::Denied)
        .min_by_key(|(_, kind, _)| *kind != FailureKind::Broker);
    match failed {
        None => Outcome::unknown(why),
        Some((_, FailureKind::Broker, message)) => Outcome::found(vec![no_nats(context, to, message)]),
        Some((attempt, _, message)) => Outcome::found(vec![unreachable::not_from_here(context, attempt, to, message)]),
    }
}

fn no_nats(context: &RuleContext<'_>, to: &Destination, failure: &str) -> Finding {
    let shown = to.shown();
    let monitor = context.facts.profile.broker.monitor_port;
    DIAGNOSIS
        .finding()
        .title(format!("The server at {shown} is not a broker"))
        .message(format!(
            "MeshSync checks the monitor on port {monitor} of that host before it connects, and stops there if it \
             does not respond."
        ))
        .object(context.object("Deployment", context.meshsync_name()))
        .evidence(context.destination_setting(to))
        .evidence(format!("{shown}, checked from here: {failure}"))
        .remedy(format!(
            "specify a NATS server whose client port and monitor port {monitor} are reachable from MeshSync's pod"
        ))
        .command(context.logs(Component::Meshsync, 30))
        .done()
}

pub(crate) fn wrong(context: &RuleContext<'_>, pod: &str, address: &str, why: Vec<String>) -> Finding {
    let draft = DIAGNOSIS
        .finding()
        .title(format!("MeshSync publishes to {}, which is not a broker", destination::plain(address)))
        .message("It is not connected to the broker of this stack. Its events are lost or reach another server.")
        .object(context.object("Pod", pod))
        .evidence(format!("pod {pod}: {ADDRESS} is {address}"))
        .evidences(why);
    let draft = match context.meshsyncs.items().first() {
        Some(meshsync) if context.line == Some(Line::Old) => {
            // This operator creates the Deployment, but never updates it.
            let broker = meshsync.spec.broker.clone().unwrap_or_default();
            let is_named = destination::custom_url(meshsync).is_none()
                && broker.native.is_some_and(|native| native.name == context.broker_name());
            draft
                .remedy(if is_named {
                    "delete MeshSync's Deployment; the operator creates it again with the current address"
                } else {
                    "point MeshSync to the broker of this cluster, then delete MeshSync's Deployment; the operator \
                     creates it again with the current address"
                })
                .commands((!is_named).then(|| point_to(context, meshsync, context.broker_name())))
                .command(context.kubectl().delete(format!("deployment {}", context.meshsync_name())))
        }
        Some(meshsync) => draft
            .remedy("point MeshSync to the broker of this cluster, and let the operator compute the address")
            .command(point_to(context, meshsync, context.broker_name())),
        None => draft.remedy("specify the host and port of a NATS server that MeshSync's pod can reach").command(
            context.kubectl().change(format!(
                "set env deployment/{} {ADDRESS}={}HOST:{}",
                context.meshsync_name(),
                if context.facts.profile.has_current_line() { "nats://" } else { "" },
                context.facts.profile.broker.client_port
            )),
        ),
    };
    draft.command(context.kubectl().inspect("get services")).done()
}
