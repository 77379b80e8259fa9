//! The steps of a test, in the order in which they were tried.

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
        ServerTest, Step, Subject, Test, stack,
    },
    report::{Hop, Status, Timing},
    stack::{base::seen::Seen, watch_list::EVENTS},
};

/// The steps of a test of this subject.
pub(super) fn of(context: &RuleContext<'_>, test: &Test, subject: Subject) -> Vec<Hop> {
    if let Some(api) = &test.api {
        return self::api(context, api);
    }
    if let Some(obstacle) = &context.facts.obstacle {
        return vec![hop("reach", "the API server is reached", Status::Unknown, Some(obstacle.message.clone()), None)];
    }
    match subject {
        Subject::Kubernetes => Vec::new(),
        Subject::Operator => test.operator.as_ref().map(|test| operator(context, test)).unwrap_or_default(),
        Subject::Broker => broker(context, &test.servers),
        Subject::Meshsync => {
            let mut hops = vec![connection(context)];
            hops.extend(test.meshsync.iter().flat_map(meshsync));
            hops
        }
        Subject::Dataflow => test.flow.as_ref().map(|flow| dataflow(context, flow)).unwrap_or_default(),
    }
}

fn hop(id: &'static str, title: &str, status: Status, detail: Option<String>, timing: Option<Timing>) -> Hop {
    Hop { id, server: None, title: title.into(), status, detail: detail.filter(|detail| !detail.is_empty()), timing }
}

/// A step that was tried once. `lacking` is what it means when it did not come to its end.
fn step(id: &'static str, title: &str, step: &Step, lacking: Status) -> Hop {
    let detail = Some(step.detail.clone());
    match &step.micros {
        Seen::Known(micros) => hop(id, title, Status::Pass, detail, Timing::of([*micros])),
        Seen::Absent => hop(id, title, Status::Skip, Some("there is none".into()), None),
        Seen::NotLooked => {
            let detail = detail.filter(|detail| !detail.is_empty());
            let why = detail.or(Some("not tried".into()));
            hop(id, title, Status::Skip, why, None)
        }
        Seen::Unreachable(why) => hop(id, title, lacking, Some(why.message.clone()), None),
        other @ Seen::Denied(_) => hop(id, title, Status::Unknown, other.why_unsettled(), None),
    }
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
        _ if api.failed > 0 => Some(format!("{} of {all} got no answer", api.failed)),
        Some(version) => Some(format!("Kubernetes {}", version.git_version)),
        None => None,
    };
    vec![
        step("resolve", "the name has an address", &api.resolve, Status::Fail),
        step("connect", "a connection is made", &api.connect, Status::Fail),
        step("tls", "TLS is agreed on", &api.tls, Status::Fail),
        step("authenticate", "the API server knows us", &api.authenticate, Status::Fail),
        hop("request", "a small request is answered", status, detail, Timing::of(api.requests.iter().copied())),
    ]
}

fn operator(context: &RuleContext<'_>, operator: &OperatorTest) -> Vec<Hop> {
    let mut hops = vec![step("renewal", "the Lease is renewed", &operator.renewal, Status::Fail)];
    for (kind, metadata, conditions) in custom_resources::all(context) {
        let wanted = metadata.generation.unwrap_or(0);
        let (status, detail) = match custom_resources::observed_generation(conditions) {
            Some(seen) if seen >= wanted => (Status::Pass, format!("generation {seen} of {wanted}")),
            Some(seen) => (Status::Fail, format!("generation {seen} of {wanted}")),
            None => (Status::Skip, "its status speaks of no generation".into()),
        };
        let title = format!("{kind} {} was acted on", stack::name(metadata));
        hops.push(hop("reconcile", &title, status, Some(detail), None));
    }
    hops
}

