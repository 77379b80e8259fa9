//! A plain dump, made with kubectl and curl, to facts.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Namespace, Secret},
    jiff::Timestamp,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    error::RecordingError,
    input::{Input, group_of, newest_time},
    kinds::{self, Kind},
};
use crate::{
    facts::{
        BrokerFacts, BrokerServer, ConfigMapFact, Connection, Crd, CustomResource, Facts,
        Handshake, HelmRevision, MemoryUse, Rbac, ServerVersion, Target, TokenFact, Varz,
        redact::Redact, token,
    },
    report::Way,
    stack::{base::seen::Seen, profile::Profile},
};

/// The facts of a dump.
pub(crate) fn facts(
    input: &Input,
    profile: &'static Profile,
    namespace: Option<&str>,
) -> Result<Facts, RecordingError> {
    let namespace = namespace.map_or_else(|| namespace_of(input, profile), str::to_owned);
    let dump = Dump {
        input,
        namespace: &namespace,
        profile,
    };
    let estimated = newest_time(
        input.objects.iter().chain(
            input
                .monitors
                .values()
                .flat_map(|m| m.varz.iter().chain(&m.connz)),
        ),
    );
    let namespaces: Vec<Namespace> = input.all(kinds::NAMESPACE)?;
    let named = |name: &str| {
        namespaces
            .iter()
            .find(|n| n.metadata.name.as_deref() == Some(name))
    };
    Ok(Facts {
        taken_at: estimated.unwrap_or(Timestamp::UNIX_EPOCH),
        taken_at_estimated: true,
        profile,
        in_cluster: false,
        obstacle: None,
        version: match &input.version {
            Some(version) => Seen::Known(
                ServerVersion::deserialize(version)
                    .map_err(RecordingError::malformed("its version"))?,
            ),
            None => Seen::NotLooked,
        },
        namespace: named(&namespace).map_or(Seen::NotLooked, |n| Seen::Known(n.clone())),
        cluster_id: named("kube-system")
            .and_then(|n| n.metadata.uid.clone())
            .map_or(Seen::NotLooked, Seen::Known),
        broker_crd: dump.crd(&profile.broker_crd())?,
        meshsync_crd: dump.crd(&profile.meshsync_crd())?,
        former_crds: dump.former_crds()?,
        brokers: dump.custom("brokers", "Broker", &profile.broker_crd())?,
        meshsyncs: dump.custom("meshsyncs", "MeshSync", &profile.meshsync_crd())?,
        elsewhere: Seen::NotLooked,
        deployments: dump.list(kinds::DEPLOYMENTS)?,
        statefulsets: dump.list(kinds::STATEFULSETS)?,
        replicasets: dump.list(kinds::REPLICASETS)?,
        pods: dump.list(kinds::PODS)?,
        services: dump.list(kinds::SERVICES)?,
        endpointslices: dump.list(kinds::ENDPOINTSLICES)?,
        networkpolicies: dump.list(kinds::NETWORKPOLICIES)?,
        events: dump.list(kinds::EVENTS)?,
        token: dump.token()?,
        helm: dump.helm(),
        lease: dump.lease()?,
        rbac: Rbac {
            cluster_roles: dump.list(kinds::CLUSTER_ROLES)?,
            cluster_role_bindings: dump.list(kinds::CLUSTER_ROLE_BINDINGS)?,
            roles: dump.list(kinds::ROLES)?,
            role_bindings: dump.list(kinds::ROLE_BINDINGS)?,
        },
        reviews: Seen::NotLooked,
        served: Seen::NotLooked,
        watch_list_config_map: dump.watch_list_config_map()?,
        broker: dump.broker()?,
        target: Target {
            namespace: namespace.clone(),
            ..Target::default()
        },
        memory: dump.memory(),
        logs: Vec::new(),
        preflight: None,
        test: None,
        timings: BTreeMap::new(),
    })
}

