//! The only writer: carries out a plan, step by step, and knows at every moment what is done and what is not.

use std::{cell::Cell, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::plan::{Action, Plan, Step, Until};
use crate::{
    cluster::{
        change::Change,
        session::{Answer, Session},
    },
    stack::{
        base::{
            failure::Failure,
            permission::Permission,
            seen::{Denial, Seen},
        },
        object::{self, Id},
    },
};

/// How often a wait looks again.
const PAUSE: Duration = Duration::from_millis(250);

/// How long nothing may change before it is said.
const STALLED: Duration = Duration::from_secs(10);

/// Carries out one plan.
pub struct Writer<'a> {
    session: &'a Session<'a>,
    plan: &'a Plan,
    /// How long a single wait may last.
    patience: Duration,
    /// How many steps are done.
    done: Cell<usize>,
}

/// Tells progressing from stalled: what has not changed for a while is said to stand still.
#[derive(Debug, Default)]
pub struct Progress {
    last: String,
    since: Option<Instant>,
}

impl Progress {
    /// The line to show, and since when it has been the same where that is long.
    pub fn tell(&mut self, line: &str) -> String {
        let now = Instant::now();
        if self.last != line {
            line.clone_into(&mut self.last);
            self.since = Some(now);
        }
        let still = self.since.map_or(Duration::ZERO, |since| now - since);
        if still < STALLED {
            return line.to_owned();
        }
        // In steps, so that a log is not filled with seconds.
        let seconds = still.as_secs() / 5 * 5;
        format!("{line}; no progress for {seconds} s")
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A value in it was redacted.
    #[error("{0}")]
    Redacted(String),
    /// There is no such object or kind.
    #[error("the API server knows no such object or kind")]
    NotFound,
    /// The API server refused the change, for this reason.
    #[error("{0}")]
    Refused(String),
    /// We lack a permission.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// There was no usable answer.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Another object has the name of the one to delete.
    #[error("another {0} has come in place of the one that was to go")]
    Replaced(Id),
    /// Finalizers are removed only from an object that is being deleted.
    #[error("{0} is not being deleted, so its finalizers stay")]
    NotTerminating(Id),
    /// A wait took too long.
    #[error("waited {seconds} s: {lacks}")]
    TimedOut {
        /// How long it took.
        seconds: u64,
        /// What is still missing.
        lacks: String,
    },
}

impl<'a> Writer<'a> {
    /// For this plan.
    pub fn new(session: &'a Session<'a>, plan: &'a Plan, patience: Duration) -> Self {
        Self { session, plan, patience, done: Cell::new(0) }
    }

    /// The steps that are done.
    pub fn done(&self) -> &'a [Step] {
        &self.plan.steps[..self.done.get()]
    }

