//! Receives messages from every broker server at once, and events of our own watch.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::Duration,
};

use async_nats::{Client, SubscribeError};
use futures_util::stream::{BoxStream, SelectAll, StreamExt};
use tokio::time::Instant;

use super::{
    envelope::{self, Message},
    watch::{Watch, WatchEvent},
};
use crate::{
    facts::EventCounts,
    stack::{
        base::{bounded, limits},
        watched_kinds,
    },
};

/// The maximum number of resources that are counted separately. Clusters have fewer, and invalid messages must not fill
/// the memory.
pub(crate) const RESOURCES: usize = 500;

/// The maximum number of events of our own objects that are kept.
const ARRIVALS: usize = 10_000;

/// The maximum number of other subjects with our objects that are kept.
const ELSEWHERE: usize = 100;

/// A received event of one of our objects.
pub(crate) struct Arrival {
    pub name: String,
    pub event: String,
    pub resource_version: u64,
    pub cluster_id: String,
    pub bytes: u64,
    pub at: Instant,
    /// The number of the server from which it was received.
    pub server: usize,
}

/// The counts for one resource.
#[derive(Clone, Copy)]
struct Count {
    events: EventCounts,
    last: Instant,
}

/// Receives every message on the subject of events, and tracks the events of our own objects.
pub(crate) struct EventListener {
    streams: SelectAll<BoxStream<'static, (usize, Purpose, async_nats::Message)>>,
    /// The clients for our answers, by the number of the server.
    clients: Vec<(usize, Client)>,
    subject: String,
    /// The prefix of the names of this run's objects.
    prefix: String,
    counts: BTreeMap<String, Count>,
    /// Events of our own objects.
    pub arrivals: Vec<Arrival>,
    /// Other subjects with messages about our objects.
    pub elsewhere: BTreeSet<String>,
    /// Messages that were not events.
    pub malformed: u64,
    /// Our own watch, if it is permitted.
    pub watch: Option<Watch>,
    /// The events of the watch.
    pub watch_events: Vec<WatchEvent>,
}

/// The purpose of a subscription.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The subject of events.
    Events,
    /// Every other subject, where our objects should not occur.
    Elsewhere,
    /// Our own subject, on which other runs ask whether we are alive.
    SignOfLife,
}

impl EventListener {
    pub(crate) fn new(subject: &str, prefix: &str) -> Self {
        Self {
            streams: SelectAll::new(),
            clients: Vec::new(),
            subject: subject.into(),
            prefix: prefix.into(),
            counts: BTreeMap::new(),
            arrivals: Vec::new(),
            elsewhere: BTreeSet::new(),
            malformed: 0,
            watch: None,
            watch_events: Vec::new(),
        }
    }

    /// Subscribes to the events and to our own subject on a server.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if the connection has ended.
    pub(crate) async fn listen(&mut self, server: usize, client: &Client, private: &str) -> Result<(), SubscribeError> {
        let events = self.subject.clone();
        self.subscribe(server, client, events, Purpose::Events).await?;
        self.clients.push((server, client.clone()));
        self.subscribe(server, client, private.to_owned(), Purpose::SignOfLife).await
    }

    /// Subscribes to every subject of a server.
    ///
    /// # Errors
    ///
    /// See [`EventListener::listen`].
    pub(crate) async fn listen_to_all(&mut self, server: usize, client: &Client) -> Result<(), SubscribeError> {
        self.subscribe(server, client, ">".into(), Purpose::Elsewhere).await
    }

    async fn subscribe(
        &mut self,
        server: usize,
        client: &Client,
        subject: String,
        heed: Purpose,
    ) -> Result<(), SubscribeError> {
        let subscription = client.subscribe(subject).await?;
        self.streams.push(subscription.map(move |m| (server, heed, m)).boxed());
        Ok(())
    }

    /// Whether our own watch is open.
    pub(crate) fn watches(&self) -> bool {
        self.watch.is_some()
    }

