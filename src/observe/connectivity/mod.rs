//! Ad hoc tests: each tries something, times it, and leaves nothing behind. They judge nothing.

pub(crate) mod api;
mod broker;
pub(crate) mod envelope;
mod flow;
mod listener;
mod meshsync;
mod operator;
mod request;
mod watch;

use std::time::Duration;

use crate::{
    cluster::{ask::ApiClient, cleanup::Cleanup, transport::Clients},
    facts::{Facts, OperatorTest, Subject, Test, test_object},
    observe::broker::probe::Kept,
};

/// What to test, and how.
#[derive(Clone, Debug)]
pub struct TestPlan {
    /// What to test.
    pub subject: Subject,
    /// How often.
    pub count: u32,
    /// The kind of object to make for a test of the flow; the first that `MeshSync` watches when none is named.
    pub kind: Option<&'static test_object::Kind>,
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
pub(crate) struct TestContext<'a> {
    pub(crate) asker: &'a ApiClient<'a>,
    pub(crate) clients: &'a Clients,
    pub(crate) kept: &'a Kept,
    pub(crate) facts: &'a Facts,
    pub(crate) plan: &'a TestPlan,
    pub(crate) cleanup: &'a Cleanup,
    pub(crate) progress: &'a crate::cluster::ask::Log<'a>,
}

impl TestContext<'_> {
    /// Tries what the plan says.
    pub(crate) async fn run(&self) -> Test {
        let mut test = Test { subject: self.plan.subject, ..Test::default() };
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
    pub(crate) fn meshsyncs(&self) -> usize {
        let name = self.facts.profile.meshsync.client;
        let servers = self.facts.broker.servers.iter();
        servers.flat_map(|server| server.connections.items()).filter(|client| client.name == name).count()
    }

    /// Whether somebody bears `MeshSync`'s name on a server; none where nobody could say.
    pub(crate) fn meshsync_is_connected(&self) -> Option<bool> {
        if self.meshsyncs() > 0 {
            return Some(true);
        }
        let broker = &self.facts.broker;
        let whole = broker.servers.iter().all(|server| server.complete && server.connections.is_settled());
        (whole && !broker.servers.is_empty()).then_some(false)
    }
}
