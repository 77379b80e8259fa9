//! The policies of the network plugin, which Kubernetes does not define. They are listed only where they are served.

use futures_util::future::join_all;

use super::{collect::Observer, queries};
use crate::{
    cluster::{
        ask::{ApiError, List, ListedObject, parse, seen},
        discovery,
        pages::Form,
    },
    facts::{CniPolicy, Facts, Served, stack},
    stack::{
        base::{permission::Permission, seen::Seen},
        cni::{self, PolicyKind},
    },
};

impl Observer<'_> {
    /// The policies of the network plugin that may apply to the stack. Without its pods, they do not matter.
    pub(super) async fn cni_policies(&self, facts: &Facts, served: &Seen<Served>) -> Seen<Vec<CniPolicy>> {
        let has_pods = !stack::meshsync_pods(facts).is_empty() || self.depth == super::Depth::Preflight;
        if !self.depth.is_whole() || !has_pods {
            return Seen::NotLooked;
        }
        let groups = match served {
            // All resources were listed already.
            Seen::Known(_) => &[],
            _ => match discovery::group_versions(self.api).await {
                Ok(groups) => groups,
                Err(failure) => return seen(Err(failure), &Permission::default()),
            },
        };
        let is_served = |kind: &PolicyKind| match served {
            Seen::Known(served) => {
                served.resources.contains(&format!("{}.{}.{}", kind.plural, kind.version, kind.group))
            }
            _ => groups.contains(&format!("{}/{}", kind.group, kind.version)),
        };
        let kinds = cni::PLUGINS.iter().filter_map(|forms| forms.iter().find(|kinds| kinds.iter().any(is_served)));
        let answers = join_all(kinds.copied().flatten().map(|kind| self.of_kind(kind))).await;
        let mut policies = Vec::new();
        let mut failure = None;
        for answer in answers {
            match answer {
                Seen::Known(found) => policies.extend(found),
                Seen::Absent => {}
                other => failure = Some(other),
            }
        }
        // One policy is enough to know that not everything can be evaluated.
        match failure {
            Some(failure) if policies.is_empty() => failure,
            _ => Seen::Known(policies),
        }
    }

    async fn of_kind(&self, kind: &PolicyKind) -> Seen<Vec<CniPolicy>> {
        let query = queries::cni_policies(kind, &self.target.namespace);
        let mut policies = Vec::new();
        let read = |page: String| {
            let list: List<ListedObject> = parse(&page)?;
            let names = list.items.into_iter().flatten().filter_map(|item| item.metadata.name);
            policies.extend(
                names.filter(|name| !cni::is_copy(name)).map(|name| CniPolicy { kind: kind.kind.to_owned(), name }),
            );
            Ok::<(), ApiError>(())
        };
        let answer = self.api.pages(&query.path, Form::Metadata, read).await;
        seen(answer.map(|()| policies), &query.permission)
    }
}
