//! How each generation of Meshery Server's API spells an operation.

use std::time::Duration;

use serde_json::json;

use super::{data, database, upload};
use crate::repair::operation::{Operation, Status};
use crate::{
    facts::server::ApiGeneration,
    observe::server::{client::Ask, requests::encoded},
    repair::progress::StepError,
};

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
        Operation::SetStatus(connection, to, generation) => Some(set_status(&connection.id, *to, *generation)),
        Operation::SetMode(connection, embedded) => Some(set_mode(&connection.id, *embedded)),
        Operation::FlushData(connection, generation) => Some(data::request(connection, *generation)),
        Operation::ResetDatabase(_) => Some(database::request()),
        Operation::Wait { .. } => None,
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

/// Changes the status of a connection. Servers with GraphQL take several connections at once, and answer before they look
/// at them. Newer ones look up what to do by the ID in the body.
fn set_status(id: &str, to: Status, generation: ApiGeneration) -> Ask {
    let word = match to {
        Status::Connected => "connected",
        Status::Disconnected => "disconnected",
    };
    let ask = match generation {
        ApiGeneration::Graphql => Ask::change("status", "PUT", "/api/integrations/connections/kubernetes/status")
            .with_json(&json!({ id: word })),
        ApiGeneration::Connections | ApiGeneration::Controllers => {
            let path = format!("/api/integrations/connections/{}", encoded(id));
            Ask::change("status", "PUT", path).with_json(&json!({ "id": id, "status": word }))
        }
    };
    ask.patient(PATIENCE)
}

/// Changes the mode of a connection.
fn set_mode(id: &str, embedded: bool) -> Ask {
    let path = format!("/api/integrations/connections/{}/actions", encoded(id));
    let mode = if embedded { "embedded" } else { "operator" };
    Ask::change("mode", "POST", path)
        .patient(2 * PATIENCE)
        .with_json(&json!({ "action": "setMeshsyncMode", "mode": mode }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repair::operation::ConnectionRef;

    const ID: &str = "535bca23-d3bd-af3e-2c7d-d5dc00000001";

    fn sent(operation: &Operation) -> (&'static str, String, String) {
        let ask = of(operation).expect("a request");
        let payload = ask.payload.expect("a change");
        assert!(payload.changes);
        (payload.method, ask.path, String::from_utf8_lossy(&payload.bytes).into_owned())
    }

    #[test]
    fn each_generation_has_its_own_request_for_a_status() {
        let connection = ConnectionRef { id: ID.into(), ..ConnectionRef::default() };
        let status = |to, generation| sent(&Operation::SetStatus(connection.clone(), to, generation));
        let old = status(Status::Disconnected, ApiGeneration::Graphql);
        let body = format!(r#"{{"{ID}":"disconnected"}}"#);
        assert_eq!(old, ("PUT", "/api/integrations/connections/kubernetes/status".into(), body));
        for generation in [ApiGeneration::Connections, ApiGeneration::Controllers] {
            let new = status(Status::Connected, generation);
            let body = format!(r#"{{"id":"{ID}","status":"connected"}}"#);
            assert_eq!(new, ("PUT", format!("/api/integrations/connections/{ID}"), body));
        }
    }

    #[test]
    fn mode_is_an_action_of_the_connection() {
        let connection = ConnectionRef { id: ID.into(), ..ConnectionRef::default() };
        let (method, path, body) = sent(&Operation::SetMode(connection, true));
        assert_eq!((method, path), ("POST", format!("/api/integrations/connections/{ID}/actions")));
        assert_eq!(body, r#"{"action":"setMeshsyncMode","mode":"embedded"}"#);
    }
}
