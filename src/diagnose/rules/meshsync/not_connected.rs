use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::{
    diagnose::rules::{
        broker::{network_policy_blocks, no_endpoints, requires_tls::demands_tls},
        meshsync::{
            stale_env,
            target::{self, Target},
            version_bug,
        },
        prelude::*,
    },
    facts::{ClosedConnection, Handshake, destination::Place},
    stack::{base::words, component::Component::Meshsync},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-not-connected",
    title: "MeshSync is running but not connected to the broker",
    explains: &["meshsync-silent", "flow-nothing-seen"],
    explanation: include_str!("not_connected.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-connected",
    title: "MeshSync is connected to the broker",
    ..Check::of(&[&DIAGNOSIS], connected)
};

/// How long MeshSync tries to reconnect: 60 times, every 2 s.
const RETRIES: SignedDuration = SignedDuration::from_mins(2);

/// How long it searches for the broker after it starts, before it exits.
const START_UP: SignedDuration = SignedDuration::from_mins(5);

/// Why MeshSync is not connected.
struct Why {
    /// The reason, as a sentence.
    says: String,
    /// The remedy.
    remedy: String,
    /// Its commands, before the restart, which always applies.
    commands: Vec<Command>,
    /// Whether it may still connect on its own.
    waits: bool,
}

impl Why {
    fn new(says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { says: says.into(), remedy: remedy.into(), commands: Vec::new(), waits: false }
    }
}

fn connected(context: &RuleContext<'_>) -> Judgement {
    let runs = context.meshsync_runs();
    if runs == Some(false) {
        return Outcome::skip("no MeshSync pod is running");
    }
    if runs.is_none() && context.facts.pods.is_settled() && !context.broker_proves_meshsync() {
        known_unless(context.why_runs_unknown())?;
    }
    if let Some((server, client)) = context.clients.meshsync.first() {
        let name = server_name(context, server);
        let since = client.start.map(|start| format!(" since {start:.0}")).unwrap_or_default();
        return Outcome::pass_with(format!("to {name}{since}"));
    }
    let why = if runs.is_none() { context.facts.pods.why_unsettled() } else { context.unseen_clients() };
    known_unless(why)?;
    let always = "MeshSync's pod may still be Ready: after two minutes without the broker it gives up permanently and \
                  needs a restart.";
    let container = context.facts.profile.meshsync.container;
    let words = log_excerpt::of_pods(context.facts, Meshsync, &context.meshsync_pods, container);
    let signature = words.as_ref().and_then(|words| words.signature);
    // Its own log knows better than its age whether waiting helps.
    let why = why_not(context).filter(|why| !why.waits || signature.is_none());
    let waits = why.as_ref().is_some_and(|why| why.waits);
    let message = match &why {
        Some(why) if waits => why.says.clone(),
        Some(why) => format!("{} {always}", why.says),
        None => format!("No change in the cluster reaches the broker. {always}"),
    };
    let (remedy, commands) = match (why, signature) {
        (Some(why), _) => (why.remedy, why.commands),
        (None, Some(signature)) => (format!("{}: {}", signature.says, signature.remedy), Vec::new()),
        (None, None) => ("check its log for the reason, then restart it".into(), Vec::new()),
    };
    let finding = DIAGNOSIS.finding();
    let finding =
        if waits { finding.title("MeshSync is running but not connected to the broker yet") } else { finding };
    finding
        .message(message)
        .object(context.object("Deployment", context.meshsync_name()))
        .evidences(who_runs(context))
        .evidences(who_is_listed(context))
        .evidences(words.into_iter().flat_map(|words| words.evidence))
        .remedy(remedy)
        .commands(commands)
        .command(context.logs(Meshsync, 30))
        .fix(context.restart(Meshsync))
        .found()
}

fn who_runs(context: &RuleContext<'_>) -> impl Iterator<Item = String> {
    let container = context.facts.profile.meshsync.container;
    context.meshsync_pods.iter().filter_map(move |pod| {
        let since = stack::running_since(pod, container)?;
        Some(format!("pod {}: container {container} has been running since {since:.0}", stack::name(&pod.metadata)))
    })
}

fn who_is_listed(context: &RuleContext<'_>) -> Vec<String> {
    let listed: Vec<String> = context
        .target_servers()
        .map(|server| {
            let count = server.connections.items().len() as u64 + server.more;
            let name = server_name(context, server);
            match count {
                0 => format!("{name} lists no clients"),
                1 => format!("{name} lists one client, which is not this cluster's MeshSync"),
                n => format!("{name} lists {n} clients, none of them this cluster's MeshSync"),
            }
        })
        .collect();
    if listed.is_empty() {
        return vec!["no broker server is running that it could connect to".into()];
    }
    listed
}

/// The first reason that applies; each one hides those after it.
fn why_not(context: &RuleContext<'_>) -> Option<Why> {
    broker_down(context)
        .or_else(|| wrong_address(context))
        .or_else(|| blocked(context))
        .or_else(|| wrong_token(context))
        .or_else(|| encrypted(context))
        .or_else(|| unreadable(context))
        .or_else(|| not_yet(context))
        .or_else(|| gave_up(context))
}

fn broker_down(context: &RuleContext<'_>) -> Option<Why> {
    let remedy = "get the broker running first, then restart MeshSync";
    if let Some(to) = context.elsewhere() {
        let no_server = matches!(to.place, Place::Service(_)) && context.target_servers().next().is_none();
        return no_server.then(|| {
            Why::new(format!("No pod is running behind {}, where it is configured to publish.", to.shown()), remedy)
        });
    }
    if context.running_broker_pods().next().is_none() && context.target_servers().next().is_none() {
        return Some(Why::new("The broker is down: none of its pods is running.", remedy));
    }
    let service = no_endpoints::service_without_ready_pod(context)?;
    Some(Why::new(
        format!("The broker's Service {service} has no ready pod behind it."),
        "correct the broker's Service first, then restart MeshSync",
    ))
}

fn wrong_address(context: &RuleContext<'_>) -> Option<Why> {
    let (_, _, address) = stale_env::started_with(context)?;
    let says = match target::target(context, address) {
        Target::Former(_) => format!("It uses {address}, an old address of the broker."),
        Target::Wrong(_) => format!("It is configured to publish to {address}, which is not a broker."),
        Target::Right | Target::Unknown(_) => return None,
    };
    Some(Why::new(says, "correct the address as the other finding describes, then restart MeshSync to apply it"))
}

fn blocked(context: &RuleContext<'_>) -> Option<Why> {
    let what = network_policy_blocks::blocked(context)?;
    let mut why = Why::new(
        format!("A NetworkPolicy blocks it from {what}."),
        "allow the traffic as the other finding describes, then restart MeshSync",
    );
    why.commands.push(context.kubectl().inspect("get networkpolicies -o yaml"));
    Some(why)
}

fn wrong_token(context: &RuleContext<'_>) -> Option<Why> {
    let remedy = "restart MeshSync so that it reads the current token; restart the broker first if it uses another \
                  one";
    if let Some((pod, since, address)) = stale_env::started_with(context)
        && let Some((secret, created)) = stale_env::newer_secret(context, pod, since, address)
    {
        return Some(Why::new(
            format!(
                "Its token is older than Secret {secret}, which was created at {created:.0}, after MeshSync started."
            ),
            remedy,
        ));
    }
    let refused = context.target_servers().any(|server| matches!(server.handshake, Handshake::Refused { .. }));
    if refused {
        return Some(Why::new("The broker refuses the token from its Secret.", remedy));
    }
    let rejected = last_closed(context).filter(|closed| closed.reason.contains("Authentication"))?;
    Some(Why::new(format!("The broker refused its token{}.", at(rejected)), remedy))
}

fn encrypted(context: &RuleContext<'_>) -> Option<Why> {
    context.target_servers().any(demands_tls).then(|| {
        Why::new(
            "The broker requires TLS, but MeshSync's address is for a plain connection.",
            "configure the broker to accept plain connections, as the other finding describes, then restart MeshSync",
        )
    })
}

fn unreadable(context: &RuleContext<'_>) -> Option<Why> {
    let address = version_bug::unreadable_address(context)?;
    Some(Why::new(
        format!("Its version cannot parse an address with a scheme ({address}); 1.0.1 and later can."),
        "let the operator use its own MeshSync version, as the other finding describes",
    ))
}

/// Whether it may still connect on its own, and until when: it started moments ago, or it lost the broker moments ago.
fn not_yet(context: &RuleContext<'_>) -> Option<Why> {
    let now = context.clock();
    let ago = |time: Timestamp| words::age(now.duration_since(time));
    let container = context.facts.profile.meshsync.container;
    let started = context.meshsync_pods.iter().filter_map(|pod| stack::running_since(pod, container)).max()?;
    let closed = last_closed(context);
    let lost = closed.and_then(|closed| closed.stop);
    let broker = context.target_servers().filter_map(|server| server.varz.start).max();
    let back = broker.filter(|back| *back > started);
    let (says, until) = match (closed.zip(lost), back) {
        (Some((closed, lost)), _) => (
            format!(
                "It was connected until its connection ended{}, {} ago. It retries every two seconds for two minutes.",
                ended(closed),
                ago(lost)
            ),
            lost + RETRIES,
        ),
        (None, Some(back)) => (
            format!("The broker started {} ago. MeshSync retries every two seconds for two minutes.", ago(back)),
            back + RETRIES,
        ),
        (None, None) => (
            format!("It started {} ago. It tries to connect for five minutes, then exits.", ago(started)),
            started + START_UP,
        ),
    };
    if now >= until {
        return None;
    }
    let mut why = Why::new(says, format!("wait; if it is not connected by {until:.0}, check its log and restart it"));
    why.waits = true;
    Some(why)
}

/// Whether it was or could have been connected, and has not reconnected.
fn gave_up(context: &RuleContext<'_>) -> Option<Why> {
    let remedy = "restart MeshSync, which then republishes everything";
    if let Some(closed) = last_closed(context) {
        return Some(Why::new(
            format!("It was connected until its connection ended{}, and has not reconnected.", ended(closed)),
            remedy,
        ));
    }
    let (_, since) = context.running_meshsync()?;
    let start = context.target_servers().filter_map(|server| server.varz.start).min()?;
    // By then it was connected or had exited, and a client that still retries reconnects within seconds.
    let late = start > since + START_UP && context.facts.taken_at > start + RETRIES;
    late.then(|| {
        Why::new(
            format!(
                "The broker restarted at {start:.0}. MeshSync has been running since {since:.0} and has not \
                 reconnected: it gave up."
            ),
            remedy,
        )
    })
}

/// The last closed connection named like MeshSync that can belong to its current container. A pod's address identifies
/// it; behind a gateway the name is enough.
fn last_closed<'a>(context: &RuleContext<'a>) -> Option<&'a ClosedConnection> {
    let (pod, since) = context.running_meshsync()?;
    let address = stack::pod_ip(pod);
    context
        .target_servers()
        .flat_map(|server| server.closed.items())
        .filter(|closed| closed.start.is_some_and(|start| start >= since))
        .max_by_key(|closed| (Some(closed.ip.as_str()) == address, closed.stop))
}

fn at(closed: &ClosedConnection) -> String {
    closed.stop.map(|stop| format!(" at {stop:.0}")).unwrap_or_default()
}

/// When and why a connection ended.
fn ended(closed: &ClosedConnection) -> String {
    let reason = if closed.reason.is_empty() { String::new() } else { format!(" ({})", closed.reason) };
    format!("{}{reason}", at(closed))
}
