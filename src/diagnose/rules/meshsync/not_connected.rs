use crate::{
    diagnose::{
        rules::{
            broker::{network_policy_blocks, no_endpoints, requires_tls::demands_tls},
            meshsync::{
                reconnecting::{Why, at, broker_restarted, gave_up, last_closed, not_yet},
                stale_env,
                target::{self, Target},
                version_bug,
            },
            prelude::*,
        },
        stack_view::Line,
    },
    facts::{
        Handshake,
        destination::{self, Place},
    },
    stack::{component::Component::Meshsync, signatures::Signature},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-not-connected",
    title: "MeshSync is running but not connected to the broker",
    explains: &["meshsync-silent", "flow-nothing-seen", "database-empty", "database-stale"],
    explanation: include_str!("not_connected.md"),
    cure: Cure::Except("where MeshSync cannot parse its address and no operator would write another one"),
    ..Diagnosis::fault(Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-connected",
    title: "MeshSync is connected to the broker",
    ..Check::of(&[&DIAGNOSIS], connected)
};

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
    let has_current_line = context.facts.profile.has_current_line();
    let always = if has_current_line {
        "MeshSync's pod may still be Ready: after two minutes without the broker it gives up permanently and needs a \
         restart."
    } else {
        "MeshSync's pod is Ready all the same."
    };
    let container = context.facts.profile.meshsync.container;
    let words = log_excerpt::of_pods(context.facts, Meshsync, &context.meshsync_pods, container);
    // A line from before the broker's start is about the server that ran before.
    let restarted = broker_restarted(context);
    let running = context.running_meshsync().map(|(_, since)| since);
    let is_current = |words: &&log_excerpt::LogExcerpt| {
        let gave_up = words.signature.is_some_and(Signature::is_final);
        let start = if gave_up { running } else { restarted };
        words.signature_at.is_none_or(|at| start.is_none_or(|start| at >= start))
    };
    let signature = words.as_ref().filter(is_current).and_then(|words| words.signature);
    // Its own log knows better than its age whether waiting helps.
    let why = why_not(context).filter(|why| !why.waits || signature.is_none());
    let waits = why.as_ref().is_some_and(|why| why.waits);
    let restart = why.as_ref().is_none_or(|why| why.restarts).then(|| context.restart(Meshsync));
    let message = match &why {
        Some(why) if waits => why.says.clone(),
        Some(why) => format!("{} {always}", why.says),
        None if signature.is_some_and(Signature::is_final) => {
            "It gave up after an outage of the broker of about two minutes. Its pod is Ready all the same, but nothing \
             reaches the broker."
                .to_owned()
        }
        None if !has_current_line => format!(
            "No change in the cluster reaches the broker. {always} At its start, it waits for the broker without any log \
             line. After an outage of two minutes, it gives up permanently and needs a restart."
        ),
        None => format!("No change in the cluster reaches the broker. {always}"),
    };
    let (remedy, commands) = match (why, signature) {
        (Some(why), _) => (why.remedy, why.commands),
        (None, Some(signature)) if signature.is_final() => (signature.remedy.to_owned(), Vec::new()),
        (None, Some(signature)) => (format!("{}: {}", signature.says, signature.remedy), Vec::new()),
        (None, None) if has_current_line => ("check its log for the reason, then restart it".into(), Vec::new()),
        (None, None) => (
            format!(
                "check that MeshSync's pod can reach the ports {} and {} of the broker, then restart MeshSync",
                context.facts.profile.broker.client_port, context.facts.profile.broker.monitor_port
            ),
            Vec::new(),
        ),
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
        .fixes(restart)
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
    Some(Why::new(
        says,
        if context.line == Some(Line::Old) {
            "correct the address as the other finding describes"
        } else {
            "correct the address as the other finding describes, then restart MeshSync to apply it"
        },
    ))
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
    let (says, remedy, commands) = if context.facts.profile.has_current_line() {
        (
            format!("Its version cannot parse an address with a scheme ({address}); 1.0.1 and later can."),
            "let the operator use its own MeshSync version, as the other finding describes",
            Vec::new(),
        )
    } else {
        let says = format!("It cannot read an address with a scheme ({address}), and waits without any log line.");
        match stale_env::recreate(context) {
            Some(recreate) => (
                says,
                "delete MeshSync's Deployment; the operator creates it again with an address that MeshSync can read",
                vec![Command { fix: true, ..recreate }],
            ),
            None => (
                says,
                "set the address without the scheme in MeshSync's Deployment, which the operator does not change",
                stale_env::set_address(context, &destination::plain(address)),
            ),
        }
    };
    // The new pod would have the same address.
    Some(Why { commands, restarts: false, ..Why::new(says, remedy) })
}
