//! Where `MeshSync` is configured to publish, and whether that is this stack's broker. Pure.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Pod, Service};
use semver::Version;

pub use super::objects::{ADDRESS, variable};
use super::{
    objects::{self, external_addresses, pod_ip},
    workloads::{brokers, chosen, meshsync_deployment, meshsyncs, own_broker_pods},
};
use crate::{
    facts::{Facts, Meshsync},
    stack::{base::seen::Seen, profile::Profile, watch_list::release},
};

/// The NATS port, for addresses without a port.
const USUAL_PORT: u16 = 4222;

/// The first version of `MeshSync` that can parse an address with a scheme, and that exits if it finds no broker.
pub const READS_SCHEMES: Version = Version::new(1, 0, 1);

/// Whether `MeshSync` with this image tag can parse this address. All releases of the old line's copies are alike.
pub fn is_readable(profile: &Profile, tag: Option<&str>, address: &str) -> bool {
    let reads_schemes = match tag.and_then(release) {
        Some(release) => release >= READS_SCHEMES,
        None => profile.has_current_line(),
    };
    reads_schemes || !address.contains("://")
}

/// A publishing address that does not come from a Broker CR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The address as written, without credentials.
    pub address: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Where it is configured.
    pub given_by: GivenBy,
    /// What it refers to.
    pub place: Place,
}

/// Where a publishing address is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenBy {
    /// `spec.broker.custom.url` of the `MeshSync` CR.
    Object,
    /// The environment of a Deployment that belongs to no `MeshSync` CR.
    Deployment,
}

/// What an address refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This stack's broker.
    Stack,
    /// Another Service in this namespace.
    Service(String),
    /// A Service in another namespace.
    Namespace(String),
    /// A host that is not known in this namespace.
    Beyond,
    /// Nothing, for this reason.
    Nowhere(String),
    /// The Services could not be observed, for this reason.
    Unseen(String),
}

impl Destination {
    /// `host:port`.
    pub fn shown(&self) -> String {
        shown(&self.host, self.port)
    }

    /// Whether it is a broker other than the stack's own.
    pub fn is_elsewhere(&self) -> bool {
        self.place != Place::Stack
    }

    /// Why the host refers to something else, or nothing, outside the cluster. `None` if it does not.
    pub fn only_inside(&self) -> Option<String> {
        match &self.place {
            Place::Namespace(namespace) => Some(format!(
                "{} is a Service in namespace {namespace}, which only the cluster's own DNS resolves",
                self.host
            )),
            Place::Service(name) => {
                Some(format!("{} is Service {name}, whose address is reachable only inside the cluster", self.host))
            }
            _ if !self.host.contains(['.', ':']) => {
                Some(format!("{} is a short name, which resolves only inside the cluster", self.host))
            }
            _ => None,
        }
    }
}

