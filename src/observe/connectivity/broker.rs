//! Tests how a broker server handles our messages: round trips, and publishing to ourselves.

use std::time::Duration;

use async_nats::{Client, PublishError, RequestErrorKind, SubscribeError};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::TestContext;
use crate::{
    facts::{ServerTest, test_object},
    observe::{broker::handshake::Line, connectivity::listener::micros},
    stack::base::words,
};

/// The timeout for one message.
const PATIENCE: Duration = Duration::from_secs(5);

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
    #[error("timed out after {}", words::span(PATIENCE))]
    Silent,
}

/// Tests every server that accepted us, each once.
pub(crate) async fn measure(context: &TestContext<'_>) -> Vec<ServerTest> {
    let mut tests: Vec<ServerTest> = Vec::new();
    for line in context.kept.lines() {
        if tests.iter().any(|test| test.server_id == line.server_id) {
            continue;
        }
        (context.progress)("sending messages to the broker");
        tests.push(one(&line, context.plan.count).await);
    }
    tests
}

async fn one(line: &Line, count: u32) -> ServerTest {
    let mut test = ServerTest { server_id: line.server_id.clone(), ..ServerTest::default() };
    let subject = test_object::private_subject(&run_id());
    let failure = async {
        for _ in 0..count {
            test.round_trips.push(round_trip(&line.client).await?);
        }
        let mut heard = line.client.subscribe(subject.clone()).await?;
        for number in 0..count {
            let sent = Instant::now();
            let payload = number.to_string();
            line.client.publish(subject.clone(), payload.clone().into()).await?;
            let back = tokio::time::timeout(PATIENCE, heard.next()).await;
            match back {
                Ok(Some(message)) if message.payload == payload.as_bytes() => {
                    test.loops.push(micros(sent.elapsed()));
                }
                Ok(Some(_)) => return Err(BrokerError::OtherMessage),
                Ok(None) => return Err(BrokerError::Ended),
                Err(_) => return Err(BrokerError::Lost),
            }
        }
        Ok(())
    };
    let failure: Result<(), BrokerError> = failure.await;
    test.failure = failure.err().map(|error| error.to_string());
    test
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
    match tokio::time::timeout(PATIENCE, back.next()).await {
        Ok(Some(_)) => Ok(micros(sent.elapsed())),
        Ok(None) => Err(BrokerError::Disconnected),
        Err(_) => Err(BrokerError::Silent),
    }
}

/// Whether a subject has a subscriber.
pub(crate) enum Subscribers {
    /// The server reports no subscriber.
    Nobody,
    /// A subscriber has answered.
    Somebody,
    /// Neither an answer nor a report was received. A subscriber may not answer, or the server may not report.
    Silence,
    /// The server could not be asked.
    Unknown,
}

/// Finds out whether a subject has a subscriber on a server.
pub(crate) async fn heard(client: &Client, subject: String, limit: Duration) -> Subscribers {
    let answer = tokio::time::timeout(limit, client.request(subject, "".into())).await;
    match answer {
        Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders => Subscribers::Nobody,
        Ok(Err(error)) if error.kind() == RequestErrorKind::TimedOut => Subscribers::Silence,
        Ok(Ok(_)) => Subscribers::Somebody,
        Ok(Err(_)) => Subscribers::Unknown,
        Err(_) => Subscribers::Silence,
    }
}

/// A word that is unique to this run.
pub(crate) fn run_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:010x}", RandomState::new().hash_one(0_u8) & 0xff_ffff_ffff)
}
