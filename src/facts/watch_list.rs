//! The watch-list of a `MeshSync` CR, and the effect of its entries in this cluster. Pure.

use strsim::levenshtein;

use super::{
    Facts, Meshsync, Served,
    destination::{self, GivenBy},
    stack,
};
use crate::stack::{
    base::seen::Seen,
    profile::Profile,
    watch_list::{WatchList, is_well_formed, resource_and_group},
};

impl Meshsync {
    /// Its watch-list, completed with the defaults of one profile.
    pub fn watch_list(&self, profile: &Profile) -> WatchList {
        match &self.spec.watch_list {
            Some(list) => WatchList::of_data(list.get("data"), "spec.watch-list.data", profile),
            None => WatchList::Empty,
        }
    }
}

/// The watch-list that `MeshSync` uses: that of its CR, or the built-in one if its Deployment was not created by
/// the operator and has its own broker address. `None` if no CR was observed otherwise.
pub fn in_force(facts: &Facts) -> Option<WatchList> {
    let meshsyncs = stack::meshsyncs(facts);
    if let Some(meshsync) = meshsyncs.items().first() {
        return Some(meshsync.watch_list(facts.profile));
    }
    let standalone = destination::of(facts).filter(|to| to.given_by == GivenBy::Deployment);
    standalone.map(|_| WatchList::Empty)
}

/// The effect of a whitelist entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// `MeshSync` watches it.
    Watched,
    /// The cluster serves it, but it is not in `MeshSync`'s table.
    Ignored,
    /// The cluster does not serve it. Contains the name that was probably meant.
    Unknown(Option<String>),
    /// It does not have the form `plural.version.group`. Contains the name that was probably meant.
    Malformed(Option<String>),
    /// It is not in `MeshSync`'s table, and it is not known whether the cluster serves it.
    Unresolved,
}

/// The effect of a whitelist entry, given the resources that the cluster serves.
pub fn standing(resource: &str, served: &Seen<Served>, profile: &Profile) -> Standing {
    let table = profile.meshsync.default_watch_list;
    let nearest = || nearest(resource, served.known(), profile);
    if !is_well_formed(resource) {
        return Standing::Malformed(nearest());
    }
    let group = resource_and_group(resource).map_or("", |(_, group)| group);
    match served {
        Seen::Known(served) if served.resources.iter().any(|name| name == resource) => {
            if table.contains(&resource) {
                Standing::Watched
            } else {
                Standing::Ignored
            }
        }
        // An API group whose server is down may serve it later.
        Seen::Known(served) if served.stale.iter().any(|stale| stale == group) => Standing::Unresolved,
        Seen::Known(_) => Standing::Unknown(nearest()),
        _ if table.contains(&resource) => Standing::Watched,
        _ => Standing::Unresolved,
    }
}

/// The name that was probably meant: the same kind with another spelling, version or group, otherwise the most similar
/// name.
fn nearest(resource: &str, served: Option<&Served>, profile: &Profile) -> Option<String> {
    let wanted = resource.to_lowercase();
    let kind = wanted.split('.').next().unwrap_or_default();
    let candidates = || {
        let table = profile.meshsync.default_watch_list.iter().copied();
        let others = served.iter().flat_map(|s| s.resources.iter());
        table.chain(others.map(String::as_str))
    };
    let is_plural = |name: &str| {
        let plural = name.split('.').next().unwrap_or_default();
        !kind.is_empty()
            && (plural == kind
                || plural == format!("{kind}s")
                || plural == format!("{kind}es")
                || kind.strip_suffix('y').is_some_and(|stem| plural == format!("{stem}ies")))
    };
    candidates()
        .filter(|name| is_plural(name))
        .min_by_key(|name| levenshtein(&wanted, name))
        .or_else(|| {
            candidates()
                .map(|name| (levenshtein(&wanted, name), name))
                .filter(|(distance, name)| *distance <= name.len() / 4)
                .min_by_key(|(distance, _)| *distance)
                .map(|(_, name)| name)
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::profile::MESHERY;

    #[test]
    fn entries_are_classified_by_the_table_and_the_cluster() {
        let served = Seen::Known(Served {
            resources: ["pods.v1.", "jobs.v1.batch", "ingresses.v1.networking.k8s.io"].map(String::from).into(),
            stale: vec!["metrics.k8s.io".into()],
        });
        let at = |entry: &str| standing(entry, &served, &MESHERY);
        let meant = |name: &str| Some(name.to_owned());
        assert_eq!(at("pods.v1."), Standing::Watched);
        assert_eq!(at("jobs.v1.batch"), Standing::Ignored);
        assert_eq!(at("pods.v1"), Standing::Malformed(meant("pods.v1.")));
        assert_eq!(at("pod.v1."), Standing::Unknown(meant("pods.v1.")));
        assert_eq!(at("Deployment.v1.apps"), Standing::Unknown(meant("deployments.v1.apps")));
        assert_eq!(at("ingresses.v1beta1.extensions"), Standing::Unknown(meant("ingresses.v1.networking.k8s.io")));
        assert_eq!(at("job.v1.batch"), Standing::Unknown(meant("jobs.v1.batch")));
        assert_eq!(at("quite.v1.other"), Standing::Unknown(None));
        assert_eq!(at("nodes.v1beta1.metrics.k8s.io"), Standing::Unresolved);
        assert_eq!(standing("jobs.v1.batch", &Seen::NotLooked, &MESHERY), Standing::Unresolved);
    }
}
