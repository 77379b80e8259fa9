//! The table of observed kinds: the Kubernetes objects that are kept as they are.
//!
//! One row per field of [`Facts`]. The row says which objects the field contains, when they are queried from the API
//! server, and which files of a dump contain them. Requests, permissions, recordings and dumps are all derived from
//! these rows. A new kind needs a row here, a field in [`Facts`], and [`Redact`] for its type.

use std::collections::BTreeMap;

use k8s_openapi::{
    Metadata, Resource,
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        coordination::v1::Lease,
        core::v1::{Event, Namespace, Pod, Service},
        discovery::v1::EndpointSlice,
        networking::v1::NetworkPolicy,
        rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Crd, CustomResource, Depth, Facts, network, redact::Redact};
use crate::stack::{base::seen::Seen, profile::Profile};

/// One row: the objects of one field.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// The name in queries, timings and recordings.
    pub name: &'static str,
    /// The `apiVersion`. Empty for custom resources, whose group and versions are in the profile.
    pub api_version: &'static str,
    /// The plural name in paths and permissions.
    pub resource: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// What is queried.
    pub request: Request,
    /// The lowest depth at which it is queried.
    pub from: Depth,
    /// Whether other objects of the kind belong to another row.
    pub shared: bool,
    /// Whether it is queried for Service Mesh Hub, too.
    pub of_hub: bool,
    /// The short file names for the kind in a dump. The resource name is always accepted as a file name.
    pub files: &'static [&'static str],
}

/// What is queried from the API server.
#[derive(Clone, Copy, Debug)]
pub enum Request {
    /// The list in the stack's namespace.
    List,
    /// The list in the stack's namespace, once for each version of the profile.
    Versions,
    /// One object of the namespace, by its name.
    Named(fn(&Profile) -> String),
    /// One cluster-scoped object, by its name. The second argument is the stack's namespace.
    ClusterNamed(fn(&Profile, &str) -> String),
    /// Cluster-scoped objects, each by its name.
    Each(fn(&Profile) -> Vec<String>),
    /// Nothing. Only recordings and dumps contain it.
    Nothing,
}

/// The leader election Lease.
pub const LEASE: Observed = row::<Lease>(Request::Named(|profile| profile.operator.lease.to_owned()), Depth::Check);

/// Every row, one for each field of [`Facts`]: `one` object, `many`, or many in several `versions`.
macro_rules! observed {
    ($($shape:ident $($field:ident).+ = $row:expr;)*) => {
        /// The rows.
        pub const ALL: &[Observed] = &[$($row),*];

        /// Reads every field from this source.
        pub(crate) fn read<S: Source>(facts: &mut Facts, source: &mut S) -> Result<(), S::Error> {
            $(facts.$($field).+ = source.$shape(&const { $row })?;)*
            // The pod of a network test has MeshSync's labels, but is not part of the stack.
            if let Seen::Known(pods) = &mut facts.pods {
                pods.retain(|pod| !network::is_own(&pod.metadata));
            }
            Ok(())
        }

        /// Writes every field to this sink.
        pub(crate) fn write(facts: &Facts, sink: &mut impl Sink) {
            $(sink.$shape(&const { $row }, &facts.$($field).+);)*
        }
    };
}

observed! {
    one namespace = row::<Namespace>(Request::ClusterNamed(|_, name| name.to_owned()), Depth::Check)
        .called("namespace").also_of_hub();
    one broker_crd = crd("crd/broker", Request::ClusterNamed(|profile, _| profile.broker_crd()));
    one meshsync_crd = crd("crd/meshsync", Request::ClusterNamed(|profile, _| profile.meshsync_crd()));
    many former_crds = crd("crd/former", Request::Each(Profile::former_crds));
    versions brokers = custom("brokers", "Broker", Depth::Status);
    versions meshsyncs = custom("meshsyncs", "MeshSync", Depth::WatchList);
    many deployments = row::<Deployment>(Request::List, Depth::WatchList).files(&["deploy"]).also_of_hub();
    many statefulsets = row::<StatefulSet>(Request::List, Depth::Status).files(&["sts"]);
    many replicasets = row::<ReplicaSet>(Request::List, Depth::Status).files(&["rs"]).also_of_hub();
    many pods = row::<Pod>(Request::List, Depth::Status).files(&["po"]).also_of_hub();
    many services = row::<Service>(Request::List, Depth::Status).files(&["svc"]);
    many endpointslices = row::<EndpointSlice>(Request::List, Depth::Check);
    many networkpolicies = row::<NetworkPolicy>(Request::List, Depth::Check).files(&["netpol"]);
    many events = row::<Event>(Request::List, Depth::Check).also_of_hub();
    one lease = LEASE;
    many rbac.cluster_roles = row::<ClusterRole>(
        Request::Each(|profile| owned(profile.operator.cluster_roles)), Depth::Check
    ).files(&["cluster-rbac"]);
    many rbac.cluster_role_bindings = row::<ClusterRoleBinding>(
        Request::Each(|profile| owned(profile.operator.cluster_role_bindings)), Depth::Check
    ).files(&["cluster-rbac"]);
    many rbac.roles = row::<Role>(Request::Nothing, Depth::Check);
    many rbac.role_bindings = row::<RoleBinding>(Request::Nothing, Depth::Check);
}

