//! The steps of a remedy's action, with the live objects and dry runs. Nothing is changed.

use serde_json::{Value, json};

use crate::{
    cluster::{
        change::Change,
        session::{Answer, Session},
    },
    facts::difference,
    repair::{
        host_port,
        plan::{self, Refusal, Step, Until},
    },
    report::{Action, WorkloadRef},
    stack::{
        base::seen::Seen,
        object::{self, Id},
    },
};

impl Session<'_> {
    /// The steps of one action. Empty if its effect is there already.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] if the object cannot be read, the API server rejects the change, or the action cannot be applied
    /// automatically. A redeploy is planned by [`crate::repair::deployment`].
    pub async fn steps_of(&self, action: &Action) -> Result<Vec<Step>, Refusal> {
        match action {
            Action::Restart(workload) => {
                let id = self.workload(workload);
                Ok(match self.seen(&id).await? {
                    Some(live) => {
                        let restart = [Step::new(id.clone(), plan::Action::Restart), rolled_out(id.clone())];
                        host_port::make_room(&id, &live).into_iter().chain(restart).collect()
                    }
                    None => Vec::new(),
                })
            }
            Action::Scale { workload, replicas } => {
                let id = self.workload(workload);
                let mut steps = self.patch(&id, json!({ "spec": { "replicas": replicas } })).await?;
                steps.push(rolled_out(id));
                Ok(steps)
            }
            Action::Recreate(workload) => {
                let id = self.workload(workload);
                let live = self.seen(&id).await?;
                let Some(uid) = live.as_ref().and_then(object::uid) else {
                    return Ok(Vec::new());
                };
                let delete = Step::new(id.clone(), plan::Action::Delete { uid: uid.to_owned() });
                Ok(vec![delete.because("the operator creates it again"), rolled_out(id)])
            }
            Action::Patch { object, patch, .. } => self.patch(object, patch.clone()).await,
            Action::RemoveTestObject(object) => self.removal(object).await,
            other => Err(Refusal::new(format!("`{}` is not applied automatically", other.arguments()), [])),
        }
    }

    fn workload(&self, workload: &WorkloadRef) -> Id {
        let kind = if workload.kind == "statefulset" { object::STATEFUL_SET } else { object::DEPLOYMENT };
        Id::of(kind, Some(self.namespace()), &workload.name)
    }

    async fn seen(&self, id: &Id) -> Result<Option<Value>, Refusal> {
        match self.object(id).await {
            Seen::Known(live) => Ok(Some(live)),
            Seen::Absent => Ok(None),
            other => Err(Refusal::new(format!("cannot read {id}: {}", other.why_unsettled().unwrap_or_default()), [])),
        }
    }

    async fn patch(&self, id: &Id, patch: Value) -> Result<Vec<Step>, Refusal> {
        let refused = |why: &str| Refusal::new(format!("cannot change {id}: {why}"), []);
        let Some(live) = self.seen(id).await? else {
            return Err(refused("it does not exist"));
        };
        match self.change(&Change::merge(id, &patch).tried()).await {
            Answer::Made(after) => {
                let changes = difference::changes(&live, &after);
                let step = || Step::new(id.clone(), plan::Action::Patch { patch, changes: changes.clone() });
                Ok(if changes.is_empty() { Vec::new() } else { vec![step()] })
            }
            Answer::NotFound => Err(refused("it does not exist")),
            Answer::Invalid(why) | Answer::Conflict(why) | Answer::Denied(why) => Err(refused(&why)),
            Answer::Failed(failure) => Err(refused(&failure.to_string())),
        }
    }

    async fn removal(&self, id: &Id) -> Result<Vec<Step>, Refusal> {
        let live = self.seen(id).await?;
        let Some(uid) = live.as_ref().and_then(object::uid) else {
            return Ok(Vec::new());
        };
        let delete = plan::Action::Delete { uid: uid.to_owned() };
        Ok(vec![Step::new(id.clone(), delete), Step::new(id.clone(), plan::Action::Wait(Until::Gone))])
    }
}

fn rolled_out(id: Id) -> Step {
    Step::new(id, plan::Action::Wait(Until::RolledOut))
}