fn broker(context: &RuleContext<'_>, tests: &[ServerTest]) -> Vec<Hop> {
    let broker = &context.facts.broker;
    let mut hops = Vec::new();
    for attempt in &broker.attempts {
        if let Some(failure) = &attempt.failure {
            let server = attempt.pod.clone().or_else(|| attempt.address.clone());
            let title = "the server is reached";
            let why = Some(failure.message.clone());
            let status = match failure.kind {
                FailureKind::Broker | FailureKind::ForeignServer => Status::Fail,
                FailureKind::Denied | FailureKind::RouteFailed => Status::Unknown,
            };
            hops.push(Hop { server, ..hop("reach", title, status, why, None) });
        }
    }
    for server in &broker.servers {
        let name = server_name(context, server).to_owned();
        let test = tests.iter().find(|test| test.server_id == server.varz.server_id);
        hops.extend(one_server(context, server, test).into_iter().map(|hop| Hop { server: Some(name.clone()), ..hop }));
    }
    if hops.is_empty() {
        let why = "there is no broker server to be reached".to_owned();
        hops.push(hop("reach", "a server is reached", Status::Skip, Some(why), None));
    }
    hops
}

/// What a client port is for a step that could not be taken there.
fn of_port(port: &ClientPort<'_>) -> Status {
    match port {
        ClientPort::Unusable(_) => Status::Fail,
        ClientPort::Closing => Status::Warn,
        ClientPort::Speaks | ClientPort::Unknown(_) => Status::Unknown,
    }
}

fn one_server(context: &RuleContext<'_>, server: &BrokerServer, test: Option<&ServerTest>) -> Vec<Hop> {
    let mut hops = vec![hop(
        "reach",
        "the server is reached",
        Status::Pass,
        Some(format!("NATS {} by {}", server.varz.version, server.reached_by)),
        None,
    )];
    let (status, detail) = match &server.handshake {
        Handshake::Accepted { token: true } => (Status::Pass, "with the token".to_owned()),
        Handshake::Accepted { token: false } => (Status::Warn, "without a token".to_owned()),
        Handshake::Refused { message } => (Status::Fail, message.clone()),
        Handshake::Failed(failure) => (of_port(&client_port(context, server)), failure.message.clone()),
        Handshake::NotTried { why, .. } => (of_port(&client_port(context, server)), why.clone()),
        Handshake::NotLooked => (Status::Unknown, "it was not tried".to_owned()),
    };
    hops.push(hop("authorize", "it lets us in", status, Some(detail), None));
    if let Some(test) = test {
        let failed = |done: &[u64]| match &test.failure {
            Some(why) if done.is_empty() => (Status::Fail, Some(why.clone())),
            Some(why) => (Status::Warn, Some(why.clone())),
            None => (Status::Pass, None),
        };
        let (status, detail) = failed(&test.round_trips);
        let timing = Timing::of(test.round_trips.iter().copied());
        hops.push(hop("round-trip", "a message there and back", status, detail, timing));
        let (status, detail) = failed(&test.loops);
        let timing = Timing::of(test.loops.iter().copied());
        let title = "what is published comes back";
        hops.push(hop("loop", title, status, detail, timing));
    }
    hops.push(clients(server));
    hops
}

/// How many clients of a server are named.
const NAMES: usize = 20;

/// Who is connected to a server, and to how many subjects each listens.
fn clients(server: &BrokerServer) -> Hop {
    let title = "its monitor names its clients";
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
                names.push(format!("{more} others"));
            }
            if !server.complete {
                names.push("and those of the pages that did not come".to_owned());
            }
            let detail = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            hop("clients", title, Status::Pass, Some(detail), None)
        }
        other => hop("clients", title, Status::Unknown, other.why_unsettled(), None),
    }
}

fn subscribed(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} subscription{s}")
}

/// Whether the broker has `MeshSync` for a client, and what that listens to.
fn connection(context: &RuleContext<'_>) -> Hop {
    let title = "the broker has MeshSync for a client";
    match context.clients.meshsync.first() {
        Some((server, client)) => {
            let detail = format!(
                "on {}, {}: {}",
                server_name(context, server),
                subscribed(client.subscription_count),
                client.subscriptions.join(", ")
            );
            hop("connection", title, Status::Pass, Some(detail), None)
        }
        None if context.facts.broker.servers.is_empty() => {
            let why = "no broker server answered".to_owned();
            hop("connection", title, Status::Unknown, Some(why), None)
        }
        None => hop("connection", title, Status::Fail, None, None),
    }
}