const fn row<T: Resource>(request: Request, from: Depth) -> Observed {
    Observed {
        name: T::URL_PATH_SEGMENT,
        api_version: T::API_VERSION,
        resource: T::URL_PATH_SEGMENT,
        kind: T::KIND,
        request,
        from,
        shared: false,
        of_hub: false,
        files: &[],
    }
}

const fn crd(name: &'static str, request: Request) -> Observed {
    let mut row = row::<CustomResourceDefinition>(request, Depth::Check).called(name);
    row.shared = true;
    row
}

const fn custom(resource: &'static str, kind: &'static str, from: Depth) -> Observed {
    Observed {
        name: resource,
        api_version: "",
        resource,
        kind,
        request: Request::Versions,
        from,
        shared: false,
        of_hub: false,
        files: &[],
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl Observed {
    const fn called(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    const fn also_of_hub(mut self) -> Self {
        self.of_hub = true;
        self
    }

    /// Whether it is queried for a profile.
    pub fn is_of(&self, profile: &Profile) -> bool {
        self.of_hub || !profile.is_hub()
    }

    const fn files(mut self, files: &'static [&'static str]) -> Self {
        self.files = files;
        self
    }

    /// The names of the objects that belong to the row. `None` if all objects of the kind do.
    pub fn names(&self, profile: &Profile, namespace: &str) -> Option<Vec<String>> {
        match self.request {
            Request::Named(name) => Some(vec![name(profile)]),
            Request::ClusterNamed(name) => Some(vec![name(profile, namespace)]),
            Request::Each(names) if self.shared => Some(names(profile)),
            _ => None,
        }
    }

    /// The name of the query for one version of a custom resource.
    pub fn in_version(&self, version: &str) -> String {
        format!("{}.{version}", self.name)
    }
}

/// A Kubernetes object of any kind.
pub(crate) trait Object: Serialize + DeserializeOwned + Redact {
    fn metadata(&self) -> &ObjectMeta;
}

impl<T> Object for T
where
    T: Metadata<Ty = ObjectMeta> + Serialize + DeserializeOwned + Redact,
{
    fn metadata(&self) -> &ObjectMeta {
        Metadata::metadata(self)
    }
}

impl Object for Crd {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
}

impl<S, T> Object for CustomResource<S, T>
where
    Self: Serialize + DeserializeOwned + Redact,
{
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
}

/// Objects by the version in which they were queried.
pub(crate) type Versions<T> = BTreeMap<String, Seen<Vec<T>>>;

/// A source of objects: the API server's answers, a recording, or a dump.
pub(crate) trait Source {
    type Error;

    fn one<T: Object>(&mut self, row: &Observed) -> Result<Seen<T>, Self::Error>;
    fn many<T: Object>(&mut self, row: &Observed) -> Result<Seen<Vec<T>>, Self::Error>;
    fn versions<T: Object>(&mut self, row: &Observed) -> Result<Versions<T>, Self::Error>;
}

/// A destination of objects: a recording.
pub(crate) trait Sink {
    fn one<T: Object>(&mut self, row: &Observed, seen: &Seen<T>);
    fn many<T: Object>(&mut self, row: &Observed, seen: &Seen<Vec<T>>);
    fn versions<T: Object>(&mut self, row: &Observed, seen: &Versions<T>);
}

/// The result of querying the objects of a row.
pub(crate) struct Outcome {
    pub(crate) row: Observed,
    /// The version in which a custom resource was queried.
    version: Option<String>,
    /// Whether the objects were observed.
    pub(crate) seen: Seen<()>,
}

impl Outcome {
    /// What was queried, in words.
    pub(crate) fn title(&self) -> String {
        let kind = self.row.kind;
        match (&self.version, self.row.request) {
            (Some(version), _) => format!("{} in {version}", self.row.resource),
            _ if self.row.name == "crd/broker" => "the Broker CRD".into(),
            _ if self.row.name == "crd/meshsync" => "the MeshSync CRD".into(),
            (None, Request::Named(_)) => format!("the {kind}"),
            (None, Request::ClusterNamed(_)) => kind.into(),
            _ => kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies")),
        }
    }
}

/// The results for each row, one by one for each version of a custom resource.
pub(crate) fn outcomes(facts: &Facts) -> Vec<Outcome> {
    struct Outcomes(Vec<Outcome>);

    impl Sink for Outcomes {
        fn one<T: Object>(&mut self, row: &Observed, seen: &Seen<T>) {
            self.0.push(Outcome { row: *row, version: None, seen: seen.as_ref().map(|_| ()) });
        }

        fn many<T: Object>(&mut self, row: &Observed, seen: &Seen<Vec<T>>) {
            self.0.push(Outcome { row: *row, version: None, seen: seen.as_ref().map(|_| ()) });
        }

        fn versions<T: Object>(&mut self, row: &Observed, seen: &Versions<T>) {
            self.0.extend(seen.iter().map(|(version, seen)| Outcome {
                row: *row,
                version: Some(version.clone()),
                seen: seen.as_ref().map(|_| ()),
            }));
        }
    }

    let mut outcomes = Outcomes(Vec::new());
    write(facts, &mut outcomes);
    outcomes.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn row_names_and_short_file_names_are_unique() {
        // Answers and recordings are looked up by row name. A second row of the same name would find nothing.
        let names: BTreeSet<_> = ALL.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ALL.len());
        let resources: BTreeSet<_> = ALL.iter().map(|row| row.resource).collect();
        for row in ALL {
            assert!(row.files.iter().all(|file| !resources.contains(file)));
        }
    }
}
