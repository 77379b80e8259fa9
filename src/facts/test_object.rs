//! The object that the event flow test creates, changes and deletes: its possible kinds, its content, and whether
//! `MeshSync` would publish it. Pure.

use super::watch_list::in_force;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    facts::{Facts, HeldBack, stack},
    stack::{
        base::permission::Permission,
        object::{self, Id, group_of},
        output_filter::OutputFilter,
        profile::Profile,
        watch_list::{EVENTS, WatchList},
    },
};

/// The prefix of the names of all test objects.
pub const NAME: &str = "meshdoctor-probe-";

/// The label that marks test objects.
pub const OWNER: (&str, &str) = ("app.kubernetes.io/managed-by", "meshdoctor");

/// The label that names the purpose.
pub const PURPOSE: (&str, &str) = ("app.kubernetes.io/component", "dataflow-probe");

/// The label that names the run.
pub const RUN: &str = "meshdoctor/run";

/// The annotation with the time after which anyone may delete the object.
pub const EXPIRES: &str = "meshdoctor/expires-at";

/// The annotation that is changed by the test.
const CHANGED: &str = "meshdoctor/changed";

/// A kind whose objects are harmless: they run nothing, are not reachable, and request nothing from a provider.
#[derive(Debug)]
pub struct Kind {
    /// The word on the command line.
    pub word: &'static str,
    /// Its resource, as a watch-list names it.
    pub resource: &'static str,
    /// The kind itself.
    pub of: object::Kind,
    /// Its content apart from the metadata.
    content: fn() -> Value,
}

/// The kinds to choose from, the most harmless first.
pub static KINDS: &[Kind] = &[
    Kind {
        word: "configmap",
        resource: "configmaps.v1.",
        of: object::CONFIG_MAP,
        content: || json!({ "data": { "purpose": "a test of meshdoctor; safe to delete" } }),
    },
    Kind { word: "deployment", resource: "deployments.v1.apps", of: object::DEPLOYMENT, content: workload },
    Kind { word: "replicaset", resource: "replicasets.v1.apps", of: object::REPLICA_SET, content: workload },
    Kind {
        word: "cronjob",
        resource: "cronjobs.v1.batch",
        of: object::CRON_JOB,
        content: || {
            let pod = json!({ "restartPolicy": "Never", "containers": [container()] });
            let job = json!({ "spec": { "template": { "spec": pod } } });
            json!({ "spec": { "schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": job } })
        },
    },
    Kind {
        word: "service",
        resource: "services.v1.",
        of: object::SERVICE,
        content: || json!({ "spec": { "clusterIP": "None", "ports": [{ "port": 80 }] } }),
    },
];

/// A workload without pods.
fn workload() -> Value {
    let labels = json!({ PURPOSE.0: PURPOSE.1 });
    json!({ "spec": {
        "replicas": 0,
        "selector": { "matchLabels": labels },
        "template": { "metadata": { "labels": labels }, "spec": { "containers": [container()] } },
    } })
}

/// A container that never runs.
fn container() -> Value {
    json!({ "name": "none", "image": "registry.k8s.io/pause:3.10" })
}

impl Kind {
    /// The kind with this command-line name.
    pub fn named(word: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.word == word)
    }

    /// The path of the collection in a namespace.
    pub fn collection(&self, namespace: &str) -> String {
        Id::of(self.of, Some(namespace), "").collection()
    }

    /// The permission for this verb on it in a namespace.
    pub fn permission(&self, verb: &str, namespace: &str) -> Permission {
        Permission::to(verb, group_of(self.of.api_version), self.of.plural).in_namespace(namespace)
    }

    /// Every permission that a test with it needs.
    pub fn permissions(&self, namespace: &str) -> Vec<Permission> {
        ["create", "delete", "list", "patch", "watch"].map(|verb| self.permission(verb, namespace)).into()
    }

    /// The object to create.
    pub fn object(&self, namespace: &str, run: &str, round: u32, expires: Timestamp) -> Value {
        let mut object = json!({
            "apiVersion": self.of.api_version,
            "kind": self.of.kind,
            "metadata": {
                "name": name(run, round),
                "namespace": namespace,
                "labels": { OWNER.0: OWNER.1, PURPOSE.0: PURPOSE.1, RUN: run },
                "annotations": { EXPIRES: format!("{expires:.0}") },
            },
        });
        if let (Value::Object(object), Value::Object(content)) = (&mut object, (self.content)()) {
            object.extend(content);
        }
        object
    }
}

/// The name of a run's object.
pub fn name(run: &str, round: u32) -> String {
    format!("{NAME}{run}-{round}")
}

/// A merge patch that changes a test object.
pub fn change(round: u32) -> Value {
    json!({ "metadata": { "annotations": { CHANGED: round.to_string() } } })
}

/// The label selector of all test objects, encoded for a URL.
pub fn selector() -> String {
    in_address(&format!("{}={},{}={}", OWNER.0, OWNER.1, PURPOSE.0, PURPOSE.1))
}

/// The label selector of one run's objects, encoded for a URL.
pub fn selector_of(run: &str) -> String {
    in_address(&format!("{RUN}={run}"))
}

