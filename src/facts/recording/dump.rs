//! Reads the facts from a plain dump, made with kubectl and curl.

use std::collections::BTreeMap;

use k8s_openapi::{
    Resource,
    api::core::v1::{ConfigMap, Namespace, Secret},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    jiff::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    error::RecordingError,
    input::{Input, is_one_of, newest},
};
use crate::{
    facts::{
        BrokerFacts, BrokerServer, ConfigMapFact, Connection, Facts, HelmRevision, MemoryUse, NodeReadiness,
        ServerVersion, Target, TokenFact, Varz,
        hub::{HubFacts, HubObject},
        observed::{self, Object, Observed, Source, Versions},
        token,
    },
    report::Route,
    stack::{
        base::seen::Seen, component::Component, controllers, hub::Generation, manager, object::group_of,
        profile::Profile,
    },
};

/// The facts of a dump.
pub(crate) fn facts(
    input: &Input,
    profile: &'static Profile,
    namespace: Option<&str>,
) -> Result<Facts, RecordingError> {
    let namespace = namespace.map_or_else(|| namespace_of(input, profile), str::to_owned);
    let mut dump = Dump { input, namespace: &namespace, profile };
    let answers = input.monitors.values().flat_map(|monitor| monitor.varz.iter().chain(&monitor.connz));
    let estimated = input.objects.iter().chain(answers).filter_map(newest).max();
    let mut facts = Facts {
        taken_at: estimated.unwrap_or(Timestamp::UNIX_EPOCH),
        taken_at_estimated: true,
        profile,
        version: match &input.version {
            Some(version) => {
                Seen::Known(ServerVersion::deserialize(version).map_err(RecordingError::malformed("its version"))?)
            }
            None => Seen::NotLooked,
        },
        cluster_id: dump.cluster_id(),
        token: dump.token()?,
        helm: dump.helm(),
        watch_list_config_map: dump.watch_list_config_map()?,
        broker: dump.broker()?,
        target: Target { namespace: namespace.clone(), ..Target::default() },
        memory: dump.memory(),
        hub: dump.hub()?,
        nodes: dump.nodes(),
        ..Facts::default()
    };
    observed::read(&mut facts, &mut dump)?;
    if facts.namespace.is_absent() {
        // Few dumps contain every namespace.
        facts.namespace = Seen::NotLooked;
    }
    Ok(facts)
}

/// The stack's namespace: that of its custom resources, otherwise that of its operator, otherwise the profile's.
fn namespace_of(input: &Input, profile: &Profile) -> String {
    let of = |wanted: &dyn Fn(&Value) -> bool| {
        input
            .objects
            .iter()
            .find(|object| wanted(object))
            .and_then(|object| object["metadata"]["namespace"].as_str())
            .map(str::to_owned)
    };
    if profile.is_hub() {
        let controllers = [Component::Networking, Component::Discovery].map(controllers::deployments).concat();
        let is_controller = |object: &Value| {
            object["kind"] == "Deployment"
                && object["metadata"]["name"].as_str().is_some_and(|name| controllers.contains(&name))
        };
        let is_mesh = |object: &Value| Generation::of(object["apiVersion"].as_str().unwrap_or_default()).is_some();
        let era = generation_of(input).map(|it| it.era.namespace());
        return of(&is_controller).or_else(|| of(&is_mesh)).unwrap_or_else(|| era.unwrap_or(profile.namespace).into());
    }
    of(&|object| group_of(object["apiVersion"].as_str().unwrap_or_default()) == profile.group)
        .or_else(|| of(&|object| object["metadata"]["name"] == profile.operator.deployment))
        .unwrap_or_else(|| profile.namespace.into())
}

/// The generation of Service Mesh Hub that the objects belong to.
fn generation_of(input: &Input) -> Option<&'static Generation> {
    Generation::served(input.objects.iter().filter_map(|object| object["apiVersion"].as_str()))
}

struct Dump<'a> {
    input: &'a Input,
    namespace: &'a str,
    profile: &'static Profile,
}

