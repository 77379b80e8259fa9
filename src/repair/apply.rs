//! The only writer: applies a plan step by step and knows which steps are done.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    plan::{Action, Plan, Step, Until},
    progress::{Event, Stage, StepError},
    server::writer::ServerWriter,
};
use crate::{
    cluster::{
        change::Change,
        session::{Answer, Session},
    },
    facts::dry_run::is_of_schema,
    stack::{
        base::{permission::Permission, seen::Seen},
        object::{self, Id},
    },
};

/// The interval between two looks at an object that is waited for.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a custom resource is tried again that the API server validates against the previous schema of its CRD.
const SCHEMA_LAG: Duration = Duration::from_secs(10);

/// Applies one plan.
pub struct Writer<'a> {
    session: &'a Session<'a>,
    plan: &'a Plan,
    /// The timeout of each wait.
    patience: Duration,
    /// The number of steps that are done.
    done: Cell<usize>,
    /// What was seen in Meshery Server.
    evidence: RefCell<Vec<String>>,
}

impl<'a> Writer<'a> {
    /// A writer for this plan.
    pub fn new(session: &'a Session<'a>, plan: &'a Plan, patience: Duration) -> Self {
        Self { session, plan, patience, done: Cell::new(0), evidence: RefCell::default() }
    }

    /// The number of steps that are done.
    pub fn done(&self) -> usize {
        self.done.get()
    }

    /// What was seen in Meshery Server: sentences without a full stop.
    pub fn evidence(&self) -> Vec<String> {
        self.evidence.borrow().clone()
    }

