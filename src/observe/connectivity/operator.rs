//! Whether the operator leads: whoever holds the Lease renews it every few seconds.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::time::Instant;

use super::TestContext;
use crate::{
    cluster::ask::{parse, seen},
    facts::{Step, stack},
    observe::{connectivity::listener::micros, questions},
    stack::base::{seen::Seen, words},
};

/// How often the Lease is looked at.
const PACE: Duration = Duration::from_millis(200);

/// How long after its end a Lease is taken over at the latest: a pod that has just started waits for that of the one
/// before it to end, and looks every two seconds.
const TAKING_OVER: Duration = Duration::from_secs(5);

/// How long a Lease is good for that does not say so: what the operator asks for.
const USUAL: i32 = 15;

/// Watches the Lease until it is renewed, or should have been.
pub(crate) async fn watch(bench: &TestContext<'_>) -> Step {
    let facts = bench.facts;
    let started = Instant::now();
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
    if !somebody_could(bench) {
        return Step::not_tried("no operator runs that could renew it");
    }
    (bench.progress)("waiting for the operator to renew its Lease");
    let patience = u64::try_from(first.lease_duration_seconds.unwrap_or(USUAL)).unwrap_or(15);
    let patience = Duration::from_secs(patience) + TAKING_OVER;
    let limit = patience.min(bench.asker.time_left());
    let question = questions::lease(facts.profile, &facts.target.namespace);
    loop {
        let answer = bench.asker.get(&question.path).await;
        match seen(answer.and_then(|body| parse::<Lease>(&body)), &question.right) {
            Seen::Known(Lease { spec: Some(spec), .. }) if renewed(&first, &spec) => {
                return Step::done(
                    micros(started.elapsed()),
                    format!("by {}", spec.holder_identity.unwrap_or_default()),
                );
            }
            // That we cannot see it is no fault of the operator's.
            Seen::Unreachable(why) if !bench.asker.time_left().is_zero() => {
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
                    "it may take {}, and the time that the run may take (--timeout) was over before that",
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

/// Whether a pod of the operator runs.
fn somebody_could(bench: &TestContext<'_>) -> bool {
    let container = bench.facts.profile.operator.container;
    stack::operator_pods(bench.facts).into_iter().any(|pod| stack::running_since(pod, container).is_some())
}
