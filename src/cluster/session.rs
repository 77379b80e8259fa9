//! A connection to a cluster that is used for several operations.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Scope, answer,
    ask::{self, ApiClient, ApiError, parse, seen},
    change::Change,
    credentials, discovery,
    kubeconfig::{self, Access, Trouble},
    obstacle,
    pages::Form,
    reviews, transport, unseen,
};
use crate::{
    facts::{Facts, Obstacle, Target},
    stack::{
        base::{
            failure::{Failure, Kind},
            permission::Permission,
            seen::Seen,
            usage::UsageError,
        },
        object::Id,
    },
};

/// A connection to a cluster.
pub struct Session<'a> {
    pub(crate) api: ApiClient<'a>,
    pub(crate) clients: transport::Clients,
    pub(crate) config: kube::Config,
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) target: Target,
    pub(crate) in_cluster: bool,
    pub(crate) started: Instant,
}

/// The result of opening a session.
pub enum Opened<'a> {
    /// It is open. No request has been sent yet.
    Session(Box<Session<'a>>),
    /// It cannot be opened: facts with nothing but the obstacle.
    Obstacle(Box<Facts>),
}

/// The API server's answer to a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was made. The object as it is now.
    Made(Value),
    /// The object or its kind does not exist.
    NotFound,
    /// Another user changed it, owns its fields, or replaced it.
    Conflict(String),
    /// The object was rejected as invalid.
    Invalid(String),
    /// A permission is missing.
    Denied(String),
    /// Any other failure.
    Failed(Failure),
}

