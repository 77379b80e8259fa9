//! Checks of a component test; they apply only to that test.

use crate::{diagnose::rules::prelude::*, facts::Subject};

/// Skips a check that belongs to the test of another component.
pub(crate) fn only_in_test_of(context: &RuleContext<'_>, subject: Subject) -> Result<(), Undecided> {
    match &context.facts.test {
        Some(test) if test.subject == subject => Ok(()),
        _ => Err(Undecided::Skip("not part of this test".into())),
    }
}
