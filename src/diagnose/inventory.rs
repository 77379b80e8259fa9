//! The inventory: the parts of a report that list objects and judge nothing.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::Pod,
};

use super::{
    RuleContext, pod_status, rollout, server_report,
    stack_view::{Line, Location},
    states::States,
};
use crate::{
    facts::{BrokerServer, Connection, ServerVersion, stack},
    report::{
        BrokerReport, ClientReport, Components, EndpointReport, PodReport, ServerComponentReport, ServerReport,
        ServiceReport, StackComponents, TargetReport, Workload,
    },
    stack::{component::Component, controllers},
};

/// The maximum number of clients of one server in a report. The stack's own clients are always included.
const CLIENT_CAP: usize = 50;

/// The lists of a report.
pub(super) struct Inventory<'a> {
    context: &'a RuleContext<'a>,
}

impl<'a> Inventory<'a> {
    pub(super) fn of(context: &'a RuleContext<'a>) -> Self {
        Self { context }
    }

    pub(super) fn target(&self) -> TargetReport {
        let facts = self.context.facts;
        let (location, evidence) = match self.context.server_location() {
            Location::Inside(why) => ("inside", Some(why)),
            Location::Outside(why) => ("outside", Some(why)),
            Location::Unknown => ("unknown", None),
        };
        let (mode, mode_evidence) = self.context.mode();
        TargetReport {
            context: facts.target.context.clone(),
            server: facts.target.server.clone(),
            user: facts.target.user.clone(),
            namespace: facts.target.namespace.clone(),
            invocation: facts.target.invocation.clone(),
            profile: facts.profile.name,
            cluster_id: facts.cluster_id.known().cloned(),
            kubernetes_version: facts.version.known().map(shown_version),
            operator_line: self.context.line.filter(|_| !facts.profile.is_hub()).map(|line| match line {
                Line::Current => "current",
                Line::Old => "old",
            }),
            server_location: location,
            server_location_evidence: evidence,
            mode: match self.context.hub() {
                Some(hub) => match hub.is_installed() {
                    Some(true) => "management-plane",
                    Some(false) => "none",
                    None => "unknown",
                },
                None => mode.code(),
            },
            mode_evidence,
            era: self.context.hub().and_then(|hub| hub.era()),
        }
    }

    pub(super) fn components(&self, states: &States) -> Components {
        if let Some(hub) = self.context.hub() {
            return Components::Hub(Box::new(hub.components()));
        }
        let endpoint =
            self.context.brokers.items().first().and_then(|broker| broker.status.endpoint.clone()).unwrap_or_default();
        let filled = |address: Option<String>| address.filter(|address| !address.is_empty());
        Components::Stack(Box::new(StackComponents {
            operator: states.operator.report.clone(),
            broker: BrokerReport {
                component: states.broker.report.clone(),
                endpoint: EndpointReport { internal: filled(endpoint.internal), external: filled(endpoint.external) },
                servers: self.context.facts.broker.servers.iter().map(|server| self.server(server)).collect(),
            },
            meshsync: states.meshsync.report.clone(),
            server: ServerComponentReport {
                component: states.server.clone(),
                answers: server_report::answers(self.context),
            },
        }))
    }

    fn server(&self, server: &BrokerServer) -> ServerReport {
        let profile = self.context.facts.profile;
        let all = server.connections.items();
        let own = |name: &str| name == profile.meshsync.client || profile.server.clients.contains(&name);
        let mut clients: Vec<_> = all.iter().filter(|connection| own(&connection.name)).collect();
        clients.extend(all.iter().filter(|connection| !own(&connection.name)));
        if all.iter().filter(|client| own(&client.name)).count() > CLIENT_CAP {
            let ours = &self.context.clients;
            clients.sort_by_key(|client| {
                let is_one = |other: &Connection| std::ptr::eq(other, *client);
                let meshsync = ours.meshsync.iter().any(|(_, other)| is_one(other));
                !(meshsync || ours.server.first().is_some_and(|(_, other)| is_one(other)))
            });
        }
        clients.truncate(CLIENT_CAP);
        ServerReport {
            pod: self.context.pod_of(server).map(str::to_owned),
            version: server.varz.version.clone(),
            reached_by: server.reached_by,
            address: server.address.clone(),
            client_count: all.len().saturating_add(usize::try_from(server.more).unwrap_or(usize::MAX)),
            clients: clients
                .into_iter()
                .map(|connection| ClientReport {
                    name: connection.name.clone(),
                    ip: connection.ip.clone(),
                    start: connection.start,
                    subscriptions: connection.subscriptions.clone(),
                    messages_in: connection.in_msgs,
                    messages_out: connection.out_msgs,
                })
                .collect(),
        }
    }

    pub(super) fn workloads(&self) -> Vec<Workload> {
        let mut workloads = Vec::new();
        let deployments = [
            (Component::Operator, self.context.operator.known()),
            (Component::Meshsync, self.context.meshsync.known()),
            (Component::Server, self.context.server.known()),
        ];
        for (component, deployment) in deployments {
            let pods = self.context.pods_of(component);
            if let Some(deployment) = deployment {
                workloads.push(self.deployment(component, deployment, &pods));
            } else if !pods.is_empty() {
                workloads.push(self.bare(component, &pods));
            }
        }
        for adapter in stack::adapters(self.context.facts) {
            let pods = stack::pods_selected_by(self.context.facts, adapter);
            workloads.push(self.deployment(Component::Adapter, adapter, &pods));
        }
        for component in controllers::COMPONENTS {
            for deployment in stack::hub_deployments(self.context.facts, component) {
                let pods = stack::pods_selected_by(self.context.facts, deployment);
                workloads.push(self.deployment(component, deployment, &pods));
            }
        }
        let sets = self.context.statefulsets.items();
        let brokers: Vec<Workload> = sets.iter().map(|set| self.statefulset(set)).collect();
        let place =
            workloads.iter().position(|workload| workload.component > Component::Broker).unwrap_or(workloads.len());
        if brokers.is_empty() && !self.context.broker_pods.is_empty() {
            workloads.insert(place, self.bare(Component::Broker, &self.context.broker_pods));
        } else {
            workloads.splice(place..place, brokers);
        }
        workloads
    }