impl<'a> Session<'a> {
    /// Resolves kubeconfig and credentials. No request is sent yet.
    ///
    /// # Errors
    ///
    /// A [`UsageError`] if something named on the command line is wrong.
    pub async fn open(access: &Access, scope: &'a Scope<'a>) -> Result<Opened<'a>, UsageError> {
        let started = Instant::now();
        let mut resolved = match kubeconfig::resolve_within(access, scope.deadline).await {
            Ok(resolved) => resolved,
            Err(Trouble::Usage(error)) => return Err(error),
            Err(Trouble::Obstacle(obstacle)) => {
                return Ok(closed(scope, Target::default(), obstacle));
            }
        };
        resolved.target.namespace = scope.namespace.clone();
        let target = resolved.target;
        let limit = scope.request_timeout.min(scope.deadline.saturating_duration_since(Instant::now()));
        let plugin = resolved.config.auth_info.exec.is_some();
        let before = Instant::now();
        if let Err(obstacle) = credentials::resolve(&mut resolved.config.auth_info, limit, scope.interactive).await {
            return Ok(closed(scope, target, obstacle));
        }
        // The time for an interactive login at the terminal is not limited.
        let waited = if plugin && scope.interactive { before.elapsed() } else { Duration::ZERO };
        credentials::remember(&resolved.config);
        let clients = match transport::clients(&resolved.config) {
            Ok(clients) => clients,
            Err(error) => {
                let (code, whose) = if plugin {
                    ("exec-plugin-failed", "credential plugin")
                } else {
                    ("kubeconfig-invalid", "kubeconfig")
                };
                let message = format!("the {whose}'s credentials cannot be used: {}", ask::from_error(&*error));
                if resolved.named && !plugin {
                    return Err(UsageError::new(message));
                }
                let obstacle = Obstacle { code: code.into(), message, evidence: Vec::new(), remedy: None };
                return Ok(closed(scope, target, obstacle));
            }
        };
        let api = ApiClient::new(clients.requests.clone(), scope.request_timeout, scope.deadline + waited, scope.log);
        Ok(Opened::Session(Box::new(Self {
            api,
            clients,
            config: resolved.config,
            scope,
            target,
            in_cluster: resolved.in_cluster,
            started,
        })))
    }

    /// A session for a stack of another profile, over the same connections.
    #[must_use]
    pub fn beside(&self, scope: &'a Scope<'a>) -> Self {
        Self {
            api: self.api.beside(),
            clients: self.clients.clone(),
            config: self.config.clone(),
            scope,
            target: Target { namespace: scope.namespace.clone(), ..self.target.clone() },
            in_cluster: self.in_cluster,
            started: self.started,
        }
    }

    /// Requests the version, which every user can read, to check whether an API server answers and accepts us.
    ///
    /// # Errors
    ///
    /// The reason, as a sentence.
    pub async fn check_reachable(&self) -> Result<(), Failure> {
        let mut answer = answer::version(self.api.get("/version").await);
        let wants_http1 = matches!(&answer, Err(failure) if transport::may_want_http1(failure.kind()));
        if self.clients.two && wants_http1 {
            // Some proxies in front of an API server support only HTTP/1.1.
            self.api.switch(self.clients.streams.clone());
            answer = answer::version(self.api.get("/version").await);
        }
        match answer {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_refusal() => Ok(()),
            Err(failure) => Err(self.in_words(&failure)),
        }
    }

    /// The user that the API server authenticated, for bindings that name us.
    ///
    /// # Errors
    ///
    /// The reason, as a sentence.
    pub async fn who_am_i(&self) -> Result<String, Failure> {
        let answer = reviews::who_am_i(&self.api).await;
        answer.map_err(|failure| self.in_words(&failure))
    }

    /// The reason, as a sentence.
    fn in_words(&self, failure: &ApiError) -> Failure {
        let message = match obstacle::from_failure(failure, &self.config, super::now()) {
            Some(obstacle) => obstacle.message,
            None => failure.to_string(),
        };
        Failure::new(failure.kind(), message)
    }

    /// The namespace of the stack.
    pub fn namespace(&self) -> &str {
        &self.target.namespace
    }

    /// One object as it is, with all its fields.
    pub async fn object(&self, id: &Id) -> Seen<Value> {
        let permission = id.permission("get");
        let answer = self.api.get(&id.path()).await;
        let object = seen(answer.and_then(|body| parse(&body)), &permission);
        self.absent_if_unserved(&id.api_version, &id.plural, object).await
    }

    /// Turns a denial into "absent" if the kind is not served. The API server checks permissions before it looks for
    /// the kind, and no permission is needed for kinds that are not served.
    pub(crate) async fn absent_if_unserved<T>(&self, api_version: &str, plural: &str, seen: Seen<T>) -> Seen<T> {
        let denied = matches!(seen, Seen::Denied(_));
        if denied && discovery::serves(&self.api, api_version, plural).await == Some(false) {
            return Seen::Absent;
        }
        seen
    }

    /// All items of a list.
    pub async fn list(&self, path: &str, permission: &Permission) -> Seen<Vec<Value>> {
        seen(self.items(path, Form::Whole).await, permission)
    }

    /// Only the metadata of a list's items. `None` if it cannot be read.
    pub async fn metadata(&self, path: &str) -> Vec<Value> {
        self.items(path, Form::Metadata).await.unwrap_or_default()
    }

    async fn items(&self, path: &str, form: Form) -> Result<Vec<Value>, ApiError> {
        let mut items = Vec::new();
        let mut reservation = self.api.reservation();
        let read = |page: String| {
            reservation.take(page.len())?;
            let mut list: Value = parse(&page)?;
            if let Value::Array(more) = list["items"].take() {
                items.extend(more);
            }
            Ok(())
        };
        self.api.pages(path, form, read).await?;
        Ok(items)
    }

    /// Those of these permissions that we lack. If they cannot be reviewed, the first denial will show it.
    pub async fn lacking(&self, permissions: Vec<Permission>) -> Vec<Permission> {
        let answers = join_all(permissions.iter().map(|permission| self.may(permission))).await;
        permissions
            .into_iter()
            .zip(answers)
            .filter(|(_, answer)| *answer == Seen::Known(false))
            .map(|(permission, _)| permission)
            .collect()
    }

    /// Whether we have a permission.
    pub async fn may(&self, permission: &Permission) -> Seen<bool> {
        reviews::may(&self.api, permission).await
    }

    /// Makes a change or its dry run.
    pub async fn change(&self, change: &Change<'_>) -> Answer {
        let (status, text) = match self.api.change(change).await {
            Ok(answer) => answer,
            Err(ApiError::Failed(failure)) => return Answer::Failed(failure),
            Err(refusal) => {
                return Answer::Failed(Failure::new(refusal.kind(), refusal.to_string()));
            }
        };
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = crate::facts::redact::text(body["message"].as_str().unwrap_or_else(|| text.trim())).into_owned();
        match status.as_u16() {
            200..=202 => Answer::Made(body),
            403 => Answer::Denied(message),
            404 => Answer::NotFound,
            409 => Answer::Conflict(message),
            422 => Answer::Invalid(message),
            code => {
                let kind = Kind::of_message(&message).unwrap_or(match code {
                    429 => Kind::TooManyRequests,
                    500.. => Kind::ServerError,
                    _ => Kind::Other,
                });
                let message = format!("the API server returned {code}: {message}");
                Answer::Failed(Failure::new(kind, message))
            }
        }
    }
}

fn closed<'a>(scope: &Scope<'_>, target: Target, obstacle: Obstacle) -> Opened<'a> {
    let target = Target { namespace: scope.namespace.clone(), ..target };
    Opened::Obstacle(Box::new(unseen(scope.profile, target, obstacle)))
}
