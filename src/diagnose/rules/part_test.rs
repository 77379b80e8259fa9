//! Checks of a test of one part: they are judged only where that test was made.

use crate::{diagnose::rules::prelude::*, facts::Subject};

/// Skips a check of a test of another part.
pub(crate) fn only_in_test_of(context: &RuleContext<'_>, subject: Subject) -> Result<(), Undecided> {
    match &context.facts.test {
        Some(test) if test.subject == subject => Ok(()),
        _ => Err(Undecided::Skip("another part was tested".into())),
    }
}