    fn deployment(&self, component: Component, deployment: &Deployment, pods: &[&Pod]) -> Workload {
        Workload {
            kind: "Deployment".into(),
            name: stack::name(&deployment.metadata).into(),
            component,
            ready: format!("{}/{}", rollout::ready(deployment), rollout::wanted(deployment)),
            ready_replicas: rollout::ready(deployment).into(),
            desired_replicas: rollout::wanted(deployment).into(),
            status: pod_status::worst_status(pods)
                .or_else(|| rollout::incomplete(deployment))
                .unwrap_or_else(|| "Running".into()),
            restarts: pods.iter().map(|pod| pod_status::restarts(pod)).sum(),
            created: deployment.metadata.creation_timestamp.as_ref().map(|time| time.0),
            pods: self.pods(component, pods),
        }
    }

    fn statefulset(&self, set: &StatefulSet) -> Workload {
        let name = stack::name(&set.metadata);
        let mut pods = self.context.broker_pods.clone();
        pods.retain(|pod| rollout::is_pod_of(stack::name(&pod.metadata), name));
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let ready = set.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0);
        Workload {
            kind: "StatefulSet".into(),
            name: name.into(),
            component: Component::Broker,
            ready: format!("{ready}/{wanted}"),
            ready_replicas: ready.into(),
            desired_replicas: wanted.into(),
            status: pod_status::worst_status(&pods)
                .or_else(|| rollout::set_incomplete(set))
                .unwrap_or_else(|| "Running".into()),
            restarts: pods.iter().map(|pod| pod_status::restarts(pod)).sum(),
            created: set.metadata.creation_timestamp.as_ref().map(|time| time.0),
            pods: self.pods(Component::Broker, &pods),
        }
    }

    /// Pods whose workload is unknown.
    fn bare(&self, component: Component, pods: &[&Pod]) -> Workload {
        let ready = pods.iter().filter(|pod| pod_status::ready_containers(pod).0 > 0).count();
        Workload {
            kind: "Pod".into(),
            name: pods.first().map_or("", |pod| stack::name(&pod.metadata)).into(),
            component,
            ready: format!("{ready}/{}", pods.len()),
            ready_replicas: ready.try_into().unwrap_or(i64::MAX),
            desired_replicas: pods.len().try_into().unwrap_or(i64::MAX),
            status: pod_status::worst_status(pods).unwrap_or_default(),
            restarts: pods.iter().map(|pod| pod_status::restarts(pod)).sum(),
            created: pods.iter().filter_map(|pod| pod_status::created(pod)).min(),
            pods: self.pods(component, pods),
        }
    }

    fn pods(&self, component: Component, pods: &[&Pod]) -> Vec<PodReport> {
        let profile = self.context.facts.profile;
        let container = match component {
            Component::Operator => profile.operator.container,
            Component::Broker => profile.broker.container,
            Component::Meshsync => profile.meshsync.container,
            _ => "",
        };
        pods.iter()
            .map(|pod| {
                let (ready, all) = pod_status::ready_containers(pod);
                PodReport {
                    name: stack::name(&pod.metadata).into(),
                    phase: pod_status::phase(pod).into(),
                    status: pod_status::status_of(pod),
                    ready: format!("{ready}/{all}"),
                    restarts: pod_status::restarts(pod),
                    created: pod_status::created(pod),
                    age_seconds: pod_status::created(pod)
                        .map(|time| self.context.facts.taken_at.duration_since(time).as_secs().max(0)),
                    node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
                    ip: stack::pod_ip(pod).map(str::to_owned),
                    image: pod_status::image_of(pod, container),
                }
            })
            .collect()
    }

    pub(super) fn services(&self) -> Vec<ServiceReport> {
        stack::broker_services(self.context.facts)
            .into_iter()
            .chain(stack::server_service(self.context.facts))
            .map(|service| {
                let spec = service.spec.clone().unwrap_or_default();
                ServiceReport {
                    name: stack::name(&service.metadata).into(),
                    kind: spec.type_.unwrap_or_else(|| "ClusterIP".into()),
                    cluster_ip: spec.cluster_ip,
                    external: stack::external_addresses(service),
                    ports: spec
                        .ports
                        .iter()
                        .flatten()
                        .map(|port| {
                            let protocol = port.protocol.as_deref().unwrap_or("TCP");
                            match port.node_port {
                                Some(node_port) => format!("{}:{node_port}/{protocol}", port.port),
                                None => format!("{}/{protocol}", port.port),
                            }
                        })
                        .collect(),
                }
            })
            .collect()
    }
}

/// The version to show: the full version, or major and minor if the build has no version stamp.
pub(super) fn shown_version(version: &ServerVersion) -> String {
    let stamped = version
        .git_version
        .strip_prefix('v')
        .and_then(|text| semver::Version::parse(text).ok())
        .is_some_and(|parsed| parsed.major > 0);
    if stamped { version.git_version.clone() } else { format!("v{}.{}", version.major, version.minor) }
}
