//! Connectivity tests: each tries and times something, and leaves nothing behind. They do not judge the results.

pub(crate) mod api;
mod broker;
pub(crate) mod envelope;
mod flow;
mod leftovers;
mod listener;
mod meshsync;
pub(crate) mod network;
mod operator;
pub mod progress;
mod removal;
mod request;
mod server;
mod watch;

use std::time::Duration;

use progress::Steps;

use crate::{
    cluster::{Scope, ask::ApiClient, cleanup::Cleanup, transport::Clients},
    facts::{Facts, OperatorTest, Subject, Test, TestStep, server::ServerFacts, test_object},
    observe::broker::probe::Kept,
};

/// What to test, and how.
#[derive(Clone, Debug)]
pub struct TestPlan {
    /// What to test.
    pub subject: Subject,
    /// The number of repetitions.
    pub count: u32,
    /// The kind of the test object for the event flow. By default, the first one that `MeshSync` watches.
    pub kind: Option<&'static test_object::Kind>,
    /// Its namespace. By default, the stack's.
    pub namespace: Option<String>,
    /// Write nothing, and only listen for this time.
    pub passive: Option<Duration>,
    /// Also have `MeshSync` publish its store.
    pub store: bool,
    /// Also ask Meshery Server what a diagnosis needs.
    pub server: bool,
    /// Also follow the test object until Meshery Server's data shows it.
    pub through_server: bool,
    /// The timeout for a single message.
    pub wait: Duration,
    /// The image of the pod for the network test.
    pub image: Option<String>,
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
            server: false,
            through_server: false,
            wait: Duration::from_secs(5),
            image: None,
        }
    }
}

impl TestPlan {
    /// Whether the test is about what Meshery Server answers, so that each request to it has its whole timeout.
    pub(crate) fn is_about_server(&self) -> bool {
        self.subject == Subject::Server || self.through_server
    }

    /// Whether Meshery Server is asked.
    pub(crate) fn asks_server(&self) -> bool {
        self.server || self.is_about_server()
    }
}

/// What a test can use.
pub(crate) struct TestContext<'a> {
    pub(crate) api: &'a ApiClient<'a>,
    pub(crate) clients: &'a Clients,
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) kept: &'a Kept,
    pub(crate) facts: &'a Facts,
    pub(crate) plan: &'a TestPlan,
    pub(crate) cleanup: &'a Cleanup,
    pub(crate) progress: &'a crate::cluster::ask::Log<'a>,
    pub(crate) steps: Steps<'a>,
}

impl TestContext<'_> {
    /// Runs the test. The test of Meshery Server also returns what it learned about the server.
    pub(crate) async fn run(&self) -> (Test, Option<Box<ServerFacts>>) {
        let mut test = Test { subject: self.plan.subject, ..Test::default() };
        let mut server = None;
        match self.plan.subject {
            Subject::Broker => test.servers = broker::measure(self).await,
            Subject::Dataflow => test.flow = Some(flow::run(self).await),
            Subject::Kubernetes => {}
            Subject::Operator => {
                let renewal = operator::watch(self).await;
                self.steps.ended(TestStep::Renewal, &renewal);
                test.operator = Some(OperatorTest { renewal });
            }
            Subject::Meshsync => test.meshsync = Some(meshsync::ask(self).await),
            Subject::Network => test.network = Some(Box::pin(network::run(self)).await),
            Subject::Server => {
                if let Some((tested, facts)) = Box::pin(server::run(self)).await {
                    test.server = Some(tested);
                    server = Some(facts);
                }
            }
        }
        (test, server)
    }

    /// The number of clients with `MeshSync`'s name, on all servers together.
    pub(crate) fn meshsyncs(&self) -> usize {
        let name = self.facts.profile.meshsync.client;
        let servers = self.facts.broker.servers.iter();
        servers.flat_map(|server| server.connections.items()).filter(|client| client.name == name).count()
    }

    /// Whether a server has a client with `MeshSync`'s name. `None` if that is not known.
    pub(crate) fn meshsync_is_connected(&self) -> Option<bool> {
        if self.meshsyncs() > 0 {
            return Some(true);
        }
        let broker = &self.facts.broker;
        let whole = broker.servers.iter().all(|server| server.complete && server.connections.is_settled());
        (whole && !broker.servers.is_empty()).then_some(false)
    }
}
