//! The steps of a test, in the order in which they ran.

use std::time::Duration;

use crate::{
    diagnose::{
        RuleContext,
        rules::{
            broker::{
                client_port::{ClientPort, client_port},
                servers::{name_by_id, server_name},
            },
            custom_resources,
        },
    },
    facts::{
        ApiTest, BrokerServer, Change, FailureKind, FlowTest, Handshake, HeldBack, MeshsyncTest, OperatorTest, Passive,
        ServerTest, Step, Subject, Test, TestStep,
        network::{NetworkTest, Outcome, Part},
        stack,
    },
    report::{Hop, Status, Timing},
    stack::{
        base::{seen::Seen, words::span},
        watch_list::EVENTS,
    },
};

/// The steps of a test of this subject.
pub(super) fn of(context: &RuleContext<'_>, test: &Test, subject: Subject) -> Vec<Hop> {
    if let Some(api) = &test.api {
        return self::api(context, api);
    }
    if let Some(obstacle) = &context.facts.obstacle {
        return vec![hop_named("reach", "API server reached", Status::Unknown, Some(obstacle.message.clone()), None)];
    }
    match subject {
        // The steps to the API server are above, and those to Meshery Server have a file of their own.
        Subject::Kubernetes | Subject::Server => Vec::new(),
        Subject::Operator => test.operator.as_ref().map(|test| operator(context, test)).unwrap_or_default(),
        Subject::Broker => broker(context, &test.servers),
        Subject::Meshsync => {
            let mut hops = vec![connection(context)];
            hops.extend(test.meshsync.iter().flat_map(meshsync));
            hops
        }
        Subject::Network => test.network.as_ref().map(network).unwrap_or_default(),
        Subject::Dataflow => test.flow.as_ref().map(|flow| dataflow(context, flow)).unwrap_or_default(),
    }
}

pub(super) fn hop(step: TestStep, status: Status, detail: Option<String>, timing: Option<Timing>) -> Hop {
    hop_named(step.id(), step.title(), status, detail, timing)
}

pub(super) fn hop_named(
    id: &'static str,
    title: &str,
    status: Status,
    detail: Option<String>,
    timing: Option<Timing>,
) -> Hop {
    Hop { id, server: None, title: title.into(), status, detail: detail.filter(|detail| !detail.is_empty()), timing }
}

/// A step that ran once.
pub(super) fn once(step: TestStep, result: &Step) -> Hop {
    let detail = Some(result.detail.clone()).filter(|detail| !detail.is_empty());
    let (detail, timing) = match &result.micros {
        Seen::Known(micros) => (detail, Timing::of([*micros])),
        Seen::Absent => (Some("does not exist".into()), None),
        Seen::NotLooked => (detail.or(Some("not tested".into())), None),
        Seen::Unreachable(why) => (Some(why.message.clone()), None),
        other @ Seen::Denied(_) => (other.why_unsettled(), None),
    };
    hop(step, step.status(result), detail, timing)
}

fn api(context: &RuleContext<'_>, api: &ApiTest) -> Vec<Hop> {
    let answered = api.requests.len() as u64;
    let all = answered + api.failed;
    let status = match api.failed {
        0 if answered > 0 => Status::Pass,
        0 => Status::Skip,
        _ if answered == 0 => Status::Fail,
        _ => Status::Warn,
    };
    let version = context.facts.version.known();
    let detail = match version {
        _ if api.failed > 0 => Some(format!("{} of {all} got no response", api.failed)),
        Some(version) => Some(format!("Kubernetes {}", version.git_version)),
        None => None,
    };
    vec![
        once(TestStep::Resolve, &api.resolve),
        once(TestStep::Connect, &api.connect),
        once(TestStep::Tls, &api.tls),
        once(TestStep::Authenticate, &api.authenticate),
        hop(TestStep::Request, status, detail, Timing::of(api.requests.iter().copied())),
    ]
}