/// `host:port`, with brackets around an IPv6 address.
fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Splits an address of `MeshSync`'s. Without a port it has the NATS port.
pub fn host_and_port(address: &str) -> Option<(String, u16)> {
    if let Some(parts) = objects::host_and_port(address) {
        return Some(parts);
    }
    let host = address.rsplit_once("://").map_or(address, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
    let host = host.trim_end_matches('/');
    let plain = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    plain.then(|| (host.to_owned(), USUAL_PORT))
}

/// An address without scheme and user part, for people.
pub fn plain(address: &str) -> String {
    host_and_port(address).map_or_else(|| address.to_owned(), |(host, port)| shown(&host, port))
}

/// The address in `spec.broker.custom.url`. The operator writes an empty one if there is none.
pub fn custom_url(meshsync: &Meshsync) -> Option<&str> {
    let url = meshsync.spec.broker.as_ref()?.custom.as_ref()?.url.as_deref();
    url.filter(|url| !url.is_empty())
}

/// Where `MeshSync` is configured to publish. `None` if a Broker CR decides that, or if it is not known.
pub fn of(facts: &Facts) -> Option<Destination> {
    let meshsyncs = meshsyncs(facts);
    let (address, given_by) = match meshsyncs.items().first() {
        Some(meshsync) => (custom_url(meshsync)?.to_owned(), GivenBy::Object),
        None if meshsyncs.is_settled() => {
            let deployment = meshsync_deployment(facts).known().copied()?;
            // A workload that the operator created follows the custom resource.
            if deployment.metadata.owner_references.is_some() {
                return None;
            }
            let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
            (variable(&pod.containers, ADDRESS)?.to_owned(), GivenBy::Deployment)
        }
        None => return None,
    };
    let parts = host_and_port(&address);
    let (host, port) = parts.clone().unwrap_or_default();
    let place = match parts {
        Some((host, _)) => place(facts, &host),
        None => Place::Nowhere("it does not have the form HOST:PORT".into()),
    };
    Some(Destination { address, host, port, given_by, place })
}

/// What a host refers to, as `MeshSync`'s pod resolves it.
pub fn place(facts: &Facts, host: &str) -> Place {
    if ["localhost", "127.0.0.1", "::1"].contains(&host) {
        return Place::Nowhere(
            "this address is MeshSync's own pod; the operator uses it as a placeholder until the broker has an \
             address"
                .into(),
        );
    }
    let host = host.trim_end_matches('.');
    if own_broker_pods(facts).into_iter().any(|pod| pod_ip(pod) == Some(host)) {
        return Place::Stack;
    }
    let own = |service: &Service| {
        let name = objects::name(&service.metadata);
        facts.profile.broker_workloads().any(|workload| name == workload || name == format!("{workload}-headless"))
    };
    let services = facts.services.items();
    let namespace = facts.target.namespace.as_str();
    let found = services
        .iter()
        .filter(|service| bears(service, namespace, host))
        // If several Services share an address, the stack's own comes first.
        .max_by_key(|service| own(service));
    if let Some(service) = found {
        let selects =
            service.spec.as_ref().and_then(|spec| spec.selector.as_ref()).is_some_and(|selector| !selector.is_empty());
        return if own(service) {
            Place::Stack
        } else if !selects {
            // Its target is outside the cluster, or its endpoints are set by hand.
            Place::Beyond
        } else {
            Place::Service(objects::name(&service.metadata).into())
        };
    }
    if let Some(why) = facts.services.why_unsettled() {
        return Place::Unseen(why);
    }
    if host.parse::<IpAddr>().is_ok() {
        return Place::Beyond;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let missing = |name: &str| {
        Place::Nowhere(format!("Service {name} does not exist in namespace {namespace}, where that name is resolved"))
    };
    match labels.as_slice() {
        [name] => missing(name),
        [name, there] if *there == namespace => missing(name),
        // A pod's own name may precede the Service's.
        [.., name, there, "svc"] | [.., name, there, "svc", "cluster", "local"] => {
            if *there == namespace {
                missing(name)
            } else {
                Place::Namespace((*there).to_owned())
            }
        }
        _ => Place::Beyond,
    }
}

/// Whether a host is a Service, by any of its names and addresses.
fn bears(service: &Service, namespace: &str, host: &str) -> bool {
    let name = objects::name(&service.metadata);
    let spec = service.spec.as_ref();
    let addresses = spec.iter().flat_map(|spec| {
        let inner = spec.cluster_ips.iter().flatten().chain(&spec.cluster_ip);
        inner.chain(spec.external_ips.iter().flatten())
    });
    let by_address = addresses.filter(|address| *address != "None").any(|address| address == host);
    by_address || external_addresses(service).iter().any(|address| address == host) || is_named(host, name, namespace)
}

/// Whether a host is a Service's name: short, with its namespace, or in full. A pod's own name may precede it.
fn is_named(host: &str, name: &str, namespace: &str) -> bool {
    if host == name {
        return true;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let end = labels.iter().position(|label| *label == "svc").unwrap_or(labels.len());
    matches!(labels[..end], [first, second] if first == name && second == namespace)
        || matches!(labels[..end], [_, first, second] if first == name && second == namespace)
}

/// The pods behind the Service in this namespace that an address refers to. Empty if it refers to something else.
pub fn pods<'a>(facts: &'a Facts, destination: &Destination) -> Vec<&'a Pod> {
    let Place::Service(name) = &destination.place else {
        return Vec::new();
    };
    let selector = facts
        .services
        .items()
        .iter()
        .find(|service| objects::name(&service.metadata) == name)
        .and_then(|service| service.spec.as_ref()?.selector.as_ref());
    selector.map_or_else(Vec::new, |selector| chosen(facts, selector))
}

/// Pods of the stack's own broker, and of the broker in this namespace that `MeshSync` is configured to use instead.
pub fn broker_pods(facts: &Facts) -> Vec<&Pod> {
    let mut pods = own_broker_pods(facts);
    let others = of(facts).map_or_else(Vec::new, |to| self::pods(facts, &to));
    for pod in others {
        if !pods.iter().any(|own| std::ptr::eq(*own, pod)) {
            pods.push(pod);
        }
    }
    pods
}

/// Whether a `MeshSync` CR refers to a Broker CR in another namespace.
pub fn names_foreign_broker(facts: &Facts, meshsync: &Meshsync) -> bool {
    meshsync
        .spec
        .broker
        .as_ref()
        .and_then(|broker| broker.native.as_ref())
        .is_some_and(|native| !native.namespace.is_empty() && native.namespace != facts.target.namespace)
}

/// The in-cluster address in the Broker's status.
pub fn endpoint(facts: &Facts) -> Seen<String> {
    match brokers(facts) {
        Seen::Known(brokers) => brokers
            .first()
            .and_then(|broker| broker.status.endpoint.as_ref()?.internal.clone())
            .filter(|endpoint| !endpoint.is_empty())
            .map_or(Seen::Absent, Seen::Known),
        other => other.map(|_| String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_split_with_and_without_scheme_user_and_port() {
        for (address, host, port) in [
            ("nats://$(NATS_TOKEN)@10.0.0.1:4222", "10.0.0.1", 4222),
            ("broker.example:4223", "broker.example", 4223),
            ("nats://broker.example", "broker.example", 4222),
            ("nats://token@broker.example/", "broker.example", 4222),
            ("nats://[2001:db8::1]:4222", "2001:db8::1", 4222),
        ] {
            assert_eq!(host_and_port(address), Some((host.to_owned(), port)), "{address}");
        }
        assert_eq!(host_and_port("nats://"), None);
        assert_eq!(host_and_port("not an address"), None);
    }

    #[test]
    fn service_is_recognized_by_each_of_its_names() {
        for host in [
            "nats",
            "nats.mine",
            "nats.mine.svc",
            "nats.mine.svc.cluster.local",
            "nats-0.nats.mine.svc.cluster.local",
            "nats-0.nats.mine",
        ] {
            assert!(is_named(host, "nats", "mine"), "{host}");
        }
        for host in ["nats.other", "nats2", "nats.mine.example", "mine.svc", "my.nats"] {
            assert!(!is_named(host, "nats", "mine"), "{host}");
        }
    }
}