impl Source for Dump<'_> {
    type Error = RecordingError;

    fn one<T: Object>(&mut self, row: &Observed) -> Result<Seen<T>, RecordingError> {
        Ok(match self.objects(row)? {
            Seen::Known(objects) => objects.into_iter().next().map_or(Seen::Absent, Seen::Known),
            _ => Seen::NotLooked,
        })
    }

    fn many<T: Object>(&mut self, row: &Observed) -> Result<Seen<Vec<T>>, RecordingError> {
        if row.names(self.profile, self.namespace).is_some_and(|names| names.is_empty()) {
            return Ok(Seen::Absent);
        }
        self.objects(row)
    }

    fn versions<T: Object>(&mut self, row: &Observed) -> Result<Versions<T>, RecordingError> {
        let mut versions = Versions::new();
        for version in self.profile.versions {
            let api_version = format!("{}/{version}", self.profile.group);
            let mut objects: Vec<T> = self.input.objects_of(&api_version, row.kind)?;
            let asked =
                self.covers_query(&row.in_version(version)) || self.covers_query(row.name) || !objects.is_empty();
            objects.retain(|object| object.metadata().namespace.as_deref() == Some(self.namespace));
            let seen = if asked {
                Seen::Known(objects)
            } else if self.lacks_crd(row.resource) {
                Seen::Absent
            } else {
                Seen::NotLooked
            };
            versions.insert((*version).to_owned(), seen);
        }
        Ok(versions)
    }
}

