//! Queries `MeshSync` itself: its health endpoints through a port-forward, its version through the broker.

use std::time::Duration;

use async_nats::Client;
use tokio::time::Instant;

use super::{TestContext, request};
use crate::{
    facts::{FailureReason, MeshsyncTest, Step, TestStep, stack},
    observe::{connectivity::listener::micros, pod_page::PodPage},
    report::Status,
    stack::base::seen::{Denial, Seen},
};

/// The port of its health endpoints, fixed since 1.0.1. Older versions have none.
const PORT: u16 = 11000;

/// The timeout for one endpoint.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum size of an answer that is read.
const LONGEST: usize = 4096;

/// Sends all queries at once.
pub(crate) async fn ask(context: &TestContext<'_>) -> MeshsyncTest {
    let steps = context.steps;
    let connected = match context.meshsync_is_connected() {
        Some(true) => Status::Pass,
        Some(false) => Status::Fail,
        None => Status::Unknown,
    };
    steps.end(TestStep::Connection, None, connected, None);
    let clients: Vec<Client> = context.kept.lines().iter().map(|line| line.client.clone()).collect();
    let version = async {
        // A MeshSync that is not connected cannot answer, so there is no need to wait.
        if context.meshsync_is_connected() == Some(false) {
            return Step::not_tried("it is not connected to the broker");
        }
        steps.begin(TestStep::Meta, Some(request::RESPONSE_TIMEOUT));
        let version = request::version(&clients, context.facts.profile).await;
        steps.ended(TestStep::Meta, &version);
        version
    };
    let ((healthz, readyz), meta) = tokio::join!(pages(context), version);
    MeshsyncTest { healthz, readyz, meta }
}

/// Both health endpoints of the oldest running pod.
async fn pages(context: &TestContext<'_>) -> (Step, Step) {
    let container = context.facts.profile.meshsync.container;
    let pod = stack::meshsync_pods(context.facts)
        .into_iter()
        .filter_map(|pod| Some((pod, stack::running_since(pod, container)?)))
        .min_by_key(|(_, since)| *since);
    if !context.facts.profile.has_current_line() {
        let none = Step::not_tried("this MeshSync has no health endpoints");
        return (none.clone(), none);
    }
    let Some((pod, _)) = pod else {
        let none = Step::not_tried("it has no running pod");
        return (none.clone(), none);
    };
    let name = stack::name(&pod.metadata);
    let page = async |step, path| {
        context.steps.begin(step, Some(context.api.remaining().min(RESPONSE_TIMEOUT)));
        let result = page(context, name, path).await;
        context.steps.ended(step, &result);
        result
    };
    tokio::join!(page(TestStep::Healthz, "/healthz"), page(TestStep::Readyz, "/readyz"))
}

/// Requests one endpoint over its own port-forward, because the server closes each connection afterwards.
async fn page(context: &TestContext<'_>, pod: &str, path: &str) -> Step {
    let started = Instant::now();
    let namespace = &context.facts.target.namespace;
    let limit = context.api.remaining().min(RESPONSE_TIMEOUT);
    let page = PodPage { namespace, pod, port: PORT, path, what: "its health port", longest: LONGEST };
    match page.get(context.api, context.clients.streams.clone(), limit).await {
        Ok((200, body)) => Step::done(micros(started.elapsed()), body),
        Ok((status, body)) => Step::failed(format!("it responds with {status}: {body}")),
        Err(failure) if !failure.missing.is_empty() => {
            Step { micros: Seen::Denied(Denial { missing: failure.missing }), detail: String::new() }
        }
        // Versions before 1.0.1 have no health endpoints, which is not a fault.
        Err(failure) if failure.reason == FailureReason::Refused => {
            Step::not_tried("nothing listens on port 11000; MeshSync has health endpoints since 1.0.1")
        }
        Err(failure) => Step::failed(failure.message),
    }
}