fn meshsync(test: &MeshsyncTest) -> Vec<Hop> {
    vec![
        step("healthz", "its process answers (/healthz)", &test.healthz, Status::Warn),
        // It never goes back: what it says was true once.
        step("readyz", "it has met the broker once (/readyz)", &test.readyz, Status::Warn),
        step("meta", "it answers a request", &test.meta, Status::Fail),
    ]
}

fn dataflow(context: &RuleContext<'_>, flow: &FlowTest) -> Vec<Hop> {
    let mut hops: Vec<Hop> = flow
        .servers
        .iter()
        .map(|test| {
            let server = name_by_id(context, &test.server_id).map(str::to_owned);
            let timing = Timing::of(test.round_trips.iter().copied());
            let title = "a message to the broker and back";
            Hop { server, ..hop("round-trip", title, Status::Pass, None, timing) }
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
    let counted = |title: &str, id, timing: Option<Timing>, lacking| {
        let came = timing.map_or(0, |timing| timing.count);
        let (status, detail) =
            if came == all as u64 { (Status::Pass, None) } else { (lacking, Some(format!("{came} of {all}"))) };
        hop(id, title, status, detail, timing)
    };
    hops.push(counted(
        "the API server acknowledges a change",
        "acknowledged",
        times(|change| change.acknowledged),
        Status::Unknown,
    ));
    hops.push(counted("it tells those who watch", "watched", times(|change| change.watched), Status::Unknown));
    for event in EVENTS {
        hops.extend(arrival(flow, event));
    }
    hops
}

/// What came of one event out of the broker.
fn arrival(flow: &FlowTest, event: &'static str) -> Option<Hop> {
    let of = || flow.changes.iter().filter(move |change| change.event == event);
    let all = of().count();
    if all == 0 {
        return None;
    }
    let timing = Timing::of(of().filter_map(|change| change.received));
    let came = of().filter(|change| change.received.is_some()).count();
    let (status, detail) = if !of().any(|change| change.expected) {
        let why = "the watch-list has it not published".to_owned();
        (Status::Skip, Some(why))
    } else if came == all {
        (Status::Pass, None)
    } else {
        (Status::Fail, Some(format!("{came} of {all} came")))
    };
    let title = format!("{event} comes out of the broker");
    let id = match event {
        "ADDED" => "added",
        "MODIFIED" => "modified",
        _ => "deleted",
    };
    Some(hop(id, &title, status, detail, timing))
}

fn passive_hop(flow: &FlowTest, passive: &Passive) -> Hop {
    let all: u64 = flow.heard.values().map(crate::facts::EventCounts::all).sum();
    let window = crate::stack::base::words::span(std::time::Duration::from_micros(passive.window));
    let published = match (passive.before, passive.after) {
        // A count that has fallen is another connection's.
        (Some(before), Some(after)) if after >= before => {
            format!("; by /connz MeshSync published {} messages", after - before)
        }
        _ => String::new(),
    };
    let mut detail = format!("{all} in {window}, of {} resources{published}", flow.heard.len());
    if flow.malformed > 0 {
        detail.push_str(&format!("; {} messages were no events", flow.malformed));
    }
    let status = if all > 0 { Status::Pass } else { Status::Unknown };
    hop("events", "events come by themselves", status, Some(detail), None)
}

fn held(held_back: &HeldBack) -> Hop {
    let (status, why) = match held_back {
        HeldBack::NoConnection(why) | HeldBack::NotWatched { why, .. } | HeldBack::CutShort(why) => {
            (Status::Unknown, why.clone())
        }
        HeldBack::NoPublisher(why) => (Status::Fail, why.clone()),
        HeldBack::Refused(refusal) => (Status::Unknown, refusal.message.clone()),
    };
    hop("tried", "a change is made", status, Some(why), None)
}
