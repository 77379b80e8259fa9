//! Tests whether the operator has a leader, which renews the Lease every few seconds.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::time::Instant;

use super::TestContext;
use crate::{
    cluster::ask::{parse, seen},
    facts::{Step, TestStep, stack},
    observe::{connectivity::listener::micros, queries},
    stack::base::{seen::Seen, words},
};

/// How often the Lease is read.
const PACE: Duration = Duration::from_millis(200);

/// The maximum time from the expiry of a Lease until a new leader acquires it. A pod that has just started waits for
/// the previous Lease to expire and checks every two seconds.
const TAKING_OVER: Duration = Duration::from_secs(5);

/// The duration of a Lease that does not specify one, which is the operator's default.
const USUAL: i32 = 15;

/// Watches the Lease until it is renewed, or should have been.
pub(crate) async fn watch(context: &TestContext<'_>) -> Step {
    let facts = context.facts;
    let started = Instant::now();
    if !facts.profile.has_current_line() {
        return Step::not_tried("each process of this operator has a Lease of its own, with a random name");
    }
    let first = match &facts.lease {
        Seen::Known(lease) => lease.spec.clone().unwrap_or_default(),
        Seen::Unreachable(why) => {
            return Step::not_tried(format!("the Lease could not be read: {why}"));
        }
        other => {
            let micros = other.as_ref().map(|_| 0);
            return Step { micros, detail: String::new() };
        }
    };
    if !is_operator_running(context) {
        return Step::not_tried("no operator pod is running that could renew it");
    }
    let patience = u64::try_from(first.lease_duration_seconds.unwrap_or(USUAL)).unwrap_or(15);
    let patience = Duration::from_secs(patience) + TAKING_OVER;
    let limit = patience.min(context.api.time_left());
    context.steps.begin(TestStep::Renewal, Some(limit));
    let query = queries::lease(facts.profile, &facts.target.namespace);
    loop {
        let answer = context.api.get(&query.path).await;
        match seen(answer.and_then(|body| parse::<Lease>(&body)), &query.permission) {
            Seen::Known(Lease { spec: Some(spec), .. }) if renewed(&first, &spec) => {
                return Step::done(
                    micros(started.elapsed()),
                    format!("by {}", spec.holder_identity.unwrap_or_default()),
                );
            }
            // If we cannot read it, that is not a fault of the operator.
            Seen::Unreachable(why) if !context.api.time_left().is_zero() => {
                return Step::not_tried(format!("the Lease could not be read again: {why}"));
            }
            Seen::Known(_) | Seen::Unreachable(_) => {}
            other => {
                return Step { micros: other.map(|_| 0), detail: String::new() };
            }
        }
        if started.elapsed() >= limit {
            if limit < patience {
                return Step::not_tried(format!(
                    "this can take {}, but --timeout was reached first",
                    words::span(patience)
                ));
            }
            let why = format!("it was not renewed within {}", words::span(patience));
            return Step {
                micros: Seen::failed(why),
                detail: format!("its holder is {}", first.holder_identity.unwrap_or_default()),
            };
        }
        tokio::time::sleep(PACE).await;
    }
}

fn renewed(first: &LeaseSpec, now: &LeaseSpec) -> bool {
    now.renew_time != first.renew_time || now.holder_identity != first.holder_identity
}

/// Whether an operator pod is running.
fn is_operator_running(context: &TestContext<'_>) -> bool {
    let container = context.facts.profile.operator.container;
    stack::operator_pods(context.facts).into_iter().any(|pod| stack::running_since(pod, container).is_some())
}
