//! The user's consent to a plan: a question, a word that must be typed, or flags.

use super::{Run, question};
use crate::{
    cli::render, cluster::session::Session, repair::plan::Plan, report::change::ChangeReport, stack::base::words,
};

/// How the user confirms a change.
#[derive(Debug, Default)]
pub(crate) struct Consent {
    /// The namespace whose custom resources are restored, if it is another one.
    pub(crate) restored_from: Option<String>,
    /// Whether the user must type the namespace, because the change cannot be undone.
    pub(crate) severe: bool,
    /// The value of `--confirm`, for a plan that needs it.
    pub(crate) given: Option<String>,
}

impl Run<'_> {
    /// Asks for consent unless flags give it. Returns whether the plan was shown with a question.
    ///
    /// # Errors
    ///
    /// The report of the refusal if there is no consent.
    pub(super) async fn agree(
        &self,
        plan: &Plan,
        consent: &Consent,
        session: &Session<'_>,
    ) -> Result<bool, Box<ChangeReport>> {
        let refused = |why: String| Box::new(self.report(self.refused(), Some(why), plan, 0));
        // What others lose too is never confirmed by --yes.
        match (&plan.confirm, &consent.given) {
            (Some(word), Some(given)) if word == given => return Ok(false),
            (Some(word), Some(given)) => {
                return Err(refused(format!("--confirm must be \"{word}\", not \"{given}\"")));
            }
            (None, _) if self.change.yes => return Ok(false),
            // Only after the question about the plan that announced it.
            (None, _) if plan.announced && !self.earlier.borrow().is_empty() => return Ok(false),
            _ => {}
        }
        if self.terminal.interactive {
            let shown = self.planned(plan);
            let text = render::plan(&shown, &self.terminal.look(false));
            self.terminal.say(text.strip_suffix('\n').unwrap_or(&text));
            *self.shown.borrow_mut() = Some(shown);
        }
        let question = question::of(plan, consent.restored_from.as_deref(), &session.target);
        let word = plan.confirm.as_deref().or(consent.severe.then(|| session.namespace()));
        let agreed = match word {
            Some(word) => {
                let is_final = if consent.severe || plan.drops_database() { " This cannot be undone." } else { "" };
                let question = format!("{question}{is_final} Type {word} to confirm");
                self.terminal.confirm_by_typing(&question, word).await
            }
            None => self.terminal.confirm(&question).await,
        };
        match (agreed, &plan.confirm) {
            (Some(true), _) => Ok(true),
            (Some(false), _) => Err(refused("not confirmed".into())),
            (None, Some(word)) => {
                let mut report = refused("confirmation is required, and --yes is not enough".into());
                report.instead = vec![format!("to confirm, add --confirm {}", words::quoted(word))];
                Err(report)
            }
            (None, None) => Err(refused("confirmation is required, and --yes was not given".into())),
        }
    }
}
