//! The upload of a kubeconfig: its request, and what the answer says of each context.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::repair::operation::Upload;
use crate::{
    observe::server::{UploadedContext, client::Ask, shown, uploaded},
    repair::progress::StepError,
    stack::base::{limits, words},
};

/// The time that the server has for an upload, besides that for its contexts.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the server tries to reach the API server of one context. It tries one after another.
const PER_CONTEXT: Duration = Duration::from_secs(10);

/// The request. The server wants a form with a file.
pub(super) fn request(upload: &Upload) -> Ask {
    let kubeconfig = upload.kubeconfig.expose_secret();
    let boundary = boundary(kubeconfig);
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"k8sfile\"; filename=\"kubeconfig.yaml\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n{kubeconfig}\r\n--{boundary}--\r\n"
    );
    let contexts = u32::try_from(upload.contexts.len()).unwrap_or(u32::MAX);
    Ask::change("upload", "POST", "/api/system/kubernetes")
        .with_body(format!("multipart/form-data; boundary={boundary}"), body)
        .at_most(limits::SERVER_CONNECTIONS)
        .patient(PATIENCE.saturating_add(PER_CONTEXT.saturating_mul(contexts)))
}

/// A separator that does not occur in this text.
fn boundary(text: &str) -> String {
    let candidates = (0_u64..).map(|number| format!("kubeconfig-boundary-{number}"));
    candidates.into_iter().find(|candidate| !text.contains(candidate.as_str())).unwrap_or_default()
}

/// What the server did with each context.
///
/// # Errors
///
/// If it did not take one of them. Some servers answer with success nevertheless.
pub(super) fn evidence(upload: &Upload, answer: &str) -> Result<String, StepError> {
    let answer = uploaded(answer)
        .map_err(|why| StepError::Server(format!("the server did not say what it did with the contexts: {why}")))?;
    let mut taken = Vec::new();
    let mut others = Vec::new();
    for context in &upload.contexts {
        let name = shown(context);
        let of = |list: &'_ [UploadedContext]| list.iter().find(|item| item.name == name).cloned();
        if let Some(failed) = of(&answer.errored) {
            let why = failed.error.map(|error| format!(": {error}")).unwrap_or_default();
            others.push(format!("the server failed to store context {name}{why}"));
        } else if of(&answer.ignored).is_some() {
            others.push(format!("the server ignores context {name}, because a user told it to"));
        } else if let Some(found) = of(&answer.registered).or_else(|| of(&answer.connected)) {
            if found.is_reachable == Some(false) {
                others.push(format!("the server does not reach the API server of context {name}"));
            } else {
                let id = found.connection_id.map(|id| format!(" as connection {id}")).unwrap_or_default();
                taken.push(format!("{name}{id}"));
            }
        } else {
            others.push(format!(
                "the server did not take context {name}: it does not reach its API server, or its credentials are of no \
                 use there"
            ));
        }
    }
    let taken = words::list(&taken);
    match (others.is_empty(), taken.is_empty()) {
        (true, _) => Ok(format!("the server registered {taken}")),
        (false, true) => Err(StepError::Server(others.join("; "))),
        (false, false) => Err(StepError::Server(format!("{}; it registered {taken}", others.join("; ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(contexts: &[&str]) -> Upload {
        Upload {
            file: "config".into(),
            contexts: contexts.iter().map(|name| (*name).to_owned()).collect(),
            kubeconfig: std::sync::Arc::new("{\"token\":\"theSecret kubeconfig-boundary-0\"}".to_owned().into()),
        }
    }

    #[test]
    fn form_has_one_file_and_a_separator_of_its_own() {
        let ask = request(&upload(&["a"]));
        let payload = ask.payload.as_ref().expect("a body");
        let body = String::from_utf8_lossy(&payload.bytes).into_owned();
        assert_eq!(payload.content, "multipart/form-data; boundary=kubeconfig-boundary-1");
        assert!(
            body.starts_with("--kubeconfig-boundary-1\r\nContent-Disposition: form-data; name=\"k8sfile\"; filename=")
        );
        assert!(body.ends_with("\r\n--kubeconfig-boundary-1--\r\n") && body.contains("\r\n\r\n{\"token\""), "{body}");
        assert_eq!((payload.method, payload.changes, ask.path.as_str()), ("POST", true, "/api/system/kubernetes"));
        assert!(!format!("{ask:?} {:?}", upload(&[])).contains("theSecret"));
    }

    #[test]
    fn every_context_must_be_in_the_answer() {
        let ok = r#"{"registered_contexts":[{"name":"a","connection_id":"i-1"}],"connected_contexts":[{"name":"b"}]}"#;
        assert_eq!(
            evidence(&upload(&["a", "b"]), ok).expect("taken"),
            "the server registered a as connection i-1 and b"
        );
        for (contexts, answer, says) in [
            (&["a", "c"][..], ok, "did not take context c: it does not reach its API server"),
            (&["a", "c"], ok, "; it registered a as connection i-1"),
            (&["a"], r#"{"registered_contexts":[]}"#, "did not take context a"),
            (
                &["a"],
                r#"{"erroredContexts":[{"name":"a","error":"disk full"}]}"#,
                "failed to store context a: disk full",
            ),
            (&["a"], r#"{"ignoredContexts":[{"name":"a"}]}"#, "ignores context a"),
            (
                &["a"],
                r#"{"registeredContexts":[{"name":"a","reachable":false}]}"#,
                "does not reach the API server of context a",
            ),
            (&["a"], "[", "did not say what it did"),
        ] {
            let why = evidence(&upload(contexts), answer).expect_err("an error").to_string();
            assert!(why.contains(says), "{why}");
        }
    }
}
