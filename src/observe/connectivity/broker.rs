//! Tests how a broker server handles our messages: round trips, and publishing to ourselves.

use std::time::Duration;

use async_nats::{Client, PublishError, RequestErrorKind, SubscribeError};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::{TestContext, progress};
use crate::{
    facts::{Handshake, ServerTest, TestStep, test_object},
    observe::{broker::handshake::Line, connectivity::listener::micros},
    report::{Status, Timing},
    stack::base::words,
};

/// The timeout for one message.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a message was not returned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerError {
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error("received another message than the published one")]
    OtherMessage,
    #[error("the server ended the connection")]
    Ended,
    #[error("the connection has ended")]
    Disconnected,
    #[error("the published message was not received")]
    Lost,
    #[error("timed out after {}", words::span(RESPONSE_TIMEOUT))]
    Silent,
}

/// Tests every server that accepted us, each once.
pub(crate) async fn measure(context: &TestContext<'_>) -> Vec<ServerTest> {
    let mut tests: Vec<ServerTest> = Vec::new();
    for server in &context.facts.broker.servers {
        let name = progress::name_of(server);
        context.steps.end(TestStep::Reach, name, Status::Pass, None);
        let accepted = match server.handshake {
            Handshake::Accepted { token: true } => Status::Pass,
            Handshake::Accepted { token: false } => Status::Warn,
            Handshake::Refused { .. } => Status::Fail,
            Handshake::Failed(_) | Handshake::NotTried { .. } | Handshake::NotLooked => Status::Unknown,
        };
        context.steps.end(TestStep::Authorize, name, accepted, None);
    }
    for line in context.kept.lines() {
        if tests.iter().any(|test| test.server_id == line.server_id) {
            continue;
        }
        tests.push(one(context, &line).await);
    }
    tests
}

async fn one(context: &TestContext<'_>, line: &Line) -> ServerTest {
    let (steps, count) = (context.steps, context.plan.count);
    let servers = &context.facts.broker.servers;
    let server = servers.iter().find(|server| server.varz.server_id == line.server_id).and_then(progress::name_of);
    let mut test = ServerTest { server_id: line.server_id.clone(), ..ServerTest::default() };
    let subject = test_object::private_subject(&run_id());
    let failure = async {
        for number in 1..=count {
            steps.repeat(TestStep::RoundTrip, server, number, count);
            test.round_trips.push(round_trip(&line.client).await?);
        }
        steps.end(TestStep::RoundTrip, server, Status::Pass, median(&test.round_trips));
        let mut subscription = line.client.subscribe(subject.clone()).await?;
        for number in 1..=count {
            steps.repeat(TestStep::Loop, server, number, count);
            let sent = Instant::now();
            let payload = number.to_string();
            line.client.publish(subject.clone(), payload.clone().into()).await?;
            let back = tokio::time::timeout(RESPONSE_TIMEOUT, subscription.next()).await;
            match back {
                Ok(Some(message)) if message.payload == payload.as_bytes() => {
                    test.loops.push(micros(sent.elapsed()));
                }
                Ok(Some(_)) => return Err(BrokerError::OtherMessage),
                Ok(None) => return Err(BrokerError::Ended),
                Err(_) => return Err(BrokerError::Lost),
            }
        }
        steps.end(TestStep::Loop, server, Status::Pass, median(&test.loops));
        Ok(())
    };
    let failure: Result<(), BrokerError> = failure.await;
    if failure.is_err() {
        let (step, times) = if test.round_trips.len() < count as usize {
            (TestStep::RoundTrip, &test.round_trips)
        } else {
            (TestStep::Loop, &test.loops)
        };
        let status = if times.is_empty() { Status::Fail } else { Status::Warn };
        steps.end(step, server, status, median(times));
    }
    test.failure = failure.err().map(|error| error.to_string());
    test
}

/// The typical one of these times.
pub(crate) fn median(times: &[u64]) -> Option<u64> {
    Timing::of(times.iter().copied()).map(|times| times.p50_micros)
}

/// The round-trip time to the server, measured with a message to ourselves.
///
/// # Errors
///
/// [`BrokerError`] if it was not received.
pub(crate) async fn round_trip(client: &Client) -> Result<u64, BrokerError> {
    let subject = client.new_inbox();
    let mut back = client.subscribe(subject.clone()).await?;
    let sent = Instant::now();
    client.publish(subject, "".into()).await?;
    match tokio::time::timeout(RESPONSE_TIMEOUT, back.next()).await {
        Ok(Some(_)) => Ok(micros(sent.elapsed())),
        Ok(None) => Err(BrokerError::Disconnected),
        Err(_) => Err(BrokerError::Silent),
    }
}

/// Whether a subject has a subscriber.
pub(crate) enum Subscribers {
    /// The server reports no subscriber.
    Absent,
    /// A subscriber has answered.
    Present,
    /// Neither an answer nor a report was received. A subscriber may not answer, or the server may not report.
    NoReply,
    /// The server could not be asked.
    Unknown,
}

/// Finds out whether a subject has a subscriber on a server.
pub(crate) async fn subscribers(client: &Client, subject: String, limit: Duration) -> Subscribers {
    let answer = tokio::time::timeout(limit, client.request(subject, "".into())).await;
    match answer {
        Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders => Subscribers::Absent,
        Ok(Err(error)) if error.kind() == RequestErrorKind::TimedOut => Subscribers::NoReply,
        Ok(Ok(_)) => Subscribers::Present,
        Ok(Err(_)) => Subscribers::Unknown,
        Err(_) => Subscribers::NoReply,
    }
}

/// A word that is unique to this run.
pub(crate) fn run_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:010x}", RandomState::new().hash_one(0_u8) & 0xff_ffff_ffff)
}
