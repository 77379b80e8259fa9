//! The permissions that a removal needs.

use std::collections::BTreeSet;

use super::{
    super::plan::{Action, Advice, Plan, Refusal},
    Found, Request, objects,
};
use crate::stack::{
    base::permission::Permission,
    inventory::{self, Part},
    object::{self, Id},
    profile::Profile,
};

/// The permissions that a plan needs, and those of the steps that can be planned only later.
pub fn permissions(
    profile: &Profile,
    namespace: &str,
    request: &Request,
    found: &Found,
    plan: &Plan,
) -> Vec<Permission> {
    let mut later = Plan::default();
    let mut permissions = Vec::new();
    if plan.continues {
        objects(profile, namespace, request, found, &mut later);
        for (part, plural) in [(Part::Meshsync, "meshsyncs"), (Part::Broker, "brokers")] {
            let permission = |verb| Permission::to(verb, profile.group, plural).in_namespace(namespace);
            if request.parts.contains(&part) {
                permissions.push(permission("delete"));
                permissions.extend(request.clear_finalizers.then(|| permission("patch")));
            }
        }
    }
    for step in plan.steps.iter().chain(&later.steps) {
        permissions.extend(match step.action {
            Action::Delete { .. } => Some(step.id.permission("delete")),
            Action::Patch { .. } | Action::ClearFinalizers { .. } => Some(step.id.permission("patch")),
            _ => None,
        });
    }
    permissions.sort();
    permissions.dedup();
    permissions
}

/// Every permission that removing these parts may need, whichever objects exist.
pub fn all_permissions(profile: &Profile, namespace: &str, parts: &BTreeSet<Part>) -> Vec<Permission> {
    let mut permissions = Vec::new();
    for entry in inventory::of(profile, namespace) {
        let id = &entry.id;
        permissions.push(id.permission("get"));
        if parts.contains(&entry.part) {
            permissions.push(id.permission("delete"));
        }
        // The webhook is removed from a CRD, and our accounts from a shared binding.
        if matches!(id.kind.as_str(), "CustomResourceDefinition" | "ClusterRoleBinding") {
            permissions.push(id.permission("patch"));
        }
    }
    let of_kind = |verb: &str, kind: object::Kind| {
        let group = Id::of(kind, None, "").group().to_owned();
        Permission::to(verb, &group, kind.plural).in_namespace(namespace)
    };
    for kind in [object::DEPLOYMENT, object::STATEFUL_SET] {
        permissions.push(of_kind("list", kind));
    }
    if parts.contains(&Part::Meshsync) {
        // The Deployment has the name of its MeshSync CR, which can be any name and is not known before the cluster is
        // asked. A rule with names could not cover it, so the namespace is the narrowest scope.
        permissions.extend(["get", "delete"].map(|verb| of_kind(verb, object::DEPLOYMENT)));
    }
    if profile.random_leases().is_some() {
        permissions.push(of_kind("list", object::LEASE));
        if parts.contains(&Part::Operator) {
            permissions.extend(["get", "delete"].map(|verb| of_kind(verb, object::LEASE)));
        }
    }
    for plural in ["meshsyncs", "brokers"] {
        // They can have any name.
        let verbs = ["list", "get", "delete", "patch"];
        permissions.extend(verbs.map(|verb| Permission::to(verb, profile.group, plural).in_namespace(namespace)));
        // The custom resources that are deleted with a CRD are listed and backed up first, in every namespace.
        if parts.contains(&Part::Definitions) {
            let groups = [Some(profile.group), profile.former_group];
            for group in groups.into_iter().flatten() {
                permissions.extend(["get", "list"].map(|verb| Permission::to(verb, group, plural)));
            }
        }
    }
    permissions.sort();
    permissions.dedup();
    permissions
}

/// The command that prints the permissions that a removal needs.
pub(super) fn printed_permissions(request: &Request) -> Advice {
    let mut command = "rbac reset".to_owned();
    for (part, flag) in [(Part::Definitions, " --crds"), (Part::Namespace, " --delete-namespace")] {
        if request.parts.contains(&part) {
            command.push_str(flag);
        }
    }
    Advice::command(command)
}

/// The refusal if a permission is missing.
///
/// # Errors
///
/// The [`Refusal`], with every missing permission.
pub fn permit(request: &Request, missing: &[Permission]) -> Result<(), Refusal> {
    if missing.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = missing.iter().map(Permission::to_string).collect();
    Err(Refusal::new(format!("permissions are missing: {}", all.join("; ")), [printed_permissions(request)]))
}
