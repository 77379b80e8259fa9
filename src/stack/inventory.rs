//! Every object that a stack may have, in the order of removal, as data.
//!
//! It covers both operator lines, the flat manifests and the Helm chart, our own manifests, and leftovers of upgrades.

use serde_json::Value;

use super::object::{self, Id, Kind};
use crate::stack::profile::{self, Profile};

/// A part of the stack, as commands name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `MeshSync` and its read permissions.
    Meshsync,
    /// The broker.
    Broker,
    /// The operator with its permissions and `ServiceAccount`.
    Operator,
    /// The CRDs.
    Definitions,
    /// The namespace.
    Namespace,
}

impl Part {
    /// The part that a custom resource of this kind belongs to.
    pub fn of_custom_resource(kind: &str) -> Self {
        match kind {
            "MeshSync" => Self::Meshsync,
            _ => Self::Broker,
        }
    }
}

/// Whether an object is a custom resource of a stack of any family.
pub fn is_custom_resource(object: &Value) -> bool {
    let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map(|(group, _)| group);
    matches!(object["kind"].as_str(), Some("Broker" | "MeshSync"))
        && profile::WITH_MESHSYNC.iter().any(|profile| Some(profile.group) == group)
}

/// One object that a stack may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackObject {
    /// The part that it belongs to.
    pub part: Part,
    /// Its address.
    pub id: Id,
    /// Whether it belongs to a custom resource: the operator creates it, or it limits access to what the operator creates.
    /// It is removed only with the stack's labels or an owner of the stack.
    pub made: bool,
}

/// Every object with a fixed name that a stack in this namespace may have, in the order of removal.
///
/// Custom resources can have any name. They are listed, and removed before all of these.
pub fn of(profile: &Profile, namespace: &str) -> Vec<StackObject> {
    let mut all = meshsync(profile);
    all.extend(broker(profile));
    all.extend(operator(profile));
    let definitions = [profile.meshsync_crd(), profile.broker_crd()].into_iter().chain(profile.former_crds());
    all.extend(definitions.map(|name| (Part::Definitions, false, object::DEFINITION, name)));
    all.push((Part::Namespace, false, object::NAMESPACE, namespace.to_owned()));
    all.into_iter()
        .map(|(part, made, kind, name)| {
            let of_cluster =
                [object::NAMESPACE, object::DEFINITION, object::CLUSTER_ROLE, object::CLUSTER_ROLE_BINDING];
            let scope = (!of_cluster.contains(&kind)).then_some(namespace);
            StackObject { part, id: Id::of(kind, scope, &name), made }
        })
        .collect()
}

/// The part, whether it is created from a custom resource, the kind and the name.
type Row = (Part, bool, Kind, String);

fn meshsync(profile: &Profile) -> Vec<Row> {
    let reader = profile.meshsync_reader();
    vec![
        (Part::Meshsync, true, object::DEPLOYMENT, profile.meshsync.resource.to_owned()),
        (Part::Meshsync, false, object::CLUSTER_ROLE_BINDING, reader.clone()),
        (Part::Meshsync, false, object::CLUSTER_ROLE, reader),
    ]
}

fn broker(profile: &Profile) -> Vec<Row> {
    let nats = format!("{}-nats", profile.name);
    let workloads = profile
        .broker_workloads()
        .flat_map(|name| [(object::STATEFUL_SET, name), (object::SERVICE, name)])
        .map(|(kind, name)| (kind, name.to_owned()));
    let others = [
        (object::SERVICE, format!("{nats}-headless")),
        (object::CONFIG_MAP, format!("{nats}-config")),
        (object::CONFIG_MAP, format!("{nats}-accounts")),
        (object::NETWORK_POLICY, profile.broker_policy()),
    ];
    let secret = profile.broker.token_secret.map(|name| (object::SECRET, name.to_owned()));
    workloads.chain(others).chain(secret).map(|(kind, name)| (Part::Broker, true, kind, name)).collect()
}

fn operator(profile: &Profile) -> Vec<Row> {
    let prefix = profile.name;
    let operator = profile.operator.deployment;
    let election = format!("{prefix}-leader-election-role");
    let mut rows = vec![
        (object::DEPLOYMENT, operator.to_owned()),
        (object::SERVICE, format!("{operator}-metrics-service")),
        (object::SERVICE, format!("{prefix}-webhook-service")),
        (object::SERVICE, operator.to_owned()),
        (object::CERTIFICATE, format!("{prefix}-serving-cert")),
        (object::ISSUER, format!("{prefix}-selfsigned-issuer")),
        (object::SECRET, "webhook-server-cert".to_owned()),
    ];
    let bound = ["controller", "operator", "proxy"];
    rows.extend(bound.map(|role| {
        let name = format!("{prefix}-{role}-rolebinding");
        (object::CLUSTER_ROLE_BINDING, name)
    }));
    rows.push((object::ROLE_BINDING, format!("{election}binding")));
    let roles = ["controller-role", "metrics-reader", "operator-role", "proxy-role"];
    rows.extend(roles.map(|role| (object::CLUSTER_ROLE, format!("{prefix}-{role}"))));
    rows.extend([(object::ROLE, election), (object::SERVICE_ACCOUNT, profile.operator.service_account.to_owned())]);
    if profile.random_leases().is_none() {
        rows.push((object::LEASE, profile.operator.lease.to_owned()));
    }
    rows.into_iter().map(|(kind, name)| (Part::Operator, false, kind, name)).collect()
}
