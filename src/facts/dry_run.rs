//! Interprets the API server's answer to a dry run. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    facts::{Answer, DryRun, Effect, ReviewedPermission, difference::LEFTOVERS},
    stack::base::{failure::Kind, seen::Seen},
};

/// The result of a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DryRunOutcome<'a> {
    /// The server accepts the object.
    Accepted {
        /// Whether it would be created, not changed.
        created: bool,
        /// The server's message about fields that other managers own.
        conflict: Option<&'a str>,
    },
    /// It exists with a field that cannot be changed, so it would be deleted and recreated. The server's message.
    Recreated(&'a str),
    /// It cannot be validated until this condition is met.
    Waits(String),
    /// We do not have permission to write it.
    Denied,
    /// It grants permissions that we cannot grant. The server's message.
    Escalates(&'a str),
    /// Pod Security rejects it. The server's message.
    Insecure(&'a str),
    /// Something else rejects it. The server's message.
    Refused(&'a Answer),
    /// The result is not known.
    Unknown(String),
}

/// The condition for custom resources whose CRDs have a conversion webhook.
const CONVERSION_OFF: &str = "the conversion webhook of the CRDs is switched off";

impl DryRunOutcome<'_> {
    /// Classifies the answer to a dry run.
    pub(crate) fn of(trial: &DryRun) -> DryRunOutcome<'_> {
        let answer = match &trial.answer {
            Seen::Known(answer) => answer,
            other => return DryRunOutcome::Unknown(other.why_unsettled().unwrap_or_default()),
        };
        if answer.status != 409 {
            return read(trial, answer, None);
        }
        match &trial.forced {
            Seen::Known(forced) if forced.status != 409 => read(trial, forced, Some(&answer.message)),
            other => {
                DryRunOutcome::Unknown(other.why_unsettled().unwrap_or_else(|| "other managers own its fields".into()))
            }
        }
    }
}

fn read<'a>(trial: &DryRun, answer: &'a Answer, conflict: Option<&'a str>) -> DryRunOutcome<'a> {
    let message = answer.message.as_str();
    let says = |words: &str| message.contains(words);
    match answer.status {
        200 if trial.effect == Seen::Known(Effect::Recreated) => DryRunOutcome::Recreated(LEFTOVERS),
        200 | 201 => DryRunOutcome::Accepted { created: answer.status == 201, conflict },
        404 => DryRunOutcome::Waits(waits(trial, message)),
        403 if says("attempting to grant RBAC permissions not currently held") => DryRunOutcome::Escalates(message),
        403 if says("violates PodSecurity") => DryRunOutcome::Insecure(message),
        403 if says("is being terminated") => {
            DryRunOutcome::Waits(format!("namespace {} is recreated", trial.namespace.as_deref().unwrap_or_default()))
        }
        // This is how the authorizer words it. Admission uses other words. If access reviews granted every permission,
        // no role would help.
        403 if says(" cannot ") && says(" resource \"") && !all_granted(trial) => DryRunOutcome::Denied,
        // Our custom resource has a field that the installed CRD does not have. Our CRD is applied first.
        500 if is_of_schema(message) => DryRunOutcome::Waits(format!("the {} CRD is updated", trial.kind)),
        422 if is_recreated(&trial.kind, message) => DryRunOutcome::Recreated(message),
        // An installation switches the conversion webhook off before it applies its CRDs.
        422 if says("should not be set when strategy is not set to Webhook") => {
            DryRunOutcome::Waits(CONVERSION_OFF.into())
        }
        500 if says("conversion webhook for") => DryRunOutcome::Waits(CONVERSION_OFF.into()),
        _ if says("does not support dry run") => DryRunOutcome::Unknown(message.to_owned()),
        // No decision was made. A failing admission webhook is different: the request is rejected.
        429 | 500.. if Kind::of_message(message) != Some(Kind::AdmissionWebhook) => {
            let why = format!("the API server returned {}", answer.status);
            DryRunOutcome::Unknown(match message {
                "" => why,
                message => format!("{why}: {message}"),
            })
        }
        _ => DryRunOutcome::Refused(answer),
    }
}

/// Whether access reviews were made and granted every permission.
fn all_granted(trial: &DryRun) -> bool {
    let granted = |asked: &ReviewedPermission| asked.allowed == Seen::Known(true);
    !trial.permissions.is_empty() && trial.permissions.iter().all(granted)
}

/// The missing prerequisite, taken from the server's message.
fn waits(trial: &DryRun, message: &str) -> String {
    let named = message.split('"').nth(1).unwrap_or_default();
    if message.starts_with("namespaces \"") {
        format!("namespace {named} exists")
    } else if message.starts_with("clusterroles.") {
        format!("ClusterRole {named} exists")
    } else if message.starts_with("roles.") {
        format!("Role {named} exists")
    } else {
        format!("the {} CRD exists", trial.kind)
    }
}

/// The rules in the server's message about permissions that we cannot grant, in readable form, with resources grouped
/// by verbs: `get, list deployments.apps, secrets`.
pub(crate) fn rules_not_held<'a>(messages: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut resources: BTreeMap<Vec<&str>, BTreeSet<String>> = BTreeMap::new();
    for line in messages.into_iter().flat_map(str::lines).map(str::trim) {
        // `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`
        if !line.starts_with('{') {
            continue;
        }
        let list = |key: &str| -> Vec<&str> {
            line.split_once(key)
                .and_then(|(_, rest)| rest.split_once(']'))
                .map(|(list, _)| list.split('"').skip(1).step_by(2).collect())
                .unwrap_or_default()
        };
        let group = list("APIGroups:[").first().copied().unwrap_or_default();
        let mut verbs = list("Verbs:[");
        verbs.sort_unstable();
        let found = resources.entry(verbs).or_default();
        for resource in list("Resources:[") {
            found.insert(if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") });
        }
    }
    resources
        .into_iter()
        .map(|(verbs, resources)| {
            let resources: Vec<String> = resources.into_iter().collect();
            format!("{} {}", verbs.join(", "), resources.join(", "))
        })
        .collect()
}

/// Whether an object that the API server rejects with this message is deleted and recreated.
///
/// The messages are those for Deployments ("field is immutable") and bindings ("cannot change roleRef"). A selector
/// that no longer matches the template's labels is reported first and means the same.
pub fn is_recreated(kind: &str, why: &str) -> bool {
    // Recreating these kinds loses nothing.
    matches!(kind, "Deployment" | "RoleBinding" | "ClusterRoleBinding")
        && ["immutable", "cannot change roleRef", "`selector` does not match"].iter().any(|words| why.contains(words))
}

/// Whether the API server rejects a custom resource with this message because the installed CRD does not have one of its
/// fields, or has another type for it. Server-side apply answers 500 then.
pub fn is_of_schema(message: &str) -> bool {
    message.contains("failed to create typed patch object") || message.contains("field not declared in schema")
}

/// The field managers in the API server's message other than the stack's known installers. Their fields are not
/// overwritten without being asked.
pub fn foreign_managers(conflict: &str) -> BTreeSet<String> {
    let known = ["kubectl", "meshery-operator", "meshplay-operator"];
    let mut managers = managers(conflict);
    managers.retain(|manager| !known.iter().any(|known| manager.starts_with(known)));
    managers
}

/// The field managers in the API server's message: `conflict with "kubectl-edit" using apps/v1: .spec.replicas`.
pub(crate) fn managers(conflict: &str) -> BTreeSet<String> {
    conflict
        .split("conflict with \"")
        .skip(1)
        .chain(conflict.split("conflicts with \"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(status: u16, message: &str) -> DryRun {
        DryRun {
            kind: "Role".into(),
            name: "some".into(),
            answer: Seen::Known(Answer { status, message: message.into() }),
            ..DryRun::default()
        }
    }

    #[test]
    fn rejections_are_classified_by_their_message() {
        let denied = r#"roles.rbac.authorization.k8s.io "x" is forbidden: User "u" cannot patch resource "roles" in API group "rbac.authorization.k8s.io" in the namespace "n""#;
        assert_eq!(DryRunOutcome::of(&trial(403, denied)), DryRunOutcome::Denied);
        let mut granted = trial(403, denied);
        granted.permissions.push(ReviewedPermission { allowed: Seen::Known(true), ..ReviewedPermission::default() });
        assert!(matches!(DryRunOutcome::of(&granted), DryRunOutcome::Refused(_)));
        let grants = "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"u\" (groups=[\"g\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"apps\"], Resources:[\"deployments\"], Verbs:[\"get\" \"list\"]}";
        assert_eq!(DryRunOutcome::of(&trial(403, grants)), DryRunOutcome::Escalates(grants));
        let quota = "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0";
        assert!(matches!(DryRunOutcome::of(&trial(403, quota)), DryRunOutcome::Refused(_)));
        assert_eq!(
            DryRunOutcome::of(&trial(404, "namespaces \"n\" not found")),
            DryRunOutcome::Waits("namespace n exists".into())
        );
        assert_eq!(
            DryRunOutcome::of(&trial(404, "404 page not found")),
            DryRunOutcome::Waits("the Role CRD exists".into())
        );
    }

    #[test]
    fn immutable_fields_recreate_kinds_that_lose_nothing() {
        let of =
            |kind: &str| DryRun { kind: kind.into(), ..trial(422, "spec.selector: Invalid value: field is immutable") };
        assert!(matches!(DryRunOutcome::of(&of("Deployment")), DryRunOutcome::Recreated(_)));
        assert!(matches!(DryRunOutcome::of(&of("CustomResourceDefinition")), DryRunOutcome::Refused(_)));
        let another =
            DryRun { kind: "Deployment".into(), ..trial(422, "spec.replicas: Invalid value: must be greater than 0") };
        assert!(matches!(DryRunOutcome::of(&another), DryRunOutcome::Refused(_)));
    }

    #[test]
    fn rules_not_held_are_listed_in_readable_form() {
        let message = "attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"apps\"], Resources:[\"deployments\"], Verbs:[\"list\" \"get\"]}\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}\n{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"watch\"]}";
        assert_eq!(rules_not_held([message]), ["get, list deployments.apps, secrets", "watch *.*"]);
    }
}