fn operator(context: &RuleContext<'_>, operator: &OperatorTest) -> Vec<Hop> {
    let mut hops = vec![once(TestStep::Renewal, &operator.renewal)];
    for (kind, metadata, conditions) in custom_resources::all(context) {
        let wanted = metadata.generation.unwrap_or(0);
        let (status, detail) = match custom_resources::observed_generation(conditions) {
            Some(seen) if seen >= wanted => (Status::Pass, format!("generation {seen} of {wanted}")),
            Some(seen) => (Status::Fail, format!("generation {seen} of {wanted}")),
            None => (Status::Skip, "its status has no observed generation".into()),
        };
        let title = format!("{kind} {} reconciled", stack::name(metadata));
        hops.push(hop_named("reconcile", &title, status, Some(detail), None));
    }
    hops
}

fn broker(context: &RuleContext<'_>, tests: &[ServerTest]) -> Vec<Hop> {
    let broker = &context.facts.broker;
    let mut hops = Vec::new();
    for attempt in &broker.attempts {
        if let Some(failure) = &attempt.failure {
            let server = attempt.pod.clone().or_else(|| attempt.address.clone());
            let why = Some(failure.message.clone());
            let status = match failure.kind {
                FailureKind::Broker | FailureKind::ForeignServer => Status::Fail,
                FailureKind::Denied | FailureKind::RouteFailed => Status::Unknown,
            };
            hops.push(Hop { server, ..hop(TestStep::Reach, status, why, None) });
        }
    }
    for server in &broker.servers {
        let name = server_name(context, server).to_owned();
        let test = tests.iter().find(|test| test.server_id == server.varz.server_id);
        hops.extend(one_server(context, server, test).into_iter().map(|hop| Hop { server: Some(name.clone()), ..hop }));
    }
    if hops.is_empty() {
        let why = "there is no broker server".to_owned();
        hops.push(hop(TestStep::Reach, Status::Skip, Some(why), None));
    }
    hops
}

/// The status of a step that needs the client port.
fn of_port(port: &ClientPort<'_>) -> Status {
    match port {
        ClientPort::Unusable(_) => Status::Fail,
        ClientPort::Closing => Status::Warn,
        ClientPort::Speaks | ClientPort::Unknown(_) => Status::Unknown,
    }
}

fn one_server(context: &RuleContext<'_>, server: &BrokerServer, test: Option<&ServerTest>) -> Vec<Hop> {
    let mut hops = vec![hop(
        TestStep::Reach,
        Status::Pass,
        Some(format!("NATS {} via {}", server.varz.version, server.reached_by)),
        None,
    )];
    let (status, detail) = match &server.handshake {
        Handshake::Accepted { token: true } => (Status::Pass, "with the token".to_owned()),
        Handshake::Accepted { token: false } => (Status::Warn, "without a token".to_owned()),
        Handshake::Refused { message } => (Status::Fail, message.clone()),
        Handshake::Failed(failure) => (of_port(&client_port(context, server)), failure.message.clone()),
        Handshake::NotTried { why, .. } => (of_port(&client_port(context, server)), why.clone()),
        Handshake::NotLooked => (Status::Unknown, "not tested".to_owned()),
    };
    hops.push(hop(TestStep::Authorize, status, Some(detail), None));
    if let Some(test) = test {
        let failed = |done: &[u64]| match &test.failure {
            Some(why) if done.is_empty() => (Status::Fail, Some(why.clone())),
            Some(why) => (Status::Warn, Some(why.clone())),
            None => (Status::Pass, None),
        };
        let (status, detail) = failed(&test.round_trips);
        let timing = Timing::of(test.round_trips.iter().copied());
        hops.push(hop(TestStep::RoundTrip, status, detail, timing));
        let (status, detail) = failed(&test.loops);
        let timing = Timing::of(test.loops.iter().copied());
        hops.push(hop(TestStep::Loop, status, detail, timing));
    }
    hops.push(clients(server));
    hops
}

/// The maximum number of a server's clients to list.
const NAMES: usize = 20;

