//! The object that a test of the flow makes, changes and removes: what it may be, what it looks like, and whether
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

/// How the name of every such object begins.
pub const NAME: &str = "meshdoctor-probe-";

/// The label that says whose it is.
pub const OWNER: (&str, &str) = ("app.kubernetes.io/managed-by", "meshdoctor");

/// The label that says what it is for.
pub const PURPOSE: (&str, &str) = ("app.kubernetes.io/component", "dataflow-probe");

/// The label that names the run.
pub const RUN: &str = "meshdoctor/run";

/// The annotation that says when whoever finds it may remove it.
pub const EXPIRES: &str = "meshdoctor/expires-at";

/// The annotation that is written to change it.
const CHANGED: &str = "meshdoctor/changed";

/// A kind of which an object does no harm: nothing runs, nothing is reached, nothing is asked of a provider.
#[derive(Debug)]
pub struct Kind {
    /// The word on the command line.
    pub word: &'static str,
    /// Its resource, as a watch-list names it.
    pub resource: &'static str,
    /// The kind itself.
    pub of: object::Kind,
    /// What it holds beside its metadata.
    content: fn() -> Value,
}

/// The kinds that may be chosen, the most harmless first.
pub static KINDS: &[Kind] = &[
    Kind {
        word: "configmap",
        resource: "configmaps.v1.",
        of: object::CONFIG_MAP,
        content: || json!({ "data": { "purpose": "a test of meshdoctor; it may be removed" } }),
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

/// A workload of no pods.
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
    /// The kind of that word.
    pub fn named(word: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.word == word)
    }

    /// The path of all in a namespace.
    pub fn collection(&self, namespace: &str) -> String {
        Id::of(self.of, Some(namespace), "").collection()
    }

    /// The right to do this with it in a namespace.
    pub fn right(&self, verb: &str, namespace: &str) -> Permission {
        Permission::to(verb, group_of(self.of.api_version), self.of.plural).in_namespace(namespace)
    }

    /// Every right that a test with it takes.
    pub fn rights(&self, namespace: &str) -> Vec<Permission> {
        ["create", "delete", "list", "patch", "watch"].map(|verb| self.right(verb, namespace)).into()
    }

    /// The object, to be made.
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

/// A merge patch that changes an object.
pub fn change(round: u32) -> Value {
    json!({ "metadata": { "annotations": { CHANGED: round.to_string() } } })
}

/// The selector of all such objects, as it stands in an address.
pub fn selector() -> String {
    in_address(&format!("{}={},{}={}", OWNER.0, OWNER.1, PURPOSE.0, PURPOSE.1))
}

/// The selector of one run's objects, as it stands in an address.
pub fn selector_of(run: &str) -> String {
    in_address(&format!("{RUN}={run}"))
}

fn in_address(selector: &str) -> String {
    selector.replace('/', "%2F").replace('=', "%3D").replace(',', "%2C")
}

/// The subject on which a run that lives listens, and by which others know that it does.
pub fn private_subject(run: &str) -> String {
    format!("meshdoctor.run.{run}")
}

/// Why `MeshSync` publishes nothing of a resource.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublished {
    /// An option of `MeshSync` filters it out.
    #[error("{0}")]
    Filtered(String),
    /// The whitelist has no entry for it.
    #[error("the watch-list does not have {0}")]
    NotListed(String),
    /// The whitelist's entry names no known event.
    #[error("the watch-list's entry for {0} names no event that MeshSync knows")]
    NoEvent(String),
    /// The blacklist has it.
    #[error("the watch-list leaves {0} out")]
    LeftOut(String),
}

/// The kind that a test uses, and the events that `MeshSync` publishes of it.
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
        // Nobody asked for the first: another says as much.
        Some(found) if wanted.is_none() => Ok(found),
        _ => Err(HeldBack::NotWatched {
            kind: first.of.kind.into(),
            why: why.to_string(),
            instead: other.map(|(kind, _)| kind.word.into()),
        }),
    }
}

/// The events that `MeshSync` publishes of a resource in a namespace, as it is told.
///
/// Where its list cannot be used at all, what it does is to be found out rather than assumed: every event.
///
/// # Errors
///
/// Why there are none.
pub fn published(facts: &Facts, resource: &str, namespace: &str) -> Result<Vec<&'static str>, NotPublished> {
    let profile = facts.profile;
    if let Some(deployment) = stack::meshsync_deployment(facts).known() {
        let filter = OutputFilter::of(deployment, profile);
        if let Some(why) = filter.leaves_out(resource, namespace) {
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
    fn every_kind_is_one_that_meshsync_can_watch() {
        for kind in KINDS {
            let table = MESHERY.meshsync.default_watch_list;
            assert!(table.contains(&kind.resource), "{}", kind.resource);
        }
    }

    #[test]
    fn what_a_list_covers_is_what_it_publishes() {
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
    fn an_object_says_whose_it_is_and_until_when() {
        let object = KINDS[0].object("meshery", "abc", 2, Timestamp::UNIX_EPOCH);
        assert_eq!(object["metadata"]["name"], "meshdoctor-probe-abc-2");
        assert_eq!(object["metadata"]["labels"][OWNER.0], OWNER.1);
        assert_eq!(object["metadata"]["annotations"][EXPIRES], "1970-01-01T00:00:00Z");
    }
}
