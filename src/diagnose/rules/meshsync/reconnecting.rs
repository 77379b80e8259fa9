//! Why MeshSync is not connected: when it connects again on its own, and when it has given up.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::{diagnose::rules::prelude::*, facts::ClosedConnection, stack::base::words};

/// How long MeshSync tries to reconnect: 60 times, every 2 s.
const RETRIES: SignedDuration = SignedDuration::from_mins(2);

/// How long it searches for the broker after it starts, before it exits.
const START_UP: SignedDuration = SignedDuration::from_mins(5);

/// Why MeshSync is not connected.
pub(super) struct Why {
    /// The reason, as a sentence.
    pub(super) says: String,
    /// The remedy.
    pub(super) remedy: String,
    /// Its commands, before the one that `check --fix` applies.
    pub(super) commands: Vec<Command>,
    /// Whether a restart fixes it.
    pub(super) restarts: bool,
    /// Whether it may still connect on its own.
    pub(super) waits: bool,
}

impl Why {
    pub(super) fn new(says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { says: says.into(), remedy: remedy.into(), commands: Vec::new(), restarts: true, waits: false }
    }
}

/// Whether it may still connect on its own, and until when: it started moments ago, or it lost the broker moments ago.
pub(super) fn not_yet(context: &RuleContext<'_>) -> Option<Why> {
    let now = context.clock();
    let ago = |time: Timestamp| words::age(now.duration_since(time));
    let started = started(context)?;
    let closed = last_closed(context);
    let lost = closed.and_then(|closed| closed.stop);
    let back = broker_restarted(context);
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
        (None, None) => {
            let tries = if context.facts.profile.has_current_line() {
                "It tries to connect for five minutes, then exits."
            } else {
                "It tries to connect until the broker's monitor responds."
            };
            (format!("It started {} ago. {tries}", ago(started)), started + START_UP)
        }
    };
    if now >= until {
        return None;
    }
    let mut why = Why::new(says, format!("wait; if it is not connected by {until:.0}, check its log and restart it"));
    why.waits = true;
    Some(why)
}

/// When its container started.
fn started(context: &RuleContext<'_>) -> Option<Timestamp> {
    let container = context.facts.profile.meshsync.container;
    context.meshsync_pods.iter().filter_map(|pod| stack::running_since(pod, container)).max()
}

/// When the broker started, if that was after `MeshSync`. Kubernetes gives the start of a container in whole seconds, so
/// a broker that started in the same second may have started before it.
pub(super) fn broker_restarted(context: &RuleContext<'_>) -> Option<Timestamp> {
    let broker = context.target_servers().filter_map(|server| server.varz.start).max();
    let later = |started: Timestamp| started + SignedDuration::from_secs(1);
    broker.filter(|start| Some(*start) >= started(context).map(later))
}

/// Whether it was or could have been connected, and has not reconnected.
pub(super) fn gave_up(context: &RuleContext<'_>) -> Option<Why> {
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
pub(super) fn last_closed<'a>(context: &RuleContext<'a>) -> Option<&'a ClosedConnection> {
    let (pod, since) = context.running_meshsync()?;
    let address = stack::pod_ip(pod);
    context
        .target_servers()
        .flat_map(|server| server.closed.items())
        .filter(|closed| closed.start.is_some_and(|start| start >= since))
        .max_by_key(|closed| (Some(closed.ip.as_str()) == address, closed.stop))
}

pub(super) fn at(closed: &ClosedConnection) -> String {
    closed.stop.map(|stop| format!(" at {stop:.0}")).unwrap_or_default()
}

/// When and why a connection ended.
fn ended(closed: &ClosedConnection) -> String {
    let reason = if closed.reason.is_empty() { String::new() } else { format!(" ({})", closed.reason) };
    format!("{}{reason}", at(closed))
}
