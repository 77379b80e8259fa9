//! What `check --fix` does about a report: which root causes it can fix, in which order, and how safe that is. Pure.

mod safety;
mod settling;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::report::{Action, Report};

pub use self::{
    safety::{Risk, risk},
    settling::{Settling, is_being_deleted, is_premature, is_starting},
};

/// One root cause and the actions that fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The ID of the finding.
    pub finding: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// The commands, as the remedy prints them.
    pub commands: Vec<String>,
    /// What they do, in order.
    pub actions: Vec<Action>,
}

/// The fixes for the root causes of a report, most important first, except for the findings that were tried already.
pub fn of(report: &Report, tried: &BTreeSet<String>) -> Vec<Fix> {
    let causes = report.root_causes().filter(|cause| !tried.contains(&cause.id));
    causes
        .filter_map(|cause| {
            let actions: Vec<Action> = cause.remedy.fix().cloned().collect();
            let commands = cause.remedy.commands.iter().filter(|command| command.fix);
            (!actions.is_empty()).then(|| Fix {
                finding: cause.id.clone(),
                code: cause.code.clone(),
                title: cause.title.clone(),
                commands: commands.map(|command| command.run.clone()).collect(),
                actions,
            })
        })
        .collect()
}
