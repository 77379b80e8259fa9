//! How each generation of Meshery Server's API spells an operation.

use super::Operation;
use crate::{observe::server::client::Ask, repair::apply::StepError};

/// The request of an operation. `None` for a wait.
pub(super) fn of(operation: &Operation) -> Option<Ask> {
    let _ = operation;
    None
}

/// What a successful answer proves.
///
/// # Errors
///
/// If the answer says that the operation failed nevertheless.
pub(super) fn evidence(operation: &Operation, answer: &str) -> Result<Option<String>, StepError> {
    let _ = (operation, answer);
    Ok(None)
}
