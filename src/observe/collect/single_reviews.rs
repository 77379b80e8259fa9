//! The second round's access reviews: single kinds, if everything at once is denied.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};

use super::{Observer, answers::parse};
use crate::{
    cluster::reviews,
    diagnose,
    facts::{Facts, Rbac, Review, permissions, redact::Redact, stack, watch_list::in_force},
    observe::queries,
    stack::{
        base::{permission::Permission, seen::Seen},
        watch_list,
    },
};

/// `MeshSync`'s own role and its binding. What they grant needs no review, and a role that redeploy wrote grants all that
/// a watch-list needs.
pub(super) struct Reader {
    role: ClusterRole,
    binding: ClusterRoleBinding,
}

impl Reader {
    /// Adds them to the observed roles, so that the diagnosis sees what they grant.
    pub(super) fn add_to(self, rbac: &mut Rbac) {
        if let (Seen::Known(roles), Seen::Known(bindings)) = (&mut rbac.cluster_roles, &mut rbac.cluster_role_bindings)
        {
            roles.push(self.role);
            bindings.push(self.binding);
        }
    }
}

impl Observer<'_> {
    /// Reviews of single kinds, if everything at once is denied or another user's permissions are needed; and the role
    /// that stands for the reviews that it makes unnecessary.
    pub(super) async fn single_reviews(
        &self,
        facts: &Facts,
        secrets: &[String],
    ) -> (Option<Seen<Vec<Review>>>, Option<Reader>) {
        let Some(first) = facts.reviews.known() else {
            return (None, None);
        };
        let mut wanted: BTreeMap<String, BTreeSet<Permission>> = BTreeMap::new();
        if let Some((user, permissions)) = permissions::operator_permissions_to_ask(facts) {
            wanted.entry(user).or_default().extend(permissions);
        }
        if diagnose::server_deploys_operator(facts)
            && let Some((user, permissions)) = permissions::server_permissions_to_ask(facts)
        {
            wanted.entry(user).or_default().extend(permissions);
        }
        let account = stack::meshsync_service_account(facts);
        let user = stack::service_account_user(&self.target.namespace, &account);
        let mut all = first.clone();
        if !all.iter().any(|review| review.user == user) {
            match reviews::ask(self.api, &user, &reviews::everything()).await {
                Seen::Known(answers) => all.extend(answers),
                other => return (Some(other), None),
            }
        }
        let everything = ["list", "watch"].iter().all(|verb| {
            all.iter().any(|review| review.user == user && review.permission.verb == *verb && review.allowed)
        });
        let mut reader = None;
        if let Some(list) = in_force(facts).filter(|_| !everything) {
            let mut permissions = watch_list::permissions(&list.effective(self.scope.profile));
            permissions.push(Permission::to("get", "", "namespaces").named("kube-system"));
            reader = self.meshsync_reader(facts, secrets).await;
            if let Some(Reader { role, binding }) = &reader {
                let user = (self.target.namespace.as_str(), account.as_str());
                permissions.retain(|permission| !permissions::granted_by(role, binding, user, permission));
            }
            wanted.entry(user).or_default().extend(permissions);
        }
        let answers = join_all(wanted.iter().map(async |(user, permissions)| {
            let permissions: Vec<Permission> = permissions.iter().cloned().collect();
            reviews::ask(self.api, user, &permissions).await
        }))
        .await;
        for answer in answers {
            match answer {
                Seen::Known(answers) => all.extend(answers),
                other => return (Some(other), reader),
            }
        }
        ((all.len() > first.len()).then_some(Seen::Known(all)), reader)
    }

    async fn meshsync_reader(&self, facts: &Facts, secrets: &[String]) -> Option<Reader> {
        let observed = facts.rbac.cluster_roles.known().is_some() && facts.rbac.cluster_role_bindings.known().is_some();
        if !observed {
            return None;
        }
        let [role, binding] = queries::meshsync_reader(self.scope.profile);
        let (role, binding) = tokio::join!(self.api.get(&role.path), self.api.get(&binding.path));
        let mut role: ClusterRole = parse(&role.ok()?, secrets).ok()?;
        let mut binding: ClusterRoleBinding = parse(&binding.ok()?, secrets).ok()?;
        role.redact();
        binding.redact();
        Some(Reader { role, binding })
    }
}
