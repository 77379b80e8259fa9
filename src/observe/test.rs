//! Ad hoc tests: each tries something, times it, and leaves nothing behind. They judge nothing.

pub(super) mod api;
mod broker;
mod ear;
pub(super) mod envelope;
mod flow;
mod meshsync;
mod operator;
mod request;
mod watch;

use std::time::Duration;

use super::{ask::Asker, broker::Kept, transport::Clients};
use crate::{
    cleanup::Cleanup,
    facts::{Facts, OperatorTest, Subject, Test},
    probe,
};

/// What to test, and how.
#[derive(Clone, Debug)]
pub struct TestPlan {
    /// What to test.
    pub subject: Subject,
    /// How often.
    pub count: u32,
    /// The kind of object to make for a test of the flow; the first that `MeshSync` watches when none is named.
    pub kind: Option<&'static probe::Kind>,
    /// Where to make it; where the stack is when none is named.
    pub namespace: Option<String>,
    /// Write nothing, and only listen for so long.
    pub passive: Option<Duration>,
    /// Have `MeshSync` publish its store, too.
    pub store: bool,
    /// The longest wait for a single message.
    pub wait: Duration,
}

impl Default for TestPlan {
    fn default() -> Self {
        Self {
            subject: Subject::Dataflow,
            count: 1,
            kind: None,
            namespace: None,
            passive: None,
            store: false,
            wait: Duration::from_secs(5),
        }
    }
}

/// What a test has at hand.
pub(super) struct Bench<'a> {
    pub(super) asker: &'a Asker<'a>,
    pub(super) clients: &'a Clients,
    pub(super) kept: &'a Kept,
    pub(super) facts: &'a Facts,
    pub(super) plan: &'a TestPlan,
    pub(super) cleanup: &'a Cleanup,
    pub(super) progress: &'a super::Log<'a>,
}

impl Bench<'_> {
    /// Tries what the plan says.
    pub(super) async fn run(&self) -> Test {
        let mut test = Test {
            subject: self.plan.subject,
            ..Test::default()
        };
        match self.plan.subject {
            Subject::Broker => test.servers = broker::measure(self).await,
            Subject::Dataflow => test.flow = Some(flow::run(self).await),
            Subject::Kubernetes => {}
            Subject::Operator => {
                let renewal = operator::watch(self).await;
                test.operator = Some(OperatorTest { renewal });
            }
            Subject::Meshsync => test.meshsync = Some(meshsync::ask(self).await),
        }
        test
    }

    /// How many clients bear `MeshSync`'s name, on all servers together.
    pub(super) fn meshsyncs(&self) -> usize {
        let name = self.facts.profile.meshsync.client;
        let servers = self.facts.broker.servers.iter();
        servers
            .flat_map(|server| server.connections.items())
            .filter(|client| client.name == name)
            .count()
    }

    /// Whether somebody bears `MeshSync`'s name on a server; none where nobody could say.
    pub(super) fn meshsync_is_connected(&self) -> Option<bool> {
        if self.meshsyncs() > 0 {
            return Some(true);
        }
        let broker = &self.facts.broker;
        let whole = broker
            .servers
            .iter()
            .all(|server| server.complete && server.connections.is_settled());
        (whole && !broker.servers.is_empty()).then_some(false)
    }
}