    /// Processes the next message of the broker or our own watch. It can be canceled at any time without losing a
    /// message.
    async fn next(&mut self) -> bool {
        let next = tokio::select! {
            biased;
            message = self.streams.next() => message,
            watch_events = next_of(&mut self.watch) => {
                match watch_events {
                    Some(watch_events) => self.watch_events.push(watch_events),
                    None => self.watch = None,
                }
                return true;
            }
        };
        let Some((server, heed, message)) = next else {
            return false;
        };
        match heed {
            Purpose::Events => self.take(server, &message),
            Purpose::Elsewhere => self.look_for_ours(&message),
            Purpose::SignOfLife => self.answer_that_we_are_alive(server, message).await,
        }
        true
    }

    async fn answer_that_we_are_alive(&self, server: usize, query: async_nats::Message) {
        let client = self.clients.iter().find(|(number, _)| *number == server);
        if let (Some((_, client)), Some(reply)) = (client, query.reply) {
            // A run that does not receive this answer relies on our subscription.
            let _ = client.publish(reply, "".into()).await;
        }
    }

    fn take(&mut self, server: usize, message: &async_nats::Message) {
        let event = match envelope::read(&message.payload) {
            Message::Event(event) => event,
            Message::Other => return,
            Message::Malformed => {
                self.malformed += 1;
                return;
            }
        };
        let now = Instant::now();
        let resource = watched_kinds::resource_of(&event.kind, &event.api_version);
        let resource = bounded::cut(resource, limits::BROKER_TEXT);
        if self.counts.len() < RESOURCES || self.counts.contains_key(&resource) {
            let count = self.counts.entry(resource).or_insert(Count { events: EventCounts::default(), last: now });
            count.last = now;
            match event.what.as_str() {
                "ADDED" => count.events.added += 1,
                "MODIFIED" => count.events.modified += 1,
                "DELETED" => count.events.deleted += 1,
                _ => {}
            }
        }
        if event.name.starts_with(&self.prefix) && self.arrivals.len() < ARRIVALS {
            self.arrivals.push(Arrival {
                name: bounded::cut(event.name, limits::BROKER_TEXT),
                event: bounded::cut(event.what, limits::BROKER_TEXT),
                resource_version: event.resource_version,
                cluster_id: bounded::cut(event.cluster_id, limits::BROKER_TEXT),
                bytes: message.payload.len() as u64,
                at: now,
                server,
            });
        }
    }

    fn look_for_ours(&mut self, message: &async_nats::Message) {
        let subject = message.subject.as_str();
        let named = subject != self.subject
            && self.elsewhere.len() < ELSEWHERE
            && std::str::from_utf8(&message.payload).is_ok_and(|text| text.contains(&self.prefix));
        if named {
            self.elsewhere.insert(bounded::cut(subject.to_owned(), limits::BROKER_TEXT));
        }
    }

    /// Processes messages until the future completes.
    ///
    /// It reads until no message is left, beyond the runtime's budget for one task. Otherwise a server that sends
    /// faster would fill the queue.
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                // A waiting message is processed first, because its time is measured.
                biased;
                true = tokio::task::unconstrained(self.next()) => {}
                value = &mut work => return value,
            }
        }
    }

    /// Processes messages until `enough` returns true or the time is up.
    pub(crate) async fn until(&mut self, end: Instant, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            tokio::select! {
                more = tokio::task::unconstrained(self.next()) => if !more { return tokio::time::sleep_until(end).await },
                () = tokio::time::sleep_until(end) => return,
            }
        }
    }

    /// The results for each resource.
    pub(crate) fn event_counts(&self) -> BTreeMap<String, EventCounts> {
        let now = Instant::now();
        self.counts
            .iter()
            .map(|(resource, count)| {
                let last = micros(now.duration_since(count.last));
                (resource.clone(), EventCounts { last, ..count.events })
            })
            .collect()
    }
}

/// The next event of a watch. Without a watch, it never completes.
async fn next_of(watch: &mut Option<Watch>) -> Option<WatchEvent> {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