/// Where the stack is: the namespace of its custom resources, else of its operator, else the profile's.
fn namespace_of(input: &Input, profile: &Profile) -> String {
    let of = |wanted: &dyn Fn(&Value) -> bool| {
        input
            .objects
            .iter()
            .find(|object| wanted(object))
            .and_then(|object| object["metadata"]["namespace"].as_str())
            .map(str::to_owned)
    };
    of(&|object| group_of(object["apiVersion"].as_str().unwrap_or_default()) == profile.group)
        .or_else(|| of(&|object| object["metadata"]["name"] == profile.operator.deployment))
        .unwrap_or_else(|| profile.namespace.into())
}

/// Custom resources by the version that they were asked for in.
type Versions<S, T> = BTreeMap<String, Seen<Vec<CustomResource<S, T>>>>;

struct Dump<'a> {
    input: &'a Input,
    namespace: &'a str,
    profile: &'static Profile,
}

impl Dump<'_> {
    fn was_asked(&self, question: &str) -> bool {
        self.input.asked.iter().any(|asked| asked == question)
    }

    /// The objects of a kind in the namespace; without any, only a file's name says that there are none.
    fn list<
        T: DeserializeOwned
            + Redact
            + k8s_openapi::Metadata<Ty = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>,
    >(
        &self,
        kind: Kind,
    ) -> Result<Seen<Vec<T>>, RecordingError> {
        let mut items: Vec<T> = self.input.all(kind)?;
        let seen = !items.is_empty() || self.was_asked(kind.0);
        items.retain(|item| {
            let namespace = item.metadata().namespace.as_deref();
            namespace.is_none_or(|namespace| namespace == self.namespace)
        });
        items.dedup_by(|a, b| a.metadata().uid.is_some() && a.metadata().uid == b.metadata().uid);
        Ok(if seen {
            Seen::Known(items)
        } else {
            Seen::NotLooked
        })
    }

    fn crd(&self, name: &str) -> Result<Seen<Crd>, RecordingError> {
        let crds: Vec<Crd> = self.input.all(kinds::CRDS)?;
        let seen = !crds.is_empty() || self.was_asked(kinds::CRDS.0);
        let found = crds
            .into_iter()
            .find(|crd| crd.metadata.name.as_deref() == Some(name));
        Ok(match found {
            Some(crd) => Seen::Known(crd),
            None if seen => Seen::Absent,
            None => Seen::NotLooked,
        })
    }

    fn former_crds(&self) -> Result<Seen<Vec<Crd>>, RecordingError> {
        let mut crds: Vec<Crd> = self.input.all(kinds::CRDS)?;
        let seen = !crds.is_empty() || self.was_asked(kinds::CRDS.0);
        crds.retain(|crd| self.profile.former_group == Some(&crd.spec.group));
        Ok(if self.profile.former_group.is_none() {
            Seen::Absent
        } else if seen {
            Seen::Known(crds)
        } else {
            Seen::NotLooked
        })
    }

    /// What Helm has noted, by the labels of its Secrets alone.
    fn helm(&self) -> Seen<Vec<HelmRevision>> {
        let mut secrets = self
            .input
            .objects
            .iter()
            .filter(|object| object["kind"] == "Secret")
            .peekable();
        if secrets.peek().is_none() && !self.was_asked(kinds::SECRETS.0) {
            return Seen::NotLooked;
        }
        let revisions = secrets
            .filter_map(|object| {
                HelmRevision::of(&serde_json::from_str(&object["metadata"].to_string()).ok()?)
            })
            .collect();
        Seen::Known(revisions)
    }

    /// Custom resources by version. Where the CRD is known not to be there, neither are they.
    fn custom<S, T>(
        &self,
        plural: &str,
        kind: &str,
        crd: &str,
    ) -> Result<Versions<S, T>, RecordingError>
    where
        CustomResource<S, T>: DeserializeOwned + Redact,
    {
        let crd = self.crd(crd)?;
        self.profile
            .versions
            .iter()
            .map(|version| {
                let mut items: Vec<CustomResource<S, T>> = self
                    .input
                    .objects_of(&format!("{}/{version}", self.profile.group), kind)?;
                let asked = self.was_asked(&format!("{plural}.{version}"))
                    || self.was_asked(plural)
                    || !items.is_empty();
                items.retain(|item| item.metadata.namespace.as_deref() == Some(self.namespace));
                let seen = if asked {
                    Seen::Known(items)
                } else if crd.is_absent() {
                    Seen::Absent
                } else {
                    Seen::NotLooked
                };
                Ok(((*version).to_owned(), seen))
            })
            .collect()
    }

    fn token(&self) -> Result<Seen<TokenFact>, RecordingError> {
        let Some(name) = self.profile.broker.token_secret else {
            return Ok(Seen::Absent);
        };
        let secrets: Vec<Secret> = self
            .input
            .objects
            .iter()
            .filter(|object| object["kind"] == "Secret")
            .map(|object| {
                Secret::deserialize(object).map_err(RecordingError::malformed("a Secret"))
            })
            .collect::<Result<_, _>>()?;
        let seen = !secrets.is_empty() || self.was_asked(kinds::SECRETS.0);
        let found = secrets.iter().find(|secret| {
            secret.metadata.name.as_deref() == Some(name)
                && secret.metadata.namespace.as_deref() == Some(self.namespace)
        });
        Ok(match found {
            Some(secret) => Seen::Known(token::fact(secret, self.profile).0),
            None if seen => Seen::Absent,
            None => Seen::NotLooked,
        })
    }

    fn watch_list_config_map(&self) -> Result<Seen<ConfigMapFact>, RecordingError> {
        let maps: Vec<&Value> = self
            .input
            .objects
            .iter()
            .filter(|object| object["kind"] == kinds::CONFIG_MAPS.2)
            .collect();
        let seen = !maps.is_empty() || self.was_asked(kinds::CONFIG_MAPS.0);
        let wanted = self.profile.meshsync.documented_config_map;
        let found = maps.into_iter().find(|map| {
            map["metadata"]["name"] == wanted && map["metadata"]["namespace"] == self.namespace
        });
        Ok(match found {
            Some(map) => Seen::Known(ConfigMapFact::of(
                &k8s_openapi::api::core::v1::ConfigMap::deserialize(map)
                    .map_err(RecordingError::malformed(format!("ConfigMap {wanted}")))?,
            )),
            None if seen => Seen::Absent,
            None => Seen::NotLooked,
        })
    }

    /// What `kubectl get pods.metrics.k8s.io` says of MeshSync.
    fn memory(&self) -> Seen<MemoryUse> {
        self.input
            .objects
            .iter()
            .filter(|object| {
                object["kind"] == "PodMetrics" && object["metadata"]["namespace"] == self.namespace
            })
            .find_map(|metrics| MemoryUse::of(metrics, self.profile.meshsync.container))
            .map_or(Seen::NotLooked, Seen::Known)
    }

    fn lease(&self) -> Result<Seen<k8s_openapi::api::coordination::v1::Lease>, RecordingError> {
        let leases: Seen<Vec<k8s_openapi::api::coordination::v1::Lease>> =
            self.list(kinds::LEASE)?;
        Ok(match leases {
            Seen::Known(leases) => leases
                .into_iter()
                .find(|lease| lease.metadata.name.as_deref() == Some(self.profile.operator.lease))
                .map_or(Seen::Absent, Seen::Known),
            _ => Seen::NotLooked,
        })
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
        Ok(BrokerFacts {
            looked: !self.input.monitors.is_empty(),
            servers,
            attempts: Vec::new(),
        })
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
    let connz = connz
        .map(|connz| Connz::deserialize(connz).map_err(malformed("connz")))
        .transpose()?;
    Ok(BrokerServer {
        pod: Some(pod.into()),
        reached_by: Way::Recording,
        address: None,
        varz: Varz::deserialize(varz).map_err(malformed("varz"))?,
        complete: connz
            .as_ref()
            .is_some_and(|connz| connz.connections.len() >= connz.total),
        connections: connz.map_or(Seen::NotLooked, |connz| Seen::Known(connz.connections)),
        more: 0,
        closed: Seen::NotLooked,
        handshake: Handshake::NotLooked,
        greeting: None,
        monitor: None,
    })
}