    /// The steps that are not.
    pub fn remaining(&self) -> &'a [Step] {
        &self.plan.steps[self.done.get()..]
    }

    /// Carries out the plan; `tell` hears of every step before it is begun, and of what a wait still lacks.
    ///
    /// # Errors
    ///
    /// [`StepError`] at the first step that fails; what was done stays done, and another run goes on from there.
    pub async fn run(&self, tell: &dyn Fn(&Step, Option<&str>)) -> Result<(), StepError> {
        for step in &self.plan.steps {
            tell(step, None);
            self.step(step, tell).await?;
            self.done.set(self.done.get() + 1);
        }
        Ok(())
    }

    async fn step(&self, step: &Step, tell: &dyn Fn(&Step, Option<&str>)) -> Result<(), StepError> {
        if let Some(why) = step.redacted() {
            return Err(StepError::Redacted(why));
        }
        let id = &step.id;
        match &step.action {
            Action::Create(manifest) => self.apply(id, manifest, false).await,
            Action::Apply { manifest, force, .. } => self.apply(id, manifest, *force).await,
            Action::Patch { patch, .. } => self.merge(id, patch).await,
            Action::Replace { manifest, .. } => {
                if let Seen::Known(live) = self.session.object(id).await
                    && let Some(uid) = object::uid(&live)
                {
                    self.delete(id, uid).await?;
                    self.wait(step, Until::Gone, Some(uid), tell).await?;
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
            Action::Wait(until) => self.wait(step, *until, None, tell).await,
        }
    }

    async fn apply(&self, id: &Id, manifest: &Value, force: bool) -> Result<(), StepError> {
        made(self.session.change(&Change::apply(id, manifest, force)).await)
    }

    async fn merge(&self, id: &Id, patch: &Value) -> Result<(), StepError> {
        made(self.session.change(&Change::merge(id, patch)).await)
    }

    /// Deletes the very object that was planned for; another of its name is left alone.
    async fn delete(&self, id: &Id, uid: &str) -> Result<(), StepError> {
        let answer = self.session.change(&Change::delete(id, uid)).await;
        match answer {
            Answer::NotFound => Ok(()),
            Answer::Conflict(why) => match self.session.object(id).await {
                Seen::Absent => Ok(()),
                Seen::Known(live) if object::uid(&live) != Some(uid) => Err(StepError::Replaced(id.clone())),
                // What is going already cannot be told to go again.
                Seen::Known(live) if object::is_terminating(&live) => Ok(()),
                _ => Err(StepError::Refused(why)),
            },
            other => made(other),
        }
    }

    /// Takes the finalizers of an object that is being deleted, and of no other.
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
        // With the version that was looked at, so that nothing that came since is lost.
        let patch = json!({ "metadata": {
            "finalizers": null,
            "resourceVersion": live["metadata"]["resourceVersion"],
        } });
        match self.merge(id, &patch).await {
            Err(why) if matches!(self.session.object(id).await, Seen::Known(_)) => Err(why),
            _ => Ok(()),
        }
    }

    /// Why a pod of a workload does not run, in the cluster's own words.
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
        let right = Permission::to("list", "", "pods").in_namespace(namespace);
        let pods = self.session.list(&path, &right).await;
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

    /// Waits until something is so, and tells what is missing until then.
    async fn wait(
        &self,
        step: &Step,
        until: Until,
        uid: Option<&str>,
        tell: &dyn Fn(&Step, Option<&str>),
    ) -> Result<(), StepError> {
        let end = Instant::now() + self.patience;
        loop {
            let lacks = match self.session.object(&step.id).await {
                Seen::Known(live) => {
                    if uid.is_some_and(|uid| object::uid(&live) != Some(uid)) {
                        return Ok(());
                    }
                    until.lacks(&live)
                }
                Seen::Absent => until.lacks_object(&step.id),
                // No wait gives a right; an API server that does not answer may well come back.
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
            if Instant::now() >= end {
                let seconds = self.patience.as_secs();
                return Err(StepError::TimedOut { seconds, lacks });
            }
            tell(step, Some(&lacks));
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// What an answer says of a change that had to be made.
fn made(answer: Answer) -> Result<(), StepError> {
    match answer {
        Answer::Made(_) => Ok(()),
        Answer::NotFound => Err(StepError::NotFound),
        Answer::Conflict(why) | Answer::Invalid(why) | Answer::Denied(why) => Err(StepError::Refused(why)),
        Answer::Failed(failure) => Err(failure.into()),
    }
}

impl Until {
    /// What is missing in an object that is there; none when it is as it should be.
    fn lacks(self, live: &Value) -> Option<String> {
        match self {
            Self::Gone => {
                let finalizers = object::finalizers(live);
                Some(if !object::is_terminating(live) {
                    "it is still there".into()
                } else if finalizers.is_empty() {
                    "it is going".into()
                } else {
                    format!("it waits for its finalizer {}", finalizers.join(", "))
                })
            }
            Self::Established => {
                let is = object::items(&live["status"]["conditions"])
                    .any(|condition| condition["type"] == "Established" && condition["status"] == "True");
                (!is).then(|| "the API server does not serve it yet".into())
            }
            Self::RolledOut => rollout(live),
        }
    }

    fn lacks_object(self, id: &Id) -> Option<String> {
        match self {
            Self::Gone => None,
            _ => Some(format!("there is no {id} yet")),
        }
    }
}

/// What the rollout of a workload lacks.
fn rollout(live: &Value) -> Option<String> {
    let wanted = live["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = &live["status"];
    let number = |field: &str| status[field].as_i64().unwrap_or(0);
    if status["observedGeneration"].as_i64() != live["metadata"]["generation"].as_i64() {
        return Some("its controller has not seen the change yet".into());
    }
    let (updated, ready, all) = (number("updatedReplicas"), number("readyReplicas"), number("replicas"));
    if updated < wanted {
        return Some(format!("{updated} of {wanted} pods are new"));
    }
    if all > updated {
        return Some(format!("{} old pods are still going", all - updated));
    }
    (ready < wanted).then(|| format!("{ready} of {wanted} pods are ready"))
}