/// Who is connected to a server, with the number of subscriptions.
fn clients(server: &BrokerServer) -> Hop {
    let title = "list clients (monitor)";
    match &server.connections {
        Seen::Known(connections) => {
            let named = || connections.iter().filter(|client| !client.name.is_empty());
            let mut names: Vec<String> = named()
                .take(NAMES)
                .map(|client| format!("{} ({} subscriptions)", client.name, client.subscription_count))
                .collect();
            let nameless = connections.len() - named().count();
            let more = (named().count() - names.len()) as u64 + server.more;
            if nameless > 0 {
                names.push(format!("{nameless} without a name"));
            }
            if more > 0 {
                names.push(format!("{more} more"));
            }
            if !server.complete {
                names.push("incomplete: some pages are missing".to_owned());
            }
            let detail = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            hop_named("clients", title, Status::Pass, Some(detail), None)
        }
        other => hop_named("clients", title, Status::Unknown, other.why_unsettled(), None),
    }
}

fn subscribed(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} subscription{s}")
}

/// Whether `MeshSync` is connected to the broker, and its subscriptions.
fn connection(context: &RuleContext<'_>) -> Hop {
    match context.clients.meshsync.first() {
        Some((server, client)) => {
            let detail = format!(
                "on {}, {}: {}",
                server_name(context, server),
                subscribed(client.subscription_count),
                client.subscriptions.join(", ")
            );
            hop(TestStep::Connection, Status::Pass, Some(detail), None)
        }
        None if context.facts.broker.servers.is_empty() => {
            let why = "no broker server responded".to_owned();
            hop(TestStep::Connection, Status::Unknown, Some(why), None)
        }
        None => hop(TestStep::Connection, Status::Fail, None, None),
    }
}

fn meshsync(test: &MeshsyncTest) -> Vec<Hop> {
    vec![once(TestStep::Healthz, &test.healthz), once(TestStep::Readyz, &test.readyz), once(TestStep::Meta, &test.meta)]
}

fn network(test: &NetworkTest) -> Vec<Hop> {
    let place = match &test.node {
        Some(node) => format!("on node {node}, as MeshSync's pod"),
        None => "on any node, because MeshSync has no pod".to_owned(),
    };
    let mut detail = vec![format!("{place}, with ServiceAccount {}", test.service_account)];
    if !test.services.is_empty() {
        detail.push(format!("never ready, so that Service {} sends it nothing", test.services.join(", ")));
    }
    let (status, detail, timing) = match (&test.not_run, &test.ran.micros) {
        (Some(why), _) => (Status::Unknown, why.sentence(), None),
        (None, Seen::Known(micros)) => (Status::Pass, detail.join("; "), Timing::of([*micros])),
        (None, _) => (Status::Unknown, "not tested".into(), None),
    };
    let mut hops = vec![hop(TestStep::Pod, status, Some(detail), timing)];
    for endpoint in &test.endpoints {
        let server = endpoint.address.shown();
        hops.extend(endpoint.steps().into_iter().map(|(part, step)| {
            let timing = Timing::of((step.outcome != Outcome::Skipped).then_some(step.micros));
            let named = part.step();
            let title = match part {
                Part::Connect => format!("{} to port {}", named.title(), endpoint.address.port),
                Part::Monitor => format!("port {}: {}", endpoint.address.monitor_port, named.title()),
                _ => named.title().into(),
            };
            Hop {
                server: Some(server.clone()),
                ..hop_named(named.id(), &title, step.outcome.status(), Some(step.detail.clone()), timing)
            }
        }));
    }
    hops
}