impl Dump<'_> {
    /// The custom resources of Service Mesh Hub, in all namespaces.
    fn hub(&self) -> Result<Option<Box<HubFacts>>, RecordingError> {
        if !self.profile.is_hub() {
            return Ok(None);
        }
        let generation = generation_of(self.input);
        let mut hub = HubFacts { group_version: generation.map(Generation::group_version), ..HubFacts::default() };
        for kind in generation.into_iter().flat_map(Generation::kinds) {
            let objects: Vec<HubObject> = self.input.objects_of(&kind.api_version, kind.kind)?;
            let seen = !objects.is_empty() || self.covers_query(kind.plural);
            hub.objects.insert(kind.role, if seen { Seen::Known(objects) } else { Seen::NotLooked });
        }
        Ok(Some(Box::new(hub)))
    }

    fn covers_query(&self, query: &str) -> bool {
        self.input.asked.iter().any(|asked| asked == query)
    }

    /// The objects of the row. If there are none, only a file name can prove that none exist.
    fn objects<T: Object>(&self, row: &Observed) -> Result<Seen<Vec<T>>, RecordingError> {
        let mut objects: Vec<T> = self.input.all(row)?;
        let seen = !objects.is_empty() || self.covers_query(row.resource);
        objects.retain(|object| {
            let namespace = object.metadata().namespace.as_deref();
            namespace.is_none_or(|namespace| namespace == self.namespace)
        });
        if let Some(names) = row.names(self.profile, self.namespace) {
            objects.retain(|object| is_one_of(object, &names));
        }
        objects.dedup_by(|a, b| a.metadata().uid.is_some() && a.metadata().uid == b.metadata().uid);
        Ok(if seen { Seen::Known(objects) } else { Seen::NotLooked })
    }

    /// The objects of a kind.
    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.input.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// Whether the dump covers a kind, even if it contains no object of it.
    fn has<T: Resource>(&self) -> bool {
        self.of_kind(T::KIND).next().is_some() || self.covers_query(T::URL_PATH_SEGMENT)
    }

    /// The objects of a kind, or the proof that there are none.
    fn seen<T: Resource, U>(&self, found: Option<U>) -> Seen<U> {
        match found {
            Some(found) => Seen::Known(found),
            None if self.has::<T>() => Seen::Absent,
            None => Seen::NotLooked,
        }
    }

    /// Whether a CRD is known to be absent. Its custom resources are then absent, too.
    fn lacks_crd(&self, resource: &str) -> bool {
        let name = format!("{resource}.{}", self.profile.group);
        self.has::<CustomResourceDefinition>()
            && !self.of_kind(CustomResourceDefinition::KIND).any(|crd| crd["metadata"]["name"] == name)
    }

    /// The UID of the namespace `kube-system`.
    fn cluster_id(&self) -> Seen<String> {
        self.of_kind(Namespace::KIND)
            .find(|namespace| namespace["metadata"]["name"] == "kube-system")
            .and_then(|namespace| namespace["metadata"]["uid"].as_str())
            .map_or(Seen::NotLooked, |uid| Seen::Known(uid.to_owned()))
    }

    /// Helm's record of the release, from the labels of its Secrets alone.
    fn helm(&self) -> Seen<Vec<HelmRevision>> {
        if !self.has::<Secret>() {
            return Seen::NotLooked;
        }
        let secrets = self.of_kind(Secret::KIND);
        Seen::Known(secrets.filter_map(|object| HelmRevision::of(&manager::metadata(object)?)).collect())
    }

    fn token(&self) -> Result<Seen<TokenFact>, RecordingError> {
        let Some(name) = self.profile.broker.token_secret else {
            return Ok(Seen::Absent);
        };
        let secrets: Vec<Secret> = self
            .of_kind(Secret::KIND)
            .map(|object| Secret::deserialize(object).map_err(RecordingError::malformed("a Secret")))
            .collect::<Result<_, _>>()?;
        let found = secrets.iter().find(|secret| {
            secret.metadata.name.as_deref() == Some(name)
                && secret.metadata.namespace.as_deref() == Some(self.namespace)
        });
        Ok(self.seen::<Secret, _>(found.map(|secret| token::fact(secret, self.profile).0)))
    }

    fn watch_list_config_map(&self) -> Result<Seen<ConfigMapFact>, RecordingError> {
        let wanted = self.profile.meshsync.documented_config_map;
        let found = self
            .of_kind(ConfigMap::KIND)
            .find(|map| map["metadata"]["name"] == wanted && map["metadata"]["namespace"] == self.namespace)
            .map(ConfigMap::deserialize)
            .transpose()
            .map_err(RecordingError::malformed(format!("ConfigMap {wanted}")))?;
        Ok(self.seen::<ConfigMap, _>(found.as_ref().map(ConfigMapFact::of)))
    }

    /// The output of `kubectl get pods.metrics.k8s.io` for MeshSync.
    fn memory(&self) -> Seen<MemoryUse> {
        self.of_kind("PodMetrics")
            .filter(|metrics| metrics["metadata"]["namespace"] == self.namespace)
            .find_map(|metrics| MemoryUse::of(metrics, self.profile.meshsync.container))
            .map_or(Seen::NotLooked, Seen::Known)
    }

    /// The nodes, if the dump contains any.
    fn nodes(&self) -> BTreeMap<String, Seen<NodeReadiness>> {
        let nodes = self.of_kind("Node");
        nodes
            .filter_map(|node| {
                let name = node["metadata"]["name"].as_str()?.to_owned();
                Some((name, Seen::Known(NodeReadiness::of(node))))
            })
            .collect()
    }

    fn broker(&self) -> Result<BrokerFacts, RecordingError> {
        let servers = self
            .input
            .monitors
            .iter()
            .filter_map(|(pod, monitor)| {
                let varz = monitor.varz.as_ref()?;
                Some(server(pod, varz, monitor.connz.as_ref()))
            })
            .collect::<Result<_, _>>()?;
        Ok(BrokerFacts { looked: !self.input.monitors.is_empty(), servers, attempts: Vec::new() })
    }
}

fn server(pod: &str, varz: &Value, connz: Option<&Value>) -> Result<BrokerServer, RecordingError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Connz {
        total: usize,
        connections: Vec<Connection>,
    }
    let malformed = |what: &str| RecordingError::malformed(format!("{what} of {pod}"));
    let connz = connz.map(|connz| Connz::deserialize(connz).map_err(malformed("connz"))).transpose()?;
    Ok(BrokerServer {
        pod: Some(pod.into()),
        reached_by: Route::Recording,
        varz: Varz::deserialize(varz).map_err(malformed("varz"))?,
        complete: connz.as_ref().is_some_and(|connz| connz.connections.len() >= connz.total),
        connections: connz.map_or(Seen::NotLooked, |connz| Seen::Known(connz.connections)),
        ..BrokerServer::default()
    })
}
