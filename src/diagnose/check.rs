//! Checks: statements that should be true, and the possible results of a check.

use super::{
    RuleContext,
    diagnosis::{Code, Diagnosis},
};
use crate::{
    report::Finding,
    stack::{component::Component, profile::Profile},
};

/// A statement that should be true.
pub struct Check {
    /// Its ID, as stable as the codes.
    pub id: &'static str,
    /// The component that it is about.
    pub component: Component,
    /// The statement.
    pub title: &'static str,
    /// The diagnoses that it can find.
    pub finds: &'static [&'static Diagnosis],
    /// The checks that must not have failed before this one can be judged.
    pub after: &'static [&'static Check],
    /// Judges it.
    pub(crate) judge: fn(&RuleContext<'_>) -> Judgement,
}

impl Check {
    /// Whether it can find a code.
    pub(super) fn can_find(&self, known: &Code) -> bool {
        let of_workloads = known.diagnosis.component.is_none();
        let finds = |found: &&Diagnosis| found.code == known.diagnosis.code;
        self.finds.iter().any(finds) && (!of_workloads || known.component == self.component)
    }

    /// Whether a stack of a profile can have any of what it finds.
    pub fn is_of(&self, profile: &Profile) -> bool {
        self.finds.iter().any(|diagnosis| diagnosis.profiles.contains(&profile))
    }

    /// The heading under which it is shown. Adapters are shown with Meshery Server.
    pub fn category(&self) -> Component {
        match self.component {
            Component::Adapter => Component::Server,
            component => component,
        }
    }
}

/// The result of a check: an outcome, or the reason why there is none.
pub(crate) type Judgement = Result<Outcome, Undecided>;

/// The outcome of a check that was judged.
pub(crate) enum Outcome {
    /// The statement is true. The detail is optional.
    Pass(Option<String>),
    /// Findings: what is wrong.
    Found(Vec<Finding>),
    /// The statement is not true, but this is expected. The findings are only informational.
    ExpectedAbsent(Vec<Finding>),
}

/// Why a check was not judged.
pub(crate) enum Undecided {
    /// It does not apply.
    Skip(String),
    /// It could not be checked.
    Unknown(String),
}

#[allow(clippy::unnecessary_wraps)] // Every judgement is one of these calls.
impl Outcome {
    /// The statement is true.
    pub(crate) fn pass() -> Judgement {
        Ok(Self::Pass(None))
    }

    /// The statement is true, and here is a detail.
    pub(crate) fn pass_with(detail: impl Into<String>) -> Judgement {
        Ok(Self::Pass(Some(detail.into())))
    }

    /// Findings: what is wrong.
    pub(crate) fn found(findings: Vec<Finding>) -> Judgement {
        Ok(Self::Found(findings))
    }

    /// Findings, or a pass when there are none.
    pub(crate) fn of(findings: Vec<Finding>) -> Judgement {
        if findings.is_empty() { Self::pass() } else { Self::found(findings) }
    }

    /// Findings; without any, unknown if something could not be judged.
    pub(crate) fn of_or_unknown(findings: Vec<Finding>, open: Option<String>) -> Judgement {
        match open {
            Some(why) if findings.is_empty() => Self::unknown(why),
            _ => Self::of(findings),
        }
    }

    /// The statement is not true and is not expected to be.
    pub(crate) fn expected_absent(findings: Vec<Finding>) -> Judgement {
        Ok(Self::ExpectedAbsent(findings))
    }

    /// The check does not apply.
    pub(crate) fn skip(why: impl Into<String>) -> Judgement {
        Err(Undecided::Skip(why.into()))
    }

    /// The check could not be made.
    pub(crate) fn unknown(why: impl Into<String>) -> Judgement {
        Err(Undecided::Unknown(why.into()))
    }
}
