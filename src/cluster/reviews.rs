//! Access reviews: asks the API server for the permissions of the stack's `ServiceAccount`.

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{ApiClient, ApiError, parse, seen};
use crate::{
    facts::Review,
    stack::base::{failure::Kind, permission::Permission, seen::Seen, words},
};

/// The path of an access review about another user.
const REVIEW_PATH: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// The permission to create one.
pub(crate) fn review() -> Permission {
    Permission::to("create", "authorization.k8s.io", "subjectaccessreviews")
}

/// The permissions that are reviewed first. One review of everything saves one for each kind.
///
/// Permission to delete everything stands for every change, because the rules that grant it name the verbs one by one.
pub(crate) fn everything() -> Vec<Permission> {
    ["delete", "list", "watch"].map(|verb| Permission::to(verb, "*", "*")).into()
}

/// The user that the API server authenticated.
pub(crate) async fn who_am_i(api: &ApiClient<'_>) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    struct Answer {
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        user_info: UserInfo,
    }
    #[derive(Deserialize)]
    struct UserInfo {
        username: String,
    }
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let body = api.post(path, &review).await?;
    let answer: Answer = serde_json::from_str(&body).map_err(|error| malformed(&error))?;
    Ok(answer.status.user_info.username)
}

/// Reviews each of these permissions of `user`, a `ServiceAccount`.
pub(crate) async fn ask(api: &ApiClient<'_>, user: &str, permissions: &[Permission]) -> Seen<Vec<Review>> {
    let answers = join_all(permissions.iter().map(|permission| one(api, user, permission))).await;
    seen(answers.into_iter().collect(), &review())
}

async fn one(api: &ApiClient<'_>, user: &str, permission: &Permission) -> Result<Review, ApiError> {
    let namespace = user.split(':').nth(2).unwrap_or_default();
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "groups": [
                "system:serviceaccounts",
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated",
            ],
            "resourceAttributes": attributes(permission),
        },
    });
    let body = api.post(REVIEW_PATH, &review).await?;
    let answer: AccessReview = serde_json::from_str(&body).map_err(|error| malformed(&error))?;
    Ok(Review { user: user.into(), permission: permission.clone(), allowed: answer.status.allowed })
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        Kind::Malformed,
        format!("the response to the access review is malformed: {}", words::malformed(error)),
    )
}

/// The answer to an access review.
#[derive(Deserialize)]
struct AccessReview {
    status: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    allowed: bool,
}

/// A permission in the form of an access review.
fn attributes(permission: &Permission) -> Value {
    json!({
        "verb": permission.verb,
        "group": permission.group,
        "resource": permission.resource,
        "subresource": permission.subresource,
        "namespace": permission.namespace,
        "name": permission.name,
    })
}

/// Reviews one of our own permissions.
pub(crate) async fn may(api: &ApiClient<'_>, permission: &Permission) -> Seen<bool> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes(permission) },
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = api.post(path, &review).await;
    let asking = Permission::to("create", "authorization.k8s.io", "selfsubjectaccessreviews");
    seen(answer.and_then(|body| parse::<AccessReview>(&body)), &asking).map(|review| review.status.allowed)
}
