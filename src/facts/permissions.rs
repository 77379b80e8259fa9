//! The permissions of a `ServiceAccount`, according to the API server or to its roles and bindings, and the permissions
//! that the operator needs. Pure.
//!
//! No library evaluates RBAC over observed objects. This code is used where no access review is possible: for
//! recordings, and for roles that an installation would create.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};

use crate::{
    facts::{Facts, stack},
    stack::{
        base::{permission::Permission, seen::Seen},
        profile::Profile,
    },
};

/// Whether the `ServiceAccount` has a cluster-wide permission.
pub fn may(facts: &Facts, account: &str, permission: &Permission) -> Seen<bool> {
    let user = stack::service_account_user(&facts.target.namespace, account);
    match &facts.reviews {
        Seen::Known(reviews) => {
            let answer = |wanted: &dyn Fn(&Permission) -> bool| {
                reviews
                    .iter()
                    .find(|review| review.user == user && wanted(&review.permission))
                    .map(|review| review.allowed)
            };
            let everything = answer(&|r| r.verb == permission.verb && r.resource == "*" && r.group == "*");
            if everything == Some(true) {
                return Seen::Known(true);
            }
            match answer(&|r| r == permission).or(everything.filter(|_| permission.resource == "*")) {
                Some(allowed) => Seen::Known(allowed),
                // Only some roles of a live cluster are read. They can prove a permission, but not that it is missing.
                None => match by_roles(facts, account, permission) {
                    Seen::Known(true) => Seen::Known(true),
                    _ => Seen::NotLooked,
                },
            }
        }
        Seen::NotLooked => by_roles(facts, account, permission),
        other => other.clone().map(|_| false),
    }
}

/// Whether the `ServiceAccount` can watch a resource, which needs `list` and `watch`.
pub fn may_watch(facts: &Facts, account: &str, group: &str, resource: &str) -> Seen<bool> {
    let mut both = true;
    for verb in ["list", "watch"] {
        match may(facts, account, &Permission::to(verb, group, resource)) {
            Seen::Known(answer) => both &= answer,
            other => return other,
        }
    }
    Seen::Known(both)
}

/// What a server needs to deploy the operator with its chart.
pub fn to_deploy_operator(namespace: &str) -> [Permission; 3] {
    [
        Permission::to("create", "apps", "deployments").in_namespace(namespace),
        Permission::to("create", "rbac.authorization.k8s.io", "clusterroles"),
        Permission::to("create", "apiextensions.k8s.io", "customresourcedefinitions"),
    ]
}

/// The user of the server in the cluster, and what it needs to deploy the operator. `None` if the operator is there.
pub fn server_permissions_to_ask(facts: &Facts) -> Option<(String, [Permission; 3])> {
    let server = stack::server_deployment(facts);
    let server = server.known().filter(|_| stack::operator(facts).is_absent())?;
    let namespace = &facts.target.namespace;
    let user = stack::service_account_user(namespace, stack::account_of(server));
    Some((user, to_deploy_operator(namespace)))
}

/// Evaluates the cluster-wide roles and bindings.
fn by_roles(facts: &Facts, account: &str, permission: &Permission) -> Seen<bool> {
    let (Seen::Known(roles), Seen::Known(bindings)) = (&facts.rbac.cluster_roles, &facts.rbac.cluster_role_bindings)
    else {
        return Seen::NotLooked;
    };
    let user = (facts.target.namespace.as_str(), account);
    if bindings.iter().any(|binding| roles.iter().any(|role| granted_by(role, binding, user, permission))) {
        return Seen::Known(true);
    }
    match &permission.namespace {
        Some(namespace) if *namespace == facts.target.namespace => within(facts, account, permission),
        _ => Seen::Known(false),
    }
}

/// Whether a binding's role grants a permission. `None` if the role was not observed.
pub fn grants(facts: &Facts, binding: &ClusterRoleBinding, permission: &Permission) -> Option<bool> {
    let rules = rules_of(facts.rbac.cluster_roles.items(), &binding.role_ref)?;
    Some(rules.iter().any(|rule| covers(rule, permission)))
}

/// Whether a role and its binding grant the `ServiceAccount` a permission in the whole cluster.
pub fn granted_by(
    role: &ClusterRole,
    binding: &ClusterRoleBinding,
    user: (&str, &str),
    permission: &Permission,
) -> bool {
    let (namespace, account) = user;
    role.metadata.name.as_ref() == Some(&binding.role_ref.name)
        && names(binding.subjects.as_deref(), namespace, account)
        && role.rules.iter().flatten().any(|rule| covers(rule, permission))
}