    /// Applies the plan, and reports every step as it begins, waits and ends.
    ///
    /// # Errors
    ///
    /// [`StepError`] at the first step that fails. The steps before it stay done, and another run continues from there.
    pub async fn run(&self, report: &dyn Fn(&Event<'_>)) -> Result<(), StepError> {
        let total = self.plan.steps.len();
        for (index, step) in self.plan.steps.iter().enumerate() {
            let report = |stage: Stage<'_>| report(&Event { step, number: index + 1, total, stage });
            report(Stage::Begun);
            self.step(step, &report).await?;
            self.done.set(index + 1);
            report(Stage::Done);
        }
        Ok(())
    }

    async fn step(&self, step: &Step, report: &dyn Fn(Stage<'_>)) -> Result<(), StepError> {
        if let Some(why) = step.redacted() {
            return Err(StepError::Redacted(why));
        }
        let id = &step.id;
        match &step.action {
            Action::Create(manifest) => self.create(id, manifest).await,
            Action::Apply { manifest, force, .. } => self.apply(id, manifest, *force).await,
            Action::Patch { patch, .. } => self.merge(id, patch).await,
            Action::Replace { manifest, .. } => {
                if let Seen::Known(live) = self.session.object(id).await
                    && let Some(uid) = object::uid(&live)
                {
                    self.delete(id, uid).await?;
                    self.wait(step, Until::Gone, Some(uid), report).await?;
                }
                self.apply(id, manifest, true).await
            }
            Action::Delete { uid } => self.delete(id, uid).await,
            Action::ClearFinalizers { uid, .. } => self.clear_finalizers(id, uid).await,
            Action::Restart => {
                let now = crate::cluster::now();
                let patch = json!({ "spec": { "template": { "metadata": { "annotations": {
                    "kubectl.kubernetes.io/restartedAt": now.to_string(),
                } } } } });
                self.merge(id, &patch).await
            }
            Action::Wait(until) => self.wait(step, *until, None, report).await,
            Action::Server(operation) => {
                let Self { session, patience, evidence, .. } = self;
                Box::pin(ServerWriter { session, patience: *patience, evidence }.step(operation, report)).await
            }
        }
    }

    /// Creates an object. After a change of its CRD, the API server keeps the previous schema for a moment.
    async fn create(&self, id: &Id, manifest: &Value) -> Result<(), StepError> {
        let begun = Instant::now();
        loop {
            match self.apply(id, manifest, false).await {
                Err(StepError::Failed(why)) if is_of_schema(&why.message) && begun.elapsed() < SCHEMA_LAG => {
                    tokio::time::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    async fn apply(&self, id: &Id, manifest: &Value, force: bool) -> Result<(), StepError> {
        made(self.session.change(&Change::apply(id, manifest, force)).await)
    }

    async fn merge(&self, id: &Id, patch: &Value) -> Result<(), StepError> {
        made(self.session.change(&Change::merge(id, patch)).await)
    }

    /// Deletes the object that was planned for, identified by its UID; another one of the same name is left alone.
    async fn delete(&self, id: &Id, uid: &str) -> Result<(), StepError> {
        let answer = self.session.change(&Change::delete(id, uid)).await;
        match answer {
            Answer::NotFound => Ok(()),
            Answer::Conflict(why) => match self.session.object(id).await {
                Seen::Absent => Ok(()),
                Seen::Known(live) if object::uid(&live) != Some(uid) => Err(StepError::Replaced(id.clone())),
                // It is terminating already.
                Seen::Known(live) if object::is_terminating(&live) => Ok(()),
                _ => Err(StepError::Refused(why)),
            },
            other => made(other),
        }
    }

    /// Clears the finalizers of an object that is being deleted, and of no other.
    async fn clear_finalizers(&self, id: &Id, uid: &str) -> Result<(), StepError> {
        let live = match self.session.object(id).await {
            Seen::Known(live) => live,
            Seen::Absent => return Ok(()),
            other => return Err(other.into_failure().unwrap_or_default().into()),
        };
        if object::uid(&live) != Some(uid) {
            return Ok(());
        }
        if !object::is_terminating(&live) {
            return Err(StepError::NotTerminating(id.clone()));
        }
        // With the resource version that was read, so that a later change is not lost.
        let patch = json!({ "metadata": {
            "finalizers": null,
            "resourceVersion": live["metadata"]["resourceVersion"],
        } });
        match self.merge(id, &patch).await {
            Err(why) if matches!(self.session.object(id).await, Seen::Known(_)) => Err(why),
            _ => Ok(()),
        }
    }

    /// Why a pod of a workload is not running, in the cluster's own words.
    async fn waiting_pod(&self, id: &Id) -> Option<String> {
        let live = self.session.object(id).await;
        let labels: Vec<String> = live.known()?["spec"]["selector"]["matchLabels"]
            .as_object()?
            .iter()
            .filter_map(|(key, value)| Some(format!("{key}%3D{}", value.as_str()?)))
            .collect();
        let namespace = id.namespace.as_deref()?;
        let path =
            format!("/api/v1/namespaces/{namespace}/pods?labelSelector={}", labels.join("%2C").replace('/', "%2F"));
        let permission = Permission::to("list", "", "pods").in_namespace(namespace);
        let pods = self.session.list(&path, &permission).await;
        pods.items().iter().find_map(|pod| {
            let name = pod["metadata"]["name"].as_str()?;
            let waiting = object::items(&pod["status"]["containerStatuses"])
                .find_map(|status| status["state"]["waiting"]["reason"].as_str());
            let unscheduled = object::items(&pod["status"]["conditions"])
                .find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False")
                .and_then(|condition| condition["message"].as_str());
            let why = waiting.filter(|why| *why != "ContainerCreating").or(unscheduled)?;
            Some(format!("pod {name}: {why}"))
        })
    }

    /// Waits for a condition, and reports what is missing until then.
    async fn wait(
        &self,
        step: &Step,
        until: Until,
        uid: Option<&str>,
        report: &dyn Fn(Stage<'_>),
    ) -> Result<(), StepError> {
        let begun = Instant::now();
        loop {
            let lacks = match self.session.object(&step.id).await {
                Seen::Known(live) => {
                    if uid.is_some_and(|uid| object::uid(&live) != Some(uid)) {
                        return Ok(());
                    }
                    until.lacks(&live)
                }
                Seen::Absent => until.lacks_object(),
                // Waiting does not grant a permission, but an API server that does not answer may come back.
                Seen::Denied(denial) => return Err(denial.into()),
                other => other.why_unsettled(),
            };
            let Some(mut lacks) = lacks else {
                return Ok(());
            };
            if until == Until::RolledOut
                && let Some(why) = self.waiting_pod(&step.id).await
            {
                lacks = format!("{lacks}, {why}");
            }
            if begun.elapsed() >= self.patience {
                let seconds = self.patience.as_secs();
                return Err(StepError::TimedOut { seconds, lacks });
            }
            report(Stage::Waiting { lacks: &lacks, elapsed: begun.elapsed(), limit: self.patience });
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The result of a change that is required.
fn made(answer: Answer) -> Result<(), StepError> {
    match answer {
        Answer::Made(_) => Ok(()),
        Answer::NotFound => Err(StepError::NotFound),
        Answer::Conflict(why) | Answer::Invalid(why) | Answer::Denied(why) => Err(StepError::Refused(why)),
        Answer::Failed(failure) => Err(failure.into()),
    }
}

impl Until {
    /// What an existing object lacks; `None` if the condition is met.
    fn lacks(self, live: &Value) -> Option<String> {
        match self {
            Self::Gone => {
                let finalizers = object::finalizers(live);
                Some(if !object::is_terminating(live) {
                    "it still exists".into()
                } else if finalizers.is_empty() {
                    "it is terminating".into()
                } else {
                    format!("terminating, waiting for finalizer {}", finalizers.join(", "))
                })
            }
            Self::Established => {
                let is = object::items(&live["status"]["conditions"])
                    .any(|condition| condition["type"] == "Established" && condition["status"] == "True");
                (!is).then(|| "not served by the API server yet".into())
            }
            Self::RolledOut => rollout(live),
        }
    }

    fn lacks_object(self) -> Option<String> {
        match self {
            Self::Gone => None,
            _ => Some("not created yet".into()),
        }
    }
}

/// What the rollout of a workload lacks.
fn rollout(live: &Value) -> Option<String> {
    let wanted = live["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = &live["status"];
    let number = |field: &str| status[field].as_i64().unwrap_or(0);
    if status["observedGeneration"].as_i64() != live["metadata"]["generation"].as_i64() {
        return Some("its controller has not processed the change yet".into());
    }
    let (updated, ready, all) = (number("updatedReplicas"), number("readyReplicas"), number("replicas"));
    if updated < wanted {
        return Some(format!("{updated} of {wanted} pods updated"));
    }
    if all > updated {
        return Some(format!("{} old pods still terminating", all - updated));
    }
    (ready < wanted).then(|| format!("{ready} of {wanted} pods ready"))
}