fn in_address(selector: &str) -> String {
    selector.replace('/', "%2F").replace('=', "%3D").replace(',', "%2C")
}

/// The subject to which a live run subscribes, so that others can see that it is alive.
pub fn private_subject(run: &str) -> String {
    format!("meshdoctor.run.{run}")
}

/// Why `MeshSync` publishes no events of a resource.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublished {
    /// A `MeshSync` flag excludes it.
    #[error("{0}")]
    Filtered(String),
    /// The whitelist has no entry for it.
    #[error("the watch-list does not have {0}")]
    NotListed(String),
    /// The whitelist's entry has no valid event type.
    #[error("the watch-list's entry for {0} has no event type that MeshSync knows")]
    NoEvent(String),
    /// The blacklist contains it.
    #[error("the watch-list excludes {0}")]
    LeftOut(String),
}

/// The kind that a test uses, and its event types that `MeshSync` publishes.
///
/// # Errors
///
/// Why `MeshSync` would publish nothing of it.
pub fn choose(
    facts: &Facts,
    wanted: Option<&'static Kind>,
    namespace: &str,
) -> Result<(&'static Kind, Vec<&'static str>), HeldBack> {
    let covered = |kind: &Kind| published(facts, kind.resource, namespace);
    let first = wanted.unwrap_or(&KINDS[0]);
    let why = match covered(first) {
        Ok(events) => return Ok((first, events)),
        Err(why) => why,
    };
    let other = KINDS.iter().find_map(|kind| covered(kind).ok().map(|events| (kind, events)));
    match other {
        // The first kind was not requested explicitly, so another one serves as well.
        Some(found) if wanted.is_none() => Ok(found),
        _ => Err(HeldBack::NotWatched {
            kind: first.of.kind.into(),
            why: why.to_string(),
            instead: other.map(|(kind, _)| kind.word.into()),
        }),
    }
}

/// The event types that `MeshSync` is configured to publish for a resource in a namespace.
///
/// If its list is invalid, the test must show what it does: every event type.
///
/// # Errors
///
/// Why there are none.
pub fn published(facts: &Facts, resource: &str, namespace: &str) -> Result<Vec<&'static str>, NotPublished> {
    let profile = facts.profile;
    if let Some(deployment) = stack::meshsync_deployment(facts).known() {
        let filter = OutputFilter::of(deployment, profile);
        if let Some(why) = filter.excludes(resource, namespace) {
            return Err(NotPublished::Filtered(why));
        }
    }
    match in_force(facts) {
        Some(list) => listed(&list, resource, profile),
        None => Ok(EVENTS.to_vec()),
    }
}

fn listed(list: &WatchList, resource: &str, profile: &Profile) -> Result<Vec<&'static str>, NotPublished> {
    match list {
        WatchList::Whitelist(entries) => {
            let entry = entries.iter().find(|entry| entry.resource == resource);
            let entry = entry.ok_or_else(|| NotPublished::NotListed(resource.into()))?;
            let events = entry.published();
            if events.is_empty() {
                return Err(NotPublished::NoEvent(resource.into()));
            }
            Ok(events)
        }
        WatchList::Blacklist(_) if !list.effective(profile).iter().any(|name| name.as_str() == resource) => {
            Err(NotPublished::LeftOut(resource.into()))
        }
        _ => Ok(EVENTS.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::profile::MESHERY;

    fn list(data: &Value) -> WatchList {
        WatchList::of_data(Some(data), "data", &MESHERY)
    }

    #[test]
    fn every_kind_can_be_watched_by_meshsync() {
        for kind in KINDS {
            let table = MESHERY.meshsync.default_watch_list;
            assert!(table.contains(&kind.resource), "{}", kind.resource);
        }
    }

    #[test]
    fn covered_kinds_are_the_published_ones() {
        let entries = r#"[{"Resource": "configmaps.v1.", "Events": ["ADDED", "DELETED"]},
            {"Resource": "services.v1.", "Events": []}]"#;
        let white = list(&json!({ "whitelist": entries }));
        let covered = |resource| listed(&white, resource, &MESHERY);
        assert_eq!(covered("configmaps.v1."), Ok(vec!["ADDED", "DELETED"]));
        assert!(covered("services.v1.").is_err());
        assert!(covered("deployments.v1.apps").is_err());
        let black = list(&json!({ "blacklist": r#"["configmaps.v1."]"# }));
        assert!(listed(&black, "configmaps.v1.", &MESHERY).is_err());
        assert!(listed(&black, "services.v1.", &MESHERY).is_ok());
    }

    #[test]
    fn object_names_its_run_and_its_expiry() {
        let object = KINDS[0].object("meshery", "abc", 2, Timestamp::UNIX_EPOCH);
        assert_eq!(object["metadata"]["name"], "meshdoctor-probe-abc-2");
        assert_eq!(object["metadata"]["labels"][OWNER.0], OWNER.1);
        assert_eq!(object["metadata"]["annotations"][EXPIRES], "1970-01-01T00:00:00Z");
    }
}
