//! Classifies an answer of the API server: a usable body, or a typed failure.

use http::{HeaderMap, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    facts::redact,
    stack::base::{
        failure::{Failure, Kind},
        permission::Permission,
        seen::{Denial, Seen},
        words,
    },
};

/// Why a request has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// 403.
    #[error("forbidden")]
    Denied,
    /// 404.
    #[error("not found")]
    NotFound,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl ApiError {
    /// A failure of this kind.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self::Failed(Failure::new(kind, message))
    }

    /// What went wrong.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Denied => Kind::Forbidden,
            Self::NotFound => Kind::NotFound,
            Self::Failed(failure) => failure.kind,
        }
    }

    /// Whether this answer came from an API server.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Denied | Self::NotFound)
    }
}

/// Whether the requested object exists, according to an answer.
pub(crate) fn seen<T>(answer: Result<T, ApiError>, permission: &Permission) -> Seen<T> {
    match answer {
        Ok(value) => Seen::Known(value),
        Err(ApiError::NotFound) => Seen::Absent,
        Err(ApiError::Denied) => Seen::Denied(Denial { missing: vec![permission.clone()] }),
        Err(ApiError::Failed(failure)) => Seen::Unreachable(failure),
    }
}

/// An answer's JSON as a type.
pub(crate) fn parse<T: DeserializeOwned>(body: &str) -> Result<T, ApiError> {
    serde_json::from_str(body).map_err(|error| {
        ApiError::new(Kind::Malformed, format!("the API server's response is malformed: {}", words::malformed(&error)))
    })
}

/// A list as the API server writes it. An empty list of metadata has null items.
#[derive(Deserialize)]
pub(crate) struct List<T> {
    pub(crate) items: Option<Vec<T>>,
}

/// An object of which only the metadata is parsed.
#[derive(Deserialize)]
pub(crate) struct ListedObject {
    pub(crate) metadata: ObjectMeta,
}

/// Interprets an answer's status and body.
pub(crate) fn judge(status: StatusCode, headers: &HeaderMap, text: String) -> Result<String, ApiError> {
    let json = text.trim_start().starts_with('{');
    match status {
        StatusCode::OK | StatusCode::CREATED if json => Ok(text),
        StatusCode::UNAUTHORIZED if is_status(&text) => {
            Err(ApiError::new(Kind::Unauthorized, "the API server rejected our credentials (401)"))
        }
        StatusCode::FORBIDDEN if is_status(&text) => Err(ApiError::Denied),
        StatusCode::NOT_FOUND if is_status(&text) || text.starts_with("404 page not found") => Err(ApiError::NotFound),
        status if status.is_redirection() => {
            let to = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("somewhere");
            Err(not_an_api(format!("it responded with a redirect to {}", redact::location(to))))
        }
        status if is_status(&text) => Err(server_error(&text, status)),
        // The wording of Go's HTTP server, which API servers use.
        StatusCode::BAD_REQUEST if text.contains("HTTP request to an HTTPS server") => {
            Err(not_an_api("it speaks TLS, but the request was plain HTTP: the address must begin with https://"))
        }
        status if json => {
            Err(not_an_api(format!("it returned {} with JSON that is not a Kubernetes Status", status.as_u16())))
        }
        status => {
            let kind =
                headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("no content type");
            Err(not_an_api(format!(
                "it returned {} with {kind}{}, but an API server returns JSON",
                status.as_u16(),
                title(&text)
            )))
        }
    }
}

/// The user in a denial: `pods is forbidden: User "jane" cannot list resource "pods" …`.
pub(crate) fn denied_user(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    let status: Status = serde_json::from_str(text).ok()?;
    let (_, rest) = status.message.split_once("forbidden: User \"")?;
    let (user, _) = rest.split_once("\" cannot ")?;
    (!user.is_empty()).then(|| user.to_owned())
}

/// Whether a body is a Kubernetes `Status`, the form of all errors of an API server.
fn is_status(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        kind: String,
    }
    serde_json::from_str::<Typed>(text).is_ok_and(|typed| typed.kind == "Status")
}

/// Reads the answer to `/version`. Without a plausible version nothing is known of a cluster.
///
/// # Errors
///
/// What was wrong with it. A denial, as hardened clusters return it, also proves an API server.
pub(crate) fn version(answer: Result<String, ApiError>) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "gitVersion")]
        git: String,
        #[expect(dead_code, reason = "it has to be there")]
        major: String,
        #[expect(dead_code, reason = "it has to be there")]
        minor: String,
    }
    match answer {
        Ok(body) => match serde_json::from_str::<Version>(&body) {
            Ok(version) if !version.git.is_empty() => Ok(body),
            _ => Err(not_an_api("its response to /version contains no Kubernetes version")),
        },
        Err(ApiError::NotFound) => Err(not_an_api("it returned 404 for /version")),
        Err(other) => Err(other),
    }
}

/// An answer that does not come from an API server.
pub(crate) fn not_an_api(why: impl Into<String>) -> ApiError {
    ApiError::new(Kind::NotAnApiServer, why)
}

/// The API server's own error, with its message.
fn server_error(text: &str, status: StatusCode) -> ApiError {
    #[derive(Deserialize)]
    struct Status {
        message: Option<String>,
    }
    let message = serde_json::from_str::<Status>(text).ok().and_then(|status| status.message);
    let kind = message.as_deref().and_then(Kind::of_message).unwrap_or(match status {
        StatusCode::TOO_MANY_REQUESTS => Kind::TooManyRequests,
        _ => Kind::ServerError,
    });
    let message = match message {
        Some(message) => format!("the API server returned {}: {}", status.as_u16(), redact::text(&message)),
        None => format!("the API server returned {}", status.as_u16()),
    };
    ApiError::new(kind, message)
}

/// The title of an HTML page, which often names the proxy that sent it.
fn title(text: &str) -> String {
    let lower = text.to_lowercase();
    match (lower.find("<title>"), lower.find("</title>")) {
        (Some(from), Some(to)) if from + 7 < to && to <= text.len() => {
            let title = text.get(from + 7..to).unwrap_or_default().trim();
            let title: String = redact::text(title).chars().take(80).collect();
            format!(" titled \"{title}\"")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::denied_user;

    #[test]
    fn denial_names_the_user() {
        let status = |message: &str| serde_json::json!({ "kind": "Status", "message": message }).to_string();
        let denial = r#"pods is forbidden: User "system:serviceaccount:ci:runner" cannot list resource "pods""#;
        assert_eq!(denied_user(&status(denial)).as_deref(), Some("system:serviceaccount:ci:runner"));
        assert_eq!(denied_user(&status("pods \"a\" is forbidden: violates PodSecurity")), None);
        assert_eq!(denied_user("forbidden"), None);
    }
}
