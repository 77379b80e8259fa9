//! The permissions that a removal takes.

use std::collections::BTreeSet;

use super::{
    super::plan::{Action, Plan, Refusal},
    Found, Request, belongings,
};
use crate::stack::{
    base::permission::Permission,
    inventory::{self, Part},
    object::{self, Id},
    profile::Profile,
};

/// The rights that a plan takes, with those of what can only be planned later.
pub fn rights(profile: &Profile, namespace: &str, request: &Request, found: &Found, plan: &Plan) -> Vec<Permission> {
    let mut later = Plan::default();
    let mut rights = Vec::new();
    if plan.continues {
        belongings(profile, namespace, request, found, &mut later);
        for (part, plural) in [(Part::Meshsync, "meshsyncs"), (Part::Broker, "brokers")] {
            let right = |verb| Permission::to(verb, profile.group, plural).in_namespace(namespace);
            if request.parts.contains(&part) {
                rights.push(right("delete"));
                rights.extend(request.clear_finalizers.then(|| right("patch")));
            }
        }
    }
    for step in plan.steps.iter().chain(&later.steps) {
        rights.extend(match step.action {
            Action::Delete { .. } => Some(step.id.permission("delete")),
            Action::Patch { .. } | Action::ClearFinalizers { .. } => Some(step.id.permission("patch")),
            _ => None,
        });
    }
    rights.sort();
    rights.dedup();
    rights
}

/// Every right that removing these parts may take, whatever there is of them.
pub fn most_rights(profile: &Profile, namespace: &str, parts: &BTreeSet<Part>) -> Vec<Permission> {
    let mut rights = Vec::new();
    for belonging in inventory::of(profile, namespace) {
        let id = &belonging.id;
        rights.push(id.permission("get"));
        if parts.contains(&belonging.part) {
            rights.push(id.permission("delete"));
        }
        // A definition is freed of its webhook, a binding of our accounts.
        if matches!(id.kind.as_str(), "CustomResourceDefinition" | "ClusterRoleBinding") {
            rights.push(id.permission("patch"));
        }
    }
    let of_kind = |verb: &str, kind: object::Kind| {
        let group = Id::of(kind, None, "").group().to_owned();
        Permission::to(verb, &group, kind.plural).in_namespace(namespace)
    };
    for kind in [object::DEPLOYMENT, object::STATEFUL_SET] {
        rights.push(of_kind("list", kind));
    }
    if parts.contains(&Part::Meshsync) {
        // The Deployment bears the name of its MeshSync, which may be any and is not known before the cluster is asked:
        // a rule with names could not hold it. So the namespace is as narrow as it gets.
        rights.extend(["get", "delete"].map(|verb| of_kind(verb, object::DEPLOYMENT)));
    }
    for plural in ["meshsyncs", "brokers"] {
        // They have any name.
        let verbs = ["list", "get", "delete", "patch"];
        rights.extend(verbs.map(|verb| Permission::to(verb, profile.group, plural).in_namespace(namespace)));
        // What goes with a definition is said first, and a copy made of it, wherever it is.
        if parts.contains(&Part::Definitions) {
            let groups = [Some(profile.group), profile.former_group];
            for group in groups.into_iter().flatten() {
                rights.extend(["get", "list"].map(|verb| Permission::to(verb, group, plural)));
            }
        }
    }
    rights.sort();
    rights.dedup();
    rights
}

/// The command that prints the rights that a removal takes.
pub(super) fn printed_rights(namespace: &str, request: &Request) -> String {
    let mut command = format!("meshdoctor rbac reset -n {namespace}");
    for (part, flag) in [(Part::Definitions, " --crds"), (Part::Namespace, " --delete-namespace")] {
        if request.parts.contains(&part) {
            command.push_str(flag);
        }
    }
    command
}

/// The refusal for want of rights, where any is missing.
///
/// # Errors
///
/// The [`Refusal`], with every right.
pub fn permit(namespace: &str, request: &Request, missing: &[Permission]) -> Result<(), Refusal> {
    if missing.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = missing.iter().map(Permission::to_string).collect();
    Err(Refusal::new(format!("we may not {}", all.join(", nor ")), [printed_rights(namespace, request)]))
}
