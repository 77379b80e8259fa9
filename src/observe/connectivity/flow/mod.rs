//! The event flow test: creates, changes and deletes an object, and receives the events from the broker.
//!
//! The object is deleted in every case: at the end of the run, by the clean-up of an interrupted run, or by the next
//! run. That one finds it by its labels and asks the broker whether its run is still alive.

mod live;
mod passive;
mod removal;
mod store;
mod stored;

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use async_nats::{Client, connection::State};
use k8s_openapi::jiff::SignedDuration;
use serde_json::{Value, json};
use stored::ServerData;
use tokio::{sync::oneshot, time::Instant};

use super::{
    TestContext,
    broker::{median, round_trip, run_id},
    leftovers::Leftovers,
    removal::LONGEST,
    request,
    watch::{Watch, WatchEvent},
};
use crate::{
    cluster::change::Change,
    facts::{
        self, Cleanup, FlowTest, HeldBack, ProbeObject, Refusal, ServerTest, TestStep, redact,
        test_object::{self, Kind},
    },
    observe::connectivity::listener::{Arrival, EventListener, micros},
    report::Status,
    stack::{base::seen::Seen, manifests::FIELD_MANAGER, watch_list::EVENTS},
};

/// The age after which anyone may delete one of our objects.
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// How long a watch may lag behind the broker.
const LAG: Duration = Duration::from_millis(200);

/// How much later a second MeshSync may publish the same event.
const SECOND_VOICE: Duration = Duration::from_millis(500);

/// The number of round trips measured, which are the lower bound of all times.
const ROUND_TRIPS: usize = 3;

/// How long an interrupted run waits for an object that is being created.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// The part of the run's time that is reserved for deleting the object, and its maximum share.
const RESERVE: Duration = Duration::from_secs(2);
const RESERVED_PART: u32 = 4;

/// A change that was sent.
struct Sent {
    round: u32,
    event: &'static str,
    expected: bool,
    at: Instant,
    acknowledged: Option<Instant>,
    /// The API server rejected the change.
    refused: bool,
    /// The resource version after the change, or 0 if the answer had none.
    resource_version: u64,
    /// When the server's data showed the change.
    stored: Seen<u64>,
}

/// A running event flow test.
struct Flow<'a> {
    context: &'a TestContext<'a>,
    run: String,
    namespace: String,
    kind: &'static Kind,
    published: Vec<&'static str>,
    clients: Vec<Client>,
    listener: EventListener,
    sent: Vec<Sent>,
    /// The time reserved for deleting the object.
    reserve: Duration,
    /// The server's data, if the object is followed there.
    data: Option<ServerData<'a>>,
}

/// Runs the test.
pub(crate) async fn run(context: &TestContext<'_>) -> FlowTest {
    let facts = context.facts;
    let mut found =
        FlowTest { subject: facts.profile.events_subject(), wait: micros(context.plan.wait), ..FlowTest::default() };
    let namespace = context.plan.namespace.clone().unwrap_or_else(|| facts.target.namespace.clone());
    let run = run_id();
    let mut listener = EventListener::new(&found.subject, &format!("{}{run}-", test_object::NAME));
    (context.progress)("subscribing to the broker");
    let clients = listen(context, &mut listener, &run, &mut found).await;
    if let Some(window) = context.plan.passive {
        if clients.is_empty() {
            found.held_back = Some(no_connection());
            return found;
        }
        passive::listen(context, &mut listener, window, &mut found).await;
    } else {
        let wanted = context.plan.kind;
        let chosen = test_object::choose(facts, wanted, &namespace);
        let kind = chosen.as_ref().map_or_else(|_| wanted.unwrap_or(&test_object::KINDS[0]), |(kind, _)| kind);
        let selector = test_object::selector();
        let leftovers =
            Leftovers { context, kind: kind.of, namespace: &namespace, selector: &selector, clients: &clients };
        found.through_server = context.plan.through_server;
        let chosen = chosen.and_then(|(kind, published)| {
            let data = context.plan.through_server.then(|| ServerData::of(context)).transpose();
            Ok((kind, published, data.map_err(HeldBack::NoServer)?))
        });
        match chosen {
            // Leftovers can be deleted even if this run cannot continue.
            _ if clients.is_empty() => {
                remove_leftovers(&leftovers, &mut found).await;
                found.held_back = Some(no_connection());
            }
            _ if context.meshsync_is_connected() == Some(false) => {
                remove_leftovers(&leftovers, &mut found).await;
                let why = "MeshSync is not connected to any broker server".to_owned();
                found.held_back = Some(HeldBack::NoPublisher(why));
            }
            Err(why) => {
                remove_leftovers(&leftovers, &mut found).await;
                found.held_back = Some(why);
            }
            Ok((kind, published, data)) => {
                let mut flow = Flow {
                    context,
                    run,
                    namespace: namespace.clone(),
                    kind,
                    published,
                    clients: clients.clone(),
                    listener,
                    sent: Vec::new(),
                    reserve: RESERVE.min(context.api.time_left() / RESERVED_PART),
                    data,
                };
                Box::pin(flow.go(leftovers, &mut found)).await;
                listener = flow.listener;
            }
        }
    }
    found.events = listener.event_counts();
    found.malformed = listener.malformed;
    found.elsewhere = listener.elsewhere.iter().cloned().collect();
    // The subscriptions end here.
    drop(listener);
    if context.plan.store {
        Box::pin(store::count(context, &clients, &mut found)).await;
    }
    let lines = context.kept.lines();
    let lost = lines.iter().map(|line| line.lost.load(std::sync::atomic::Ordering::Relaxed));
    found.lost = lost.sum();
    found
}

