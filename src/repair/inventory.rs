//! Everything that a stack may consist of, in the order in which it can go. Data.
//!
//! Both operator lines, the flat manifests and the Helm chart, our own manifests, and what upgrades leave behind.

use super::object::{self, Id, Kind};
use crate::profile::Profile;

/// The part of the stack that something belongs to, as commands name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `MeshSync`, and what lets it read.
    Meshsync,
    /// The broker.
    Broker,
    /// The operator, with its rights and account.
    Operator,
    /// The definitions of the custom resources.
    Definitions,
    /// The namespace.
    Namespace,
}

/// One thing that a stack may consist of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// The part that it goes with.
    pub part: Part,
    /// Where it is, when it is there.
    pub id: Id,
    /// Whether it is made from a custom resource, and goes with that as long as an operator works.
    pub made: bool,
}

/// Everything with a fixed name that a stack in this namespace may consist of, in the order of removal.
///
/// Custom resources have any name; they are listed, and go before all of this.
pub fn of(profile: &Profile, namespace: &str) -> Vec<Belonging> {
    let prefix = profile.name;
    let mut all = Vec::new();
    let mut add = |part, made, kind: Kind, name: &str| {
        let namespaced = !matches!(
            kind,
            object::NAMESPACE
                | object::DEFINITION
                | object::CLUSTER_ROLE
                | object::CLUSTER_ROLE_BINDING
        );
        let id = Id::of(kind, namespaced.then_some(namespace), name);
        all.push(Belonging { part, id, made });
    };
    let reader = format!("{prefix}-meshsync-reader");
    add(
        Part::Meshsync,
        true,
        object::DEPLOYMENT,
        profile.meshsync.resource,
    );
    add(Part::Meshsync, false, object::CLUSTER_ROLE_BINDING, &reader);
    add(Part::Meshsync, false, object::CLUSTER_ROLE, &reader);
    for workload in profile.broker_workloads() {
        add(Part::Broker, true, object::STATEFUL_SET, workload);
        add(Part::Broker, true, object::SERVICE, workload);
    }
    let nats = format!("{prefix}-nats");
    add(
        Part::Broker,
        true,
        object::SERVICE,
        &format!("{nats}-headless"),
    );
    add(
        Part::Broker,
        true,
        object::CONFIG_MAP,
        &format!("{nats}-config"),
    );
    add(
        Part::Broker,
        true,
        object::CONFIG_MAP,
        &format!("{nats}-accounts"),
    );
    if let Some(secret) = profile.broker.token_secret {
        add(Part::Broker, true, object::SECRET, secret);
    }
    let operator = profile.operator.deployment;
    add(Part::Operator, false, object::DEPLOYMENT, operator);
    let services = [
        format!("{operator}-metrics-service"),
        format!("{prefix}-webhook-service"),
        operator.to_owned(),
    ];
    for service in services {
        add(Part::Operator, false, object::SERVICE, &service);
    }
    add(
        Part::Operator,
        false,
        object::CERTIFICATE,
        &format!("{prefix}-serving-cert"),
    );
    add(
        Part::Operator,
        false,
        object::ISSUER,
        &format!("{prefix}-selfsigned-issuer"),
    );
    add(Part::Operator, false, object::SECRET, "webhook-server-cert");
    for role in ["controller", "operator", "proxy"] {
        let binding = format!("{prefix}-{role}-rolebinding");
        add(
            Part::Operator,
            false,
            object::CLUSTER_ROLE_BINDING,
            &binding,
        );
    }
    let election = format!("{prefix}-leader-election-role");
    add(
        Part::Operator,
        false,
        object::ROLE_BINDING,
        &format!("{election}binding"),
    );
    for role in [
        "controller-role",
        "metrics-reader",
        "operator-role",
        "proxy-role",
    ] {
        add(
            Part::Operator,
            false,
            object::CLUSTER_ROLE,
            &format!("{prefix}-{role}"),
        );
    }
    add(Part::Operator, false, object::ROLE, &election);
    add(
        Part::Operator,
        false,
        object::SERVICE_ACCOUNT,
        profile.operator.service_account,
    );
    add(Part::Operator, false, object::LEASE, profile.operator.lease);
    add(
        Part::Definitions,
        false,
        object::DEFINITION,
        &profile.meshsync_crd(),
    );
    add(
        Part::Definitions,
        false,
        object::DEFINITION,
        &profile.broker_crd(),
    );
    for former in profile.former_crds() {
        add(Part::Definitions, false, object::DEFINITION, &former);
    }
    add(Part::Namespace, false, object::NAMESPACE, namespace);
    all
}
