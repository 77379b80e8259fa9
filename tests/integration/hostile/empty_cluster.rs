//! The responses of the API server of an empty cluster that allows everything.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::peer::{self, Request};

const VERSION: &str = r#"{"major":"1","minor":"35","gitVersion":"v1.35.4"}"#;

/// An empty list.
pub(super) const EMPTY: &str = r#"{"kind":"List","apiVersion":"v1","metadata":{},"items":[]}"#;

/// Whether a request is for a list.
pub(super) fn is_list(request: &Request) -> bool {
    request.method == "GET" && below_namespace(&request.path) == Some(1)
}

/// The number of path segments after the group, version and namespace.
fn below_namespace(path: &str) -> Option<usize> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (["api", _, rest @ ..] | ["apis", _, _, rest @ ..]) = parts.as_slice() else {
        return None;
    };
    Some(match rest {
        ["namespaces", _, below @ ..] if !below.is_empty() => below.len(),
        rest => rest.len(),
    })
}

/// Answers a request.
pub(super) fn answer(request: &Request, to: &mut dyn Write) -> io::Result<()> {
    let path = request.path.as_str();
    match request.method.as_str() {
        "GET" if path == "/version" => peer::json(to, 200, VERSION),
        "GET" if path == "/api/v1/nodes" => peer::json(to, 200, &nodes().to_string()),
        "GET" if is_list(request) => peer::json(to, 200, EMPTY),
        "GET" => peer::json(to, 404, &peer::status(404, "not found")),
        "POST" if path.ends_with("selfsubjectreviews") => {
            let review = json!({ "status": { "userInfo": { "username": "somebody" } } });
            peer::json(to, 201, &review.to_string())
        }
        "POST" if path.ends_with("accessreviews") => {
            let review = json!({ "status": { "allowed": true } });
            peer::json(to, 201, &review.to_string())
        }
        "DELETE" => peer::json(to, 200, &peer::status(200, "deleted")),
        _ => {
            let sent: Value = serde_json::from_str(&request.body).unwrap_or_default();
            peer::json(to, 201, &sent.to_string())
        }
    }
}

fn nodes() -> Value {
    json!({ "metadata": {}, "items": [{
        "metadata": { "name": "node" },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True" }],
            "allocatable": { "cpu": "8", "memory": "32Gi", "pods": "110" },
        },
    }] })
}