/// Deletes what earlier runs left.
async fn remove_leftovers(leftovers: &Leftovers<'_>, found: &mut FlowTest) {
    found.cleanup = Cleanup::of(leftovers.remove().await);
}

fn no_connection() -> HeldBack {
    HeldBack::NoConnection("no broker server accepted the connection".into())
}

/// Subscribes on every server that accepted us, once per server. Connections that have ended are left out.
async fn listen(
    context: &TestContext<'_>,
    listener: &mut EventListener,
    run: &str,
    found: &mut FlowTest,
) -> Vec<Client> {
    let private = test_object::private_subject(run);
    let mut clients = Vec::new();
    for line in context.kept.lines() {
        if found.servers.iter().any(|s| s.server_id == line.server_id) {
            continue;
        }
        if listener.listen(clients.len(), &line.client, &private).await.is_err() {
            continue;
        }
        // An answer to a later message proves that the server has the subscriptions.
        let mut server = ServerTest { server_id: line.server_id.clone(), ..ServerTest::default() };
        for _ in 0..ROUND_TRIPS {
            // Messages are read meanwhile, so that a flood does not fill the queue.
            context.steps.begin(TestStep::RoundTrip, None);
            match listener.during(round_trip(&line.client)).await {
                Ok(took) => server.round_trips.push(took),
                Err(_) => break,
            }
        }
        let status = if server.round_trips.is_empty() { Status::Fail } else { Status::Pass };
        context.steps.end(TestStep::RoundTrip, None, status, median(&server.round_trips));
        if !server.round_trips.is_empty() {
            found.servers.push(server);
            clients.push(line.client.clone());
        }
    }
    clients
}

