//! How each generation of Meshery Server's API spells an operation.

use std::time::Duration;

use super::{Operation, upload};
use crate::{observe::server::client::Ask, repair::apply::StepError};

/// The time that the server has for a change, if other requests have less.
const PATIENCE: Duration = Duration::from_secs(30);

/// The request of an operation. `None` for a wait.
pub(super) fn of(operation: &Operation) -> Option<Ask> {
    match operation {
        Operation::Upload(upload) => Some(upload::request(upload)),
        Operation::Rediscover => Some(Ask::change("rediscover", "GET", "/api/system/sync").patient(PATIENCE)),
        Operation::DeleteConnection(connection) => {
            // For an ID that is not one, some servers delete any connection.
            let id = connection.uuid()?;
            let path = format!("/api/integrations/connections/{id}");
            Some(Ask::change("delete", "DELETE", path).patient(PATIENCE))
        }
        _ => None,
    }
}

/// What a successful answer proves.
///
/// # Errors
///
/// If the answer says that the operation failed nevertheless.
pub(super) fn evidence(operation: &Operation, answer: &str) -> Result<Option<String>, StepError> {
    match operation {
        Operation::Upload(upload) => upload::evidence(upload, answer).map(Some),
        _ => Ok(None),
    }
}
