//! The network test: creates a pod like `MeshSync`'s, which tries every step to the broker, and reads its result.
//!
//! The pod is deleted in every case: at the end of the run, by the clean-up of an interrupted run, or by the next run.
//! It never runs longer than its deadline, which the kubelet enforces.

pub(crate) mod probe;
mod tls;
mod wait;

use std::{borrow::Cow, time::Duration};

use k8s_openapi::jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::{sync::oneshot, time::Instant};

use super::{
    TestContext,
    broker::{round_trip, run_id},
    leftovers::Leftovers,
    listener::micros,
    removal::{LONGEST, remove},
};
use crate::{
    cluster::{ask::ApiError, change::Change},
    facts::{
        Cleanup, Refusal, Step, TestStep,
        network::{NetworkTest, NotRun, Outcome},
        network_pod::{self, Blueprint, Terms},
        redact, test_object,
    },
    report::Status,
    stack::{
        manifests::FIELD_MANAGER,
        object::{self, Id},
    },
};

/// The age after which anyone may delete the pod.
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// The part of the run's time that is reserved for deleting the pod, and its maximum share.
const RESERVE: Duration = Duration::from_secs(2);
const RESERVED_PART: u32 = 4;

/// How long an interrupted run waits for a pod that is being created.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// Runs the test.
pub(crate) async fn run(context: &TestContext<'_>) -> NetworkTest {
    let mut found = NetworkTest::default();
    let run = run_id();
    let life = SignedDuration::try_from(context.api.time_left()).unwrap_or_default();
    let terms = Terms {
        image: context.plan.image.as_deref().unwrap_or_default(),
        run: &run,
        expires: crate::cluster::now() + LIFE + life,
        longest: context.api.time_left(),
    };
    // Other runs see by the subscription that this one is alive.
    let (clients, subscriptions) = announce(context, &run).await;
    (context.progress)("removing test pods of earlier runs");
    let selector = network_pod::selector();
    let namespace = context.facts.target.namespace.as_str();
    let leftovers = Leftovers { context, kind: object::POD, namespace, selector: &selector, clients: &clients };
    found.cleanup = Cleanup::of(leftovers.remove().await);
    match network_pod::plan(context.facts, terms) {
        Err(why) => found.not_run = Some(NotRun::NoTarget(why)),
        Ok(blueprint) => {
            found.pod.clone_from(&blueprint.name);
            found.node.clone_from(&blueprint.node);
            found.service_account.clone_from(&blueprint.service_account);
            found.services.clone_from(&blueprint.services);
            Box::pin(with_pod(context, &blueprint, &mut found)).await;
        }
    }
    drop(subscriptions);
    found
}

/// Subscribes to the run's own subject on every server that accepted us.
async fn announce(context: &TestContext<'_>, run: &str) -> (Vec<async_nats::Client>, Vec<async_nats::Subscriber>) {
    let (mut clients, mut subscriptions) = (Vec::new(), Vec::new());
    for line in context.kept.lines() {
        // An answer to a later message proves that the server has the subscription.
        if let Ok(subscription) = line.client.subscribe(test_object::private_subject(run)).await
            && round_trip(&line.client).await.is_ok()
        {
            clients.push(line.client.clone());
            subscriptions.push(subscription);
        }
    }
    (clients, subscriptions)
}

/// Creates the pod, waits for its result, and deletes it.
async fn with_pod(context: &TestContext<'_>, blueprint: &Blueprint, found: &mut NetworkTest) {
    let id = Id::of(object::POD, Some(&blueprint.namespace), &blueprint.name);
    let reserve = RESERVE.min(context.api.time_left() / RESERVED_PART);
    let limit = context.api.time_left().saturating_sub(reserve);
    context.steps.begin(TestStep::Pod, Some(limit));
    let started = Instant::now();
    let result = match create(context, blueprint, &id).await {
        Err(refused) => Err(refused),
        Ok(()) => {
            let result = wait::result(context, blueprint, started + limit).await;
            delete(context, blueprint, &id, found).await;
            result
        }
    };
    match result {
        Ok(endpoints) => {
            found.ran = Step::done(micros(started.elapsed()), "");
            found.endpoints = endpoints;
        }
        Err(why) => {
            found.ran = Step::failed(why.sentence());
            found.not_run = Some(why);
        }
    }
    let status = if found.not_run.is_some() { Status::Unknown } else { Status::Pass };
    context.steps.end(TestStep::Pod, None, status, found.ran.micros.known().copied());
    show(context, found);
}

/// Shows the steps that the pod tried.
fn show(context: &TestContext<'_>, found: &NetworkTest) {
    for endpoint in &found.endpoints {
        let address = endpoint.address.shown();
        for (part, step) in endpoint.steps() {
            let micros = (step.outcome != Outcome::Skipped).then_some(step.micros);
            context.steps.end(part.step(), Some(&address), step.outcome.status(), micros);
        }
    }
}

async fn create(context: &TestContext<'_>, blueprint: &Blueprint, id: &Id) -> Result<(), NotRun> {
    let undo = remove(context.clients.requests.clone(), id.path(), LONGEST);
    let (guard, made) = oneshot::channel::<()>();
    context.cleanup.register(&blueprint.name, async move {
        // A deletion that arrives before the creation would leave the pod behind.
        let _ = tokio::time::timeout(UNDER_WAY, made).await;
        let _ = undo.await;
    });
    let change = Change {
        method: "POST",
        path: format!("{}?fieldManager={FIELD_MANAGER}", id.collection()),
        content: "application/json",
        body: Cow::Borrowed(&blueprint.body),
    };
    let answer = context.api.change_to_the_end(&change, guard).await;
    let (status, text) = match answer {
        Ok(answer) => answer,
        Err(failure) => {
            // It may have been created. Whether that succeeds is decided by the expiry at the latest.
            let limit = context.api.time_left().min(LONGEST);
            if remove(context.clients.requests.clone(), id.path(), limit).await.is_ok() {
                context.cleanup.settle(&blueprint.name);
            }
            return Err(cut_short(&failure));
        }
    };
    if status.is_success() {
        return Ok(());
    }
    context.cleanup.settle(&blueprint.name);
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({}));
    let message = answer["message"].as_str().unwrap_or("no reason given");
    // This is how the authorizer words it. Admission, for example a quota, uses other words.
    let denied = status == 403 && message.contains(" cannot ") && message.contains(" resource \"");
    Err(NotRun::Refused(Refusal { message: redact::clean(message), denied, event: String::new() }))
}

async fn delete(context: &TestContext<'_>, blueprint: &Blueprint, id: &Id, found: &mut NetworkTest) {
    let limit = context.api.time_left().min(LONGEST);
    match remove(context.clients.requests.clone(), id.path(), limit).await {
        Ok(()) => context.cleanup.settle(&blueprint.name),
        Err(why) => {
            found.cleanup.not_removed.insert(blueprint.name.clone(), why.message);
        }
    }
}

fn cut_short(failure: &ApiError) -> NotRun {
    NotRun::CutShort(format!("the API server did not respond: {failure}"))
}
