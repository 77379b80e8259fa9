use k8s_openapi::jiff::SignedDuration;

use crate::{
    diagnose::{
        rules::{
            meshsync::watch_list::version,
            prelude::*,
            server_commands::{ask, change},
        },
        stack_view::Line,
    },
    facts::destination::READS_SCHEMES,
    stack::watch_list,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "data-gap-since-reconnect",
    title: "MeshSync reconnected to the broker, and the changes in between are lost",
    explains: &["database-stale"],
    explanation: include_str!("data_gap_since_reconnect.md"),
    cure: Cure::Person("a restart publishes everything again, and you decide when"),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-unbroken",
    title: "MeshSync has been connected to the broker since it started",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// How long MeshSync searches for its broker after it starts; 1.0.1 and later then exit.
const START_UP: SignedDuration = SignedDuration::from_mins(5);

fn judge(context: &RuleContext<'_>) -> Judgement {
    let Some((server, client)) = context.clients.meshsync.first() else {
        known_unless(context.unseen_clients())?;
        return Outcome::skip("MeshSync is not connected");
    };
    let (Some((pod, since)), Some(now)) = (context.running_meshsync(), client.start) else {
        return Outcome::unknown("when MeshSync started or connected is unknown");
    };
    let name = stack::name(&pod.metadata);
    let broker = context.pod_of(server).unwrap_or("a broker server");
    let mut evidence = Vec::new();
    for earlier in server.closed.items() {
        let (Some(start), Some(stop)) = (earlier.start, earlier.stop) else {
            continue;
        };
        // Connections that ended before this container started belong to another container.
        if earlier.ip == client.ip && start + CLOCK_SKEW >= since && stop <= now {
            let reason = if earlier.reason.is_empty() { String::new() } else { format!(": {}", earlier.reason) };
            evidence.push(format!("{broker}: an earlier connection of MeshSync ended at {stop:.0}{reason}"));
        }
    }
    let release = watch_list::release(version(context));
    let gives_up = release.is_some_and(|release| release >= READS_SCHEMES);
    if evidence.is_empty() && !(gives_up && now > since + START_UP) {
        if server.closed == Seen::NotLooked {
            return Outcome::skip("the recording does not contain closed connections");
        }
        let open = server.closed.why_unsettled();
        known_unless(open.map(|why| format!("closed connections are unknown: {why}")))?;
        if let Some(start) = server.varz.start.filter(|start| *start > since + CLOCK_SKEW) {
            return Outcome::skip(format!(
                "{broker} started at {start:.0}, after MeshSync, and knows no earlier connections"
            ));
        }
        return Outcome::pass_with(format!("connected since {now:.0}"));
    }
    let is_old = context.line == Some(Line::Old);
    let draft = if is_old {
        DIAGNOSIS.finding().severity(Severity::Info).title("MeshSync reconnected to the broker").message(
            "It keeps what it publishes during an outage, up to 8 MB, and sends it after it has reconnected. More than \
             that is lost, and so is what it sends before the server has reconnected too.",
        )
    } else {
        DIAGNOSIS.finding().message(
            "Changes in the cluster during that time were never delivered, and nothing resends them: delivery is at \
             most once, and MeshSync does not list objects again after it reconnects.",
        )
    };
    draft
        .object(context.object("Pod", name))
        .evidences(evidence)
        .evidence(format!("{broker}: the current connection was opened at {now:.0}"))
        .evidence(format!(
            "pod {name}: container {} has been running since {since:.0}",
            context.facts.profile.meshsync.container
        ))
        .remedy(if is_old {
            "if objects differ in the server, which its status shows, restart MeshSync to resend all; objects deleted \
             meanwhile stay there until its data is flushed"
        } else {
            "restart MeshSync to resend all objects; those deleted meanwhile stay in the server, as its status shows, \
             until its data is flushed"
        })
        .command(context.restart(Component::Meshsync))
        .commands(context.server_session().is_ok().then(|| change(context, ServerChange::FlushData)))
        .command(ask(context, "server status"))
        .found()
}
