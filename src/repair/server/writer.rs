//! Sends one operation to Meshery Server, or waits for a goal.

use std::{cell::RefCell, time::Duration};

use tokio::time::Instant;

use super::{database, requests};
use crate::repair::operation::{Goal, Operation, Reached, data_end::Numbers};
use crate::{
    cluster::session::Session,
    facts::Facts,
    observe::{
        self,
        server::{
            self,
            client::Answer,
            requests::{of_redirect, of_status},
        },
    },
    repair::progress::{Stage, StepError},
    stack::base::failure::Failure,
};

/// The interval between two looks at what is waited for.
const PAUSE: Duration = Duration::from_millis(500);

/// How one step is done.
pub(in crate::repair) struct ServerWriter<'a> {
    pub(in crate::repair) session: &'a Session<'a>,
    /// The timeout of a wait.
    pub(in crate::repair) patience: Duration,
    /// What was seen, for the report.
    pub(in crate::repair) evidence: &'a RefCell<Vec<String>>,
}

impl ServerWriter<'_> {
    /// Does one step.
    ///
    /// # Errors
    ///
    /// [`StepError`] if the server refuses it, does not answer, or does not reach the goal in time.
    pub(in crate::repair) async fn step(
        &self,
        operation: &Operation,
        report: &dyn Fn(Stage<'_>),
    ) -> Result<(), StepError> {
        match operation {
            Operation::Wait { goal, at_most, optional } => {
                let limit = at_most.map_or(self.patience, |most| most.min(self.patience));
                match self.wait(goal, limit, report).await {
                    Err(StepError::TimedOut { lacks, .. }) if *optional => {
                        self.note(format!("not reached: {} ({lacks})", goal.words()));
                        Ok(())
                    }
                    result => result,
                }
            }
            other => self.send(other).await,
        }
    }

    fn note(&self, evidence: String) {
        self.evidence.borrow_mut().push(evidence);
    }

    async fn look(&self) -> Facts {
        observe::look_at_server_state(self.session).await
    }

    async fn send(&self, operation: &Operation) -> Result<(), StepError> {
        let Some(ask) = requests::of(operation) else { return Ok(()) };
        // The pod of a server in the cluster may be another one than when the plan was made.
        let facts = match &self.session.scope.server.named {
            Some(_) => crate::cluster::blank(self.session.scope.profile, self.session.target.clone()),
            None => self.look().await,
        };
        let (api, streams, choice) = (&self.session.api, &self.session.clients.streams, &self.session.scope.server);
        let client = server::client(api, streams, choice, &facts)
            .ok_or_else(|| StepError::Server("the server has no ready pod that could be asked".into()))?;
        let at = crate::cluster::now();
        match client.send(&ask).await {
            Ok(Answer::Json(text) | Answer::Text(text)) => {
                if let Some(evidence) = requests::evidence(operation, &text)? {
                    self.note(evidence);
                }
                if let Operation::ResetDatabase(drop) = operation {
                    let tables = client.every_table().await;
                    if let Some(unchanged) = database::unchanged(drop, &tables) {
                        return Err(unchanged);
                    }
                    self.note(database::archived(drop, at));
                    self.note(database::emptied(drop, &tables));
                }
                Ok(())
            }
            Ok(Answer::Html(status)) => Err(failed(&of_status(status, "an HTML page"))),
            Ok(Answer::Redirect(to)) => Err(failed(&of_redirect(&to))),
            Ok(Answer::Status(status, said)) => {
                let own = requests::refusal(operation, status, &said);
                Err(own.unwrap_or_else(|| failed(&of_status(status, &said))))
            }
            Err(failed) => Err(StepError::Server(format!(
                "the server did not answer, and may have done it nevertheless: {}",
                failed.failure
            ))),
        }
    }

    async fn wait(&self, goal: &Goal, limit: Duration, report: &dyn Fn(Stage<'_>)) -> Result<(), StepError> {
        let begun = Instant::now();
        let mut numbers = Numbers::default();
        loop {
            let mut facts = self.look().await;
            let more = goal.asks(&facts);
            server::more(self.session, &mut facts, &more).await;
            let judged = match goal {
                Goal::DataMatches(before) => Reached::of(numbers.judge(*before, &facts)),
                other => other.judge(&facts),
            };
            let lacks = match judged {
                Reached::Yes(evidence) => {
                    self.note(evidence);
                    return Ok(());
                }
                Reached::Never(why) => return Err(StepError::Server(why)),
                Reached::NotYet(lacks) => lacks,
            };
            let elapsed = begun.elapsed();
            if elapsed >= limit {
                if let Goal::DataMatches(before) = goal
                    && let Some(evidence) = numbers.evidence(*before)
                {
                    self.note(evidence);
                }
                return Err(StepError::TimedOut { seconds: limit.as_secs(), lacks });
            }
            report(Stage::Waiting { lacks: &lacks, elapsed, limit });
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn failed(failure: &Failure) -> StepError {
    StepError::Server(format!("the server did not do it: {failure}"))
}