/// Evaluates the roles and bindings of the namespace, which can also grant a permission in it.
fn within(facts: &Facts, account: &str, permission: &Permission) -> Seen<bool> {
    let namespace = &facts.target.namespace;
    let (Seen::Known(roles), Seen::Known(bindings), Seen::Known(cluster_roles)) =
        (&facts.rbac.roles, &facts.rbac.role_bindings, &facts.rbac.cluster_roles)
    else {
        return Seen::NotLooked;
    };
    let allowed = bindings
        .iter()
        .filter(|binding| names(binding.subjects.as_deref(), namespace, account))
        .filter_map(|binding| match &binding.role_ref {
            role if role.kind == "ClusterRole" => rules_of(cluster_roles, role),
            role => roles.iter().find(|candidate| candidate.metadata.name.as_ref() == Some(&role.name))?.rules.as_ref(),
        })
        .flatten()
        .any(|rule| covers(rule, permission));
    Seen::Known(allowed)
}

fn rules_of<'a>(roles: &'a [ClusterRole], role: &RoleRef) -> Option<&'a Vec<PolicyRule>> {
    roles.iter().find(|candidate| candidate.metadata.name.as_ref() == Some(&role.name))?.rules.as_ref()
}

/// Whether the subjects of a binding include the `ServiceAccount`.
pub fn names(subjects: Option<&[Subject]>, namespace: &str, account: &str) -> bool {
    subjects.unwrap_or_default().iter().any(|subject| match subject.kind.as_str() {
        "ServiceAccount" => subject.name == account && subject.namespace.as_deref() == Some(namespace),
        "Group" => {
            subject.name == "system:serviceaccounts"
                || subject.name == "system:authenticated"
                || subject.name == format!("system:serviceaccounts:{namespace}")
        }
        "User" => subject.name == stack::service_account_user(namespace, account),
        _ => false,
    })
}

fn covers(rule: &PolicyRule, permission: &Permission) -> bool {
    let has = |list: Option<&Vec<String>>, word: &str| {
        list.is_some_and(|list| list.iter().any(|item| item == "*" || item == word))
    };
    let by_name = match (&rule.resource_names, &permission.name) {
        (None, _) => true,
        (Some(names), _) if names.is_empty() => true,
        (Some(names), Some(name)) => names.contains(name),
        (Some(_), None) => false,
    };
    by_name
        && rule.verbs.iter().any(|verb| verb == "*" || *verb == permission.verb)
        && has(rule.api_groups.as_ref(), &permission.group)
        && has(rule.resources.as_ref(), &permission.full_resource())
}

/// The permissions that the current operator's code needs. It watches all namespaces and changes objects in this one.
pub fn operator_permissions(profile: &Profile, namespace: &str) -> Vec<Permission> {
    let kinds = [
        ("", "configmaps"),
        ("", "secrets"),
        ("", "services"),
        ("apps", "deployments"),
        ("apps", "statefulsets"),
        (profile.group, "brokers"),
        (profile.group, "meshsyncs"),
    ];
    let mut permissions = Vec::new();
    for (group, resource) in kinds {
        permissions.extend(["list", "watch"].map(|verb| Permission::to(verb, group, resource)));
        permissions.extend(
            ["create", "delete", "get", "patch", "update"]
                .map(|verb| Permission::to(verb, group, resource).in_namespace(namespace)),
        );
    }
    for plural in ["brokers", "meshsyncs"] {
        let status = format!("{plural}/status");
        permissions.extend(
            ["get", "patch", "update"].map(|verb| Permission::to(verb, profile.group, &status).in_namespace(namespace)),
        );
        let finalizers = format!("{plural}/finalizers");
        permissions.push(Permission::to("update", profile.group, &finalizers).in_namespace(namespace));
    }
    permissions.extend(
        ["create", "get", "update"]
            .map(|verb| Permission::to(verb, "coordination.k8s.io", "leases").in_namespace(namespace)),
    );
    permissions.push(Permission::to("create", "", "events").in_namespace(namespace));
    permissions.push(Permission::to("create", "authentication.k8s.io", "tokenreviews"));
    permissions.push(Permission::to("create", "authorization.k8s.io", "subjectaccessreviews"));
    permissions
}

/// Whether the operator's `ServiceAccount` has one of the permissions that it needs.
///
/// Permission to list and watch everything implies `get`, and permission to delete everything implies every change,
/// because the rules that grant them name these verbs together.
pub fn operator_may(facts: &Facts, account: &str, permission: &Permission) -> Seen<bool> {
    let everything = |verb: &str| may(facts, account, &Permission::to(verb, "*", "*")) == Seen::Known(true);
    let implied = match permission.verb.as_str() {
        "get" | "list" | "watch" => everything("list") && everything("watch"),
        _ => everything("delete"),
    };
    if implied {
        return Seen::Known(true);
    }
    may(facts, account, permission)
}

/// The operator's permissions that neither the first reviews nor the roles settle, with the full name of the
/// `ServiceAccount`.
pub fn operator_permissions_to_ask(facts: &Facts) -> Option<(String, Vec<Permission>)> {
    if !stack::is_current_operator(facts) {
        return None;
    }
    let account = stack::operator_service_account(facts);
    let mut permissions = operator_permissions(facts.profile, &facts.target.namespace);
    permissions.retain(|permission| operator_may(facts, &account, permission) != Seen::Known(true));
    let user = stack::service_account_user(&facts.target.namespace, &account);
    (!permissions.is_empty()).then_some((user, permissions))
}
