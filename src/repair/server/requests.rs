//! How each generation of Meshery Server's API spells an operation.

use std::time::Duration;

use super::{Operation, data, database, upload};
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
        Operation::FlushData(connection, generation) => Some(data::request(connection, *generation)),
        Operation::ResetDatabase(_) => Some(database::request()),
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
        Operation::FlushData(_, generation) => data::evidence(*generation, answer),
        _ => Ok(None),
    }
}

/// What an error of this status means for this operation. `None` if it has no meaning of its own.
pub(super) fn refusal(operation: &Operation, status: u16, said: &str) -> Option<StepError> {
    match operation {
        Operation::FlushData(_, generation) => data::refusal(*generation, status, said),
        _ => None,
    }
}