fn dataflow(context: &RuleContext<'_>, flow: &FlowTest) -> Vec<Hop> {
    let mut hops: Vec<Hop> = flow
        .servers
        .iter()
        .map(|test| {
            let server = name_by_id(context, &test.server_id).map(str::to_owned);
            let timing = Timing::of(test.round_trips.iter().copied());
            Hop { server, ..hop(TestStep::RoundTrip, Status::Pass, None, timing) }
        })
        .collect();
    if let Some(passive) = &flow.passive {
        hops.push(passive_hop(flow, passive));
        return hops;
    }
    if let Some(held_back) = &flow.held_back {
        hops.push(held(held_back));
    }
    if flow.changes.is_empty() {
        return hops;
    }
    let times = |of: fn(&Change) -> Option<u64>| Timing::of(flow.changes.iter().filter_map(of));
    let all = flow.changes.len();
    let counted = |step, timing: Option<Timing>| {
        let came = timing.map_or(0, |timing| timing.count);
        let (status, detail) =
            if came == all as u64 { (Status::Pass, None) } else { (Status::Unknown, Some(format!("{came} of {all}"))) };
        hop(step, status, detail, timing)
    };
    hops.push(counted(TestStep::Acknowledged, times(|change| change.acknowledged)));
    hops.push(counted(TestStep::Watched, times(|change| change.watched)));
    for event in EVENTS {
        hops.extend(arrival(flow, event));
    }
    if flow.through_server {
        hops.extend(
            [(EVENTS[0], TestStep::Stored), (EVENTS[2], TestStep::Removed)]
                .map(|(event, step)| in_server(flow, event, step)),
        );
    }
    hops
}

/// Whether the server's data followed the changes of one type.
fn in_server(flow: &FlowTest, event: &str, step: TestStep) -> Hop {
    let of = || flow.changes.iter().filter(move |change| change.event == event);
    let timing = Timing::of(of().filter_map(|change| change.stored.known().copied()));
    let asked = of().filter(|change| !change.stored.is_not_looked()).count();
    let came = timing.map_or(0, |timing| timing.count);
    let unread = of().find_map(|change| change.stored.why_unsettled().filter(|_| !change.stored.is_not_looked()));
    let (status, detail) = if asked == 0 {
        (Status::Skip, Some("not tested, because a step before failed".to_owned()))
    } else if came == asked as u64 {
        (Status::Pass, None)
    } else if let Some(why) = unread {
        (Status::Unknown, Some(why))
    } else {
        (Status::Fail, Some(format!("{came} of {asked} within {}", span(Duration::from_micros(flow.wait)))))
    };
    hop(step, status, detail, timing)
}

/// How many events of one type were received.
fn arrival(flow: &FlowTest, event: &'static str) -> Option<Hop> {
    let of = || flow.changes.iter().filter(move |change| change.event == event);
    let all = of().count();
    if all == 0 {
        return None;
    }
    let timing = Timing::of(of().filter_map(|change| change.received));
    let came = of().filter(|change| change.received.is_some()).count();
    let (status, detail) = if !of().any(|change| change.expected) {
        let why = "not published, according to the watch-list".to_owned();
        (Status::Skip, Some(why))
    } else if came == all {
        (Status::Pass, None)
    } else {
        (Status::Fail, Some(format!("{came} of {all} received")))
    };
    Some(hop(TestStep::of_event(event), status, detail, timing))
}

fn passive_hop(flow: &FlowTest, passive: &Passive) -> Hop {
    let all: u64 = flow.events.values().map(crate::facts::EventCounts::all).sum();
    let window = span(Duration::from_micros(passive.window));
    let published = match (passive.before, passive.after) {
        // If the count fell, it belongs to another connection.
        (Some(before), Some(after)) if after >= before => {
            format!("; according to /connz, MeshSync published {} messages", after - before)
        }
        _ => String::new(),
    };
    let mut detail = format!("{all} in {window}, from {} resources{published}", flow.events.len());
    if flow.malformed > 0 {
        detail.push_str(&format!("; {} messages were not events", flow.malformed));
    }
    let status = if all > 0 { Status::Pass } else { Status::Unknown };
    hop(TestStep::Events, status, Some(detail), None)
}

fn held(held_back: &HeldBack) -> Hop {
    let (status, why) = match held_back {
        HeldBack::NoConnection(why)
        | HeldBack::NotWatched { why, .. }
        | HeldBack::CutShort(why)
        | HeldBack::NoServer(why) => (Status::Unknown, why.clone()),
        HeldBack::NoPublisher(why) => (Status::Fail, why.clone()),
        HeldBack::Refused(refusal) => (Status::Unknown, refusal.message.clone()),
    };
    hop_named("tried", "make a change", status, Some(why), None)
}
