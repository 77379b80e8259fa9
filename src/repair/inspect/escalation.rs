//! Whether we are allowed to grant the roles of an installation, if no dry run can tell: a role whose namespace does not
//! exist yet, and a binding whose role does not. RBAC prevents escalation: a user can write a role only with all of its
//! permissions or with the verb `escalate`, and bind it only with all of its permissions or with the verb `bind`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    cluster::session::Session,
    repair::deployment::{DryRun, Tried},
    stack::{
        base::{permission::Permission, seen::Seen},
        manifests::Object,
        object::{self, Kind},
    },
};

impl Session<'_> {
    /// Marks those as denied that we are not allowed to write.
    pub(crate) async fn ungranted(&self, tried: &mut [Tried]) {
        for at in 0..tried.len() {
            if tried[at].dry_run != DryRun::TooEarly {
                continue;
            }
            let object = &tried[at].object;
            let (role, verb) = match &object.body["roleRef"] {
                Value::Null if object.id.kind == object::ROLE.kind => (Some(object), "escalate"),
                reference => (role(tried, reference), "bind"),
            };
            if let Some(role) = role
                && let Some(why) = self.not_held(role, verb).await
            {
                tried[at].dry_run = DryRun::Denied(why);
            }
        }
    }

    /// Which permissions of a role we lack; `None` if we have the verb, or all of its permissions.
    async fn not_held(&self, role: &Object, verb: &str) -> Option<String> {
        if self.may(&role.id.permission(verb)).await != Seen::Known(false) {
            return None;
        }
        let lacking = self.lacking(granted(role)).await;
        if lacking.is_empty() {
            return None;
        }
        let mut verbs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for mut permission in lacking {
            let verb = std::mem::take(&mut permission.verb);
            verbs.entry(permission.to_string().trim().to_owned()).or_default().insert(verb);
        }
        let all: Vec<String> = verbs
            .into_iter()
            .map(|(what, verbs)| {
                let verbs: Vec<String> = verbs.into_iter().collect();
                format!("{} {what}", verbs.join(", "))
            })
            .collect();
        Some(format!("cannot {verb} {}, and lack these of its permissions: {}", role.id, all.join("; ")))
    }
}

/// The role that a binding of the installation refers to.
fn role<'a>(tried: &'a [Tried], reference: &Value) -> Option<&'a Object> {
    let is = |kind: Kind, object: &Object| {
        reference["kind"] == kind.kind && object.id.kind == kind.kind && reference["name"] == object.id.name.as_str()
    };
    tried.iter().map(|tried| &tried.object).find(|object| is(object::ROLE, object) || is(object::CLUSTER_ROLE, object))
}

/// The permissions that a role grants, one by one.
fn granted(role: &Object) -> Vec<Permission> {
    let words = |list: &Value| -> Vec<String> {
        let words = object::items(list);
        words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let mut permissions = Vec::new();
    for rule in object::items(&role.body["rules"]) {
        let mut names: Vec<Option<String>> = words(&rule["resourceNames"]).into_iter().map(Some).collect();
        if names.is_empty() {
            names.push(None);
        }
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                for verb in words(&rule["verbs"]) {
                    for name in &names {
                        permissions.push(Permission {
                            namespace: role.id.namespace.clone(),
                            name: name.clone(),
                            ..Permission::to(&verb, &group, &resource)
                        });
                    }
                }
            }
        }
    }
    permissions
}