impl Flow<'_> {
    /// Creates, changes and deletes the object, and returns the results.
    async fn go(&mut self, leftovers: Leftovers<'_>, found: &mut FlowTest) {
        let label = test_object::selector_of(&self.run);
        let collection = self.kind.collection(&self.namespace);
        let client = self.context.clients.requests.clone();
        let limit = self.context.api.remaining();
        (self.context.progress)("removing test objects of earlier runs");
        (self.listener.watch, ()) =
            tokio::join!(Watch::open(client, &collection, &label, limit), remove_leftovers(&leftovers, found));
        found.object = Some(ProbeObject {
            resource: self.kind.resource.into(),
            kind: self.kind.of.kind.into(),
            namespace: self.namespace.clone(),
            name: format!("{}{}", test_object::NAME, self.run),
        });
        let count = self.context.plan.count.max(1);
        for round in 1..=count {
            if round > 1 {
                (self.context.progress)(&format!("test object {round} of {count}"));
            }
            if let Err(why) = self.round(round).await {
                found.held_back = Some(why);
            }
            if let Some((name, why)) = self.ensure_removed(round).await {
                found.cleanup.not_removed.insert(name, why);
            }
            // An event that did not arrive once would not arrive again.
            if found.held_back.is_some() || !self.all_arrived() || !self.all_stored() {
                break;
            }
        }
        if self.context.meshsyncs() > 1 || self.sent.iter().any(|sent| self.copies(sent) > 1) {
            // If several clients could publish it, wait for the slower publisher.
            self.listener.until(Instant::now() + SECOND_VOICE, |_| false).await;
        }
        if found.held_back.is_none() && !self.any_arrived() {
            (self.context.progress)("asking MeshSync for its version");
            found.meta = request::version(&self.clients, self.context.facts.profile).await;
        }
        found.changes = self.sent.iter().map(|sent| self.change(sent, &found.servers)).collect();
    }

    /// Runs one object through its life cycle.
    async fn round(&mut self, round: u32) -> Result<(), HeldBack> {
        self.send(round, EVENTS[0]).await?;
        self.receive().await?;
        if self.all_arrived() {
            self.follow(EVENTS[0]).await;
            self.send(round, EVENTS[1]).await?;
            self.receive().await?;
        } else {
            // The event may be published on another subject.
            for (number, client) in self.clients.clone().iter().enumerate() {
                let _ = self.listener.listen_to_all(number, client).await;
                let _ = round_trip(client).await;
            }
            self.send(round, EVENTS[1]).await?;
        }
        self.send(round, EVENTS[2]).await?;
        self.receive().await?;
        self.follow(EVENTS[2]).await;
        Ok(())
    }

    /// The remaining time to wait for events.
    fn time_left(&self) -> Duration {
        self.context.api.time_left().saturating_sub(self.reserve)
    }

    /// Whether a server's connection has ended.
    fn connection_ended(&self) -> Option<HeldBack> {
        let lost = |client: &Client| client.connection_state() != State::Connected;
        self.clients
            .iter()
            .any(lost)
            .then(|| HeldBack::CutShort("a connection to the broker ended during the test".into()))
    }

    fn out_of_time(&self) -> Option<HeldBack> {
        let why = "the time limit of the run (--timeout) was reached before the test ended";
        self.time_left().is_zero().then(|| HeldBack::CutShort(why.into()))
    }

    /// Makes one change and reads messages meanwhile.
    async fn send(&mut self, round: u32, event: &'static str) -> Result<(), HeldBack> {
        if let Some(why) = self.out_of_time() {
            return Err(why);
        }
        let collection = self.kind.collection(&self.namespace);
        let name = test_object::name(&self.run, round);
        let path = format!("{collection}/{name}");
        let mut making = None;
        let (method, path, content, body) = match event {
            "ADDED" => {
                let undo = super::removal::remove(self.context.clients.requests.clone(), path, LONGEST);
                let (guard, made) = oneshot::channel::<()>();
                making = Some(guard);
                self.context.cleanup.register(&name, async move {
                    // A deletion that arrives before the creation would leave the object behind.
                    let _ = tokio::time::timeout(UNDER_WAY, made).await;
                    let _ = undo.await;
                });
                let expires = crate::cluster::now() + self.life();
                let object = self.kind.object(&self.namespace, &self.run, round, expires);
                ("POST", collection, "application/json", object)
            }
            "MODIFIED" => ("PATCH", path, "application/merge-patch+json", test_object::change(round)),
            _ => ("DELETE", path, "application/json", json!({})),
        };
        self.sent.push(Sent {
            round,
            event,
            expected: self.published.contains(&event),
            at: Instant::now(),
            acknowledged: None,
            refused: false,
            resource_version: 0,
            stored: Seen::NotLooked,
        });
        let change =
            Change { method, path: format!("{path}?fieldManager={FIELD_MANAGER}"), content, body: Cow::Owned(body) };
        if round == 1 {
            self.context.steps.begin(TestStep::Acknowledged, None);
        }
        let api = self.context.api;
        let answer = match making {
            Some(guard) => {
                let change = api.change_to_the_end(&change, guard);
                self.listener.during(change).await
            }
            None => self.listener.during(api.change(&change)).await,
        };
        let (status, text) = answer.map_err(|failure| {
            self.show_acknowledged();
            self.out_of_time()
                .unwrap_or_else(|| HeldBack::CutShort(format!("the API server did not respond: {failure}")))
        })?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if !status.is_success() {
            if let Some(sent) = self.sent.last_mut() {
                // A server that failed may still have made the change.
                sent.refused = status.is_client_error();
            }
            self.show_acknowledged();
            let message = answer["message"].as_str().unwrap_or("no reason given");
            // This is how the authorizer words it. Admission, for example a quota, uses other words, and no role would
            // help.
            let denied = status == 403 && message.contains(" cannot ") && message.contains(" resource \"");
            return Err(HeldBack::Refused(Refusal {
                message: redact::text(message).into_owned(),
                denied,
                event: event.into(),
            }));
        }
        if let Some(sent) = self.sent.last_mut() {
            sent.acknowledged = Some(Instant::now());
            // The event of a deletion has another resource version than the object had before.
            if event == EVENTS[1] {
                let version = answer["metadata"]["resourceVersion"].as_str();
                sent.resource_version = version.and_then(|v| v.parse().ok()).unwrap_or(0);
            }
        }
        self.show_acknowledged();
        if event == EVENTS[2] {
            self.context.cleanup.settle(&name);
        }
        Ok(())
    }

    /// Reads messages until all expected events have arrived or the timeout is reached.
    ///
    /// # Errors
    ///
    /// If the run's time is up before that.
    async fn receive(&mut self) -> Result<(), HeldBack> {
        let limit = self.context.plan.wait.min(self.time_left());
        let expected = self.show_expected(limit);
        let Self { listener, sent, run, .. } = self;
        listener.until(Instant::now() + limit, |listener| all_arrived(sent, &listener.arrivals, run)).await;
        self.show_arrived(&expected);
        if !self.all_arrived()
            && let Some(why) = self.connection_ended().or_else(|| self.out_of_time())
        {
            return Err(why);
        }
        let Self { listener, sent, run, .. } = self;
        let all_watched =
            |listener: &EventListener| sent.iter().all(|sent| watch_event(&listener.watch_events, sent, run).is_some());
        listener.until(Instant::now() + LAG, |listener| !listener.watches() || all_watched(listener)).await;
        Ok(())
    }

    /// The expiry of a test object, which is after the end of its run.
    fn life(&self) -> SignedDuration {
        let waits = (self.context.plan.wait * 5).min(self.context.api.time_left());
        LIFE + SignedDuration::try_from(waits).unwrap_or_default()
    }

    fn all_arrived(&self) -> bool {
        all_arrived(&self.sent, &self.listener.arrivals, &self.run)
    }

    fn any_arrived(&self) -> bool {
        !self.listener.arrivals.is_empty()
    }

    /// How often the event of a change was received. A later change by a controller is another event. A message that
    /// two servers share is received from both.
    fn copies(&self, sent: &Sent) -> u64 {
        let mut copies: BTreeMap<(usize, u64), u64> = BTreeMap::new();
        for came in arrivals(&self.listener.arrivals, sent, &self.run) {
            *copies.entry((came.server, came.resource_version)).or_default() += 1;
        }
        copies.into_values().max().unwrap_or(0)
    }

    /// The result of a change.
    fn change(&self, sent: &Sent, servers: &[ServerTest]) -> facts::Change {
        let since = |at: Instant| micros(at.duration_since(sent.at));
        let came: Vec<&Arrival> = arrivals(&self.listener.arrivals, sent, &self.run).collect();
        let first = came.first();
        facts::Change {
            round: sent.round,
            event: sent.event.into(),
            expected: sent.expected,
            acknowledged: sent.acknowledged.map(since),
            watched: watch_event(&self.listener.watch_events, sent, &self.run)
                .map(|watch_events| since(watch_events.at)),
            received: first.map(|a| since(a.at)),
            server_id: first.and_then(|a| Some(servers.get(a.server)?.server_id.clone())),
            cluster_id: first.map(|a| a.cluster_id.clone()),
            bytes: first.map(|a| a.bytes),
            stored: sent.stored.clone(),
            copies: self.copies(sent),
        }
    }
}

/// The events of a change. An event with an older resource version belongs to another change.
fn arrivals<'a>(all: &'a [Arrival], sent: &'a Sent, run: &str) -> impl Iterator<Item = &'a Arrival> {
    let name = test_object::name(run, sent.round);
    all.iter().filter(move |arrival| {
        arrival.name == name
            && arrival.event == sent.event
            && (arrival.resource_version == 0 || arrival.resource_version >= sent.resource_version)
    })
}

fn all_arrived(sent: &[Sent], all: &[Arrival], run: &str) -> bool {
    sent.iter().filter(|sent| sent.expected).all(|sent| arrivals(all, sent, run).next().is_some())
}

fn watch_event<'a>(watch_events: &'a [WatchEvent], sent: &Sent, run: &str) -> Option<&'a WatchEvent> {
    let name = test_object::name(run, sent.round);
    watch_events.iter().find(|watch_events| watch_events.name == name && watch_events.event == sent.event)
}
