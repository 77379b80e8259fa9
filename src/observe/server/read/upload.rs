//! What the server did with the contexts of a kubeconfig that was uploaded.

use serde::Deserialize;

use super::{
    Listed,
    fields::{Fields, Wanted},
    items, parse,
};
use crate::stack::base::{failure::Failure, limits};

struct ContextFields;

impl Wanted for ContextFields {
    // Beside these are the credentials of the kubeconfig.
    const PATHS: &'static [&'static str] =
        &["name", "id", "connection_id", "connectionId", "connectionID", "reachable", "error"];
}

/// What the server did with each context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uploaded {
    /// It registered them, or had done so before.
    pub(crate) registered: Vec<UploadedContext>,
    /// It was connected to them already.
    pub(crate) connected: Vec<UploadedContext>,
    /// It ignores them, because a user told it to.
    pub(crate) ignored: Vec<UploadedContext>,
    /// It failed to store them.
    pub(crate) errored: Vec<UploadedContext>,
}

/// One context in the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UploadedContext {
    /// Its name.
    pub(crate) name: String,
    /// The ID of the connection.
    pub(crate) connection_id: Option<String>,
    /// Whether the server reached its API server, if it says so.
    pub(crate) is_reachable: Option<bool>,
    /// Why it failed.
    pub(crate) error: Option<String>,
}

/// The server's answer to an upload. It contains the kubeconfig's credentials, which are not read.
///
/// # Errors
///
/// If it is no such answer.
pub(crate) fn uploaded(text: &str) -> Result<Uploaded, Failure> {
    type Contexts = Listed<Fields<ContextFields>, { limits::SERVER_CONNECTION_ITEMS }>;
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default, rename = "registered_contexts", alias = "registeredContexts")]
        registered: Contexts,
        #[serde(default, rename = "connected_contexts", alias = "connectedContexts")]
        connected: Contexts,
        #[serde(default, rename = "ignored_contexts", alias = "ignoredContexts")]
        ignored: Contexts,
        #[serde(default, rename = "errored_contexts", alias = "erroredContexts")]
        errored: Contexts,
    }
    let answer: Answer = parse(text)?;
    Ok(Uploaded {
        registered: contexts(answer.registered),
        connected: contexts(answer.connected),
        ignored: contexts(answer.ignored),
        errored: contexts(answer.errored),
    })
}

fn contexts<const N: usize>(list: Listed<Fields<ContextFields>, N>) -> Vec<UploadedContext> {
    let (contexts, _) = items(list);
    let context = |item: &Fields<ContextFields>| {
        // With the local provider, the ID of the connection may be missing: it is that of the context, as a UUID.
        let of_context = || item.id(&["id"]).map(|id| super::view::as_uuid(&id));
        Some(UploadedContext {
            name: item.text(&["name"])?,
            connection_id: item.id(&["connection_id", "connectionId", "connectionID"]).or_else(of_context),
            is_reachable: item.text(&["reachable"]).and_then(|reachable| reachable.parse().ok()),
            error: item.text(&["error"]),
        })
    };
    contexts.iter().filter_map(context).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of the real server of 2024, with a secret in place of its credentials.
    const REAL: &str = r#"{"registered_contexts":[{"id":"ca5850dbdead26915c8feec4bcb0dec1","name":"bed","auth":{"name":"admin",
        "user":{"token":"theSecret"}},"cluster":{"cluster":{"certificate-authority-data":"theSecret","server":
        "https://127.0.0.1:45361"},"name":"bed"},"server":"https://127.0.0.1:45361","kubernetes_server_id":
        "3f7e6865-9c27-4806-adfc-c991672d1207","version":"v1.35.4","connection_id":"ca5850db-dead-2691-5c8f-eec4bcb0dec1"}],
        "connected_contexts":[],"ignored_contexts":[],"errored_contexts":[]}"#;

    #[test]
    fn every_spelling_is_read_without_credentials() {
        let answer = uploaded(REAL).expect("an answer");
        let bed = UploadedContext {
            name: "bed".into(),
            connection_id: Some("ca5850db-dead-2691-5c8f-eec4bcb0dec1".into()),
            ..UploadedContext::default()
        };
        assert_eq!(answer, Uploaded { registered: vec![bed], ..Uploaded::default() });
        assert!(!format!("{answer:?}").contains("theSecret"));

        let newer = r#"{"registeredContexts":[{"id":"ca5850dbdead26915c8feec4bcb0dec1","name":"a","reachable":false}],
            "connectedContexts":[{"name":"b"}],"ignoredContexts":null,"erroredContexts":[{"name":"c","error":"full"}]}"#;
        let answer = uploaded(newer).expect("an answer");
        assert_eq!(answer.registered[0].is_reachable, Some(false));
        assert_eq!(answer.registered[0].connection_id.as_deref(), Some("ca5850db-dead-2691-5c8f-eec4bcb0dec1"));
        assert_eq!(answer.connected[0].name, "b");
        assert_eq!(answer.errored[0].error.as_deref(), Some("full"));
        assert!(answer.ignored.is_empty());
        assert!(uploaded("[1]").is_err() && uploaded("{").is_err());
    }
}
