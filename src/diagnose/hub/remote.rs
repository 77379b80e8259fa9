//! The registered clusters that were looked at beside the management cluster, with `--remote-context`.

use k8s_openapi::api::apps::v1::Deployment;

use super::{HubView, deployed, of_deployments, plain};
use crate::{
    diagnose::{Expectation, RuleContext},
    facts::{
        Facts,
        hub::{HubFacts, HubObject, IstioFacts, Registered},
        stack,
    },
    report::{ClusterReport, ComponentReport, State},
    stack::{
        base::{permission::Permission, seen::Seen},
        component::Component,
        hub::Role,
    },
};

/// The label of the objects that controllers write to a registered cluster: its name.
const CLUSTER: &str = "cluster.multicluster.solo.io";

/// A registered cluster that was looked at.
#[derive(Clone, Copy)]
pub(crate) struct RemoteView<'a> {
    pub(crate) facts: &'a Facts,
    hub: &'a HubFacts,
    /// The name with which it is registered. `None` if nothing in it tells.
    pub(crate) cluster: Option<&'a str>,
}

impl<'a> RemoteView<'a> {
    /// The name of the context.
    pub(crate) fn context(&self) -> &'a str {
        self.facts.target.context.as_deref().unwrap_or_default()
    }

    /// The cluster in a sentence: `cluster remote-cluster`, or its context if its name is not known.
    pub(crate) fn shown(&self) -> String {
        match self.cluster {
            Some(cluster) => format!("cluster {cluster}"),
            None => format!("the cluster of context {}", self.context()),
        }
    }

    /// What the commands of remedies for this cluster need.
    pub(crate) fn rules(&self, expect: &'a Expectation) -> RuleContext<'a> {
        RuleContext::new(self.facts, expect)
    }

    /// Why nothing could be looked at.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let obstacle = self.facts.obstacle.as_ref()?;
        Some(self.open(&obstacle.message))
    }

    /// Why the state of the agent is not known.
    pub(super) fn undetermined(&self) -> Option<String> {
        self.obstacle().or_else(|| Some(self.open(&self.facts.deployments.why_unsettled()?)))
    }

    /// A reason why something is not known here.
    pub(crate) fn open(&self, why: &str) -> String {
        format!("context {}: {why}", self.context())
    }

    /// The Deployments of the agents.
    pub(crate) fn agents(&self) -> Vec<&'a Deployment> {
        stack::hub_deployments(self.facts, Component::Agents)
    }

    /// The objects of a kind.
    pub(crate) fn of(&self, role: Role) -> &'a Seen<Vec<HubObject>> {
        self.hub.of(role)
    }

    /// Istio in the namespace of a discovered mesh.
    pub(crate) fn istio(&self, mesh: &HubObject) -> Option<&'a IstioFacts> {
        let namespace = mesh.istio_namespace_or_default();
        self.hub.registered.as_ref()?.istio.iter().find(|istio| istio.namespace == namespace)
    }

    /// The domains that the DNS of the cluster serves or forwards separately.
    pub(crate) fn dns_zones(&self) -> Option<&'a [String]> {
        self.hub.registered.as_ref()?.dns_zones.known().map(Vec::as_slice)
    }

    fn agent(&self) -> ComponentReport {
        if let Some(obstacle) = &self.facts.obstacle {
            return plain(State::Unknown, Some(obstacle.message.clone()));
        }
        let mut report = of_deployments(self.facts, &self.agents());
        if report.state == State::NotDeployed {
            report.reason = Some("there is no agent".into());
        }
        report
    }
}

impl<'a> HubView<'a> {
    /// The registered clusters that were looked at.
    pub(crate) fn remotes(&self) -> impl Iterator<Item = RemoteView<'a>> {
        let management = self.hub;
        management.remotes.iter().filter_map(|facts| {
            let hub = facts.hub.as_deref()?;
            Some(RemoteView { facts, hub, cluster: name_of(management, facts, hub) })
        })
    }

    /// The registered cluster of a discovered mesh, if it was looked at.
    pub(crate) fn remote_of(&self, mesh: &HubObject) -> Option<RemoteView<'a>> {
        let cluster = mesh.cluster_of_mesh();
        self.remotes().find(|remote| remote.cluster == Some(cluster))
    }

    /// The agents of all clusters that were looked at: the lowest state.
    pub(super) fn agents(&self) -> ComponentReport {
        let here = self.deployments(Component::Agents).first().map(|deployment| deployed(deployment));
        let remotes = self.remotes().map(|remote| {
            let mut report = remote.agent();
            report.reason = report.reason.map(|why| remote.open(&why));
            report
        });
        let lowest = here.into_iter().chain(remotes).min_by_key(|report| report.state);
        lowest.unwrap_or_else(|| plain(State::NotSeen, None))
    }

    /// The registered clusters, and those that were looked at.
    pub(super) fn clusters(&self) -> Vec<ClusterReport> {
        let meshes = |cluster: &str| {
            let meshes = self.of(Role::Mesh).items().iter().filter(|mesh| mesh.cluster_of_mesh() == cluster);
            meshes.map(|mesh| mesh.name().to_owned()).collect()
        };
        let report = |name: Option<&str>, remote: Option<&RemoteView<'_>>| ClusterReport {
            name: name.map(str::to_owned),
            context: remote.map(|remote| remote.context().to_owned()),
            agent: remote.map(RemoteView::agent),
            meshes: name.map(meshes).unwrap_or_default(),
        };
        let remotes: Vec<RemoteView<'_>> = self.remotes().collect();
        let registered: Vec<&str> = self.of(Role::Cluster).items().iter().map(HubObject::name).collect();
        let is_registered = |remote: &&RemoteView<'_>| remote.cluster.is_some_and(|name| registered.contains(&name));
        let others = remotes.iter().filter(|remote| !is_registered(remote));
        let of_registered = registered
            .iter()
            .map(|name| report(Some(name), remotes.iter().find(|remote| remote.cluster == Some(name))));
        of_registered.chain(others.map(|remote| report(remote.cluster, Some(remote)))).collect()
    }
}

/// The name with which a cluster is registered: it is in the objects that the controllers write there, it is that of the
/// `ServiceAccount` that registration creates, or the context has the same name.
fn name_of<'a>(management: &'a HubFacts, remote: &Facts, hub: &'a HubFacts) -> Option<&'a str> {
    let certificates = hub.of(Role::IssuedCertificate).items().iter();
    let labels = certificates.filter_map(|object| object.metadata.labels.as_ref()?.get(CLUSTER));
    if let Some(name) = labels.map(String::as_str).find(|name| !name.is_empty()) {
        return Some(name);
    }
    let accounts = hub.registered.as_ref().map(|registered| registered.service_accounts.items());
    let mut registered = management.of(Role::Cluster).items().iter().map(HubObject::name);
    let mut of_mesh = management.of(Role::Mesh).items().iter().map(HubObject::cluster_of_mesh);
    let has_account = |name: &&str| accounts.into_iter().flatten().any(|account| account == name);
    let is_context = |name: &&str| remote.target.context.as_deref() == Some(*name);
    registered.clone().find(has_account).or_else(|| registered.find(is_context)).or_else(|| of_mesh.find(is_context))
}

/// The permissions whose absence caused a denial in a registered cluster.
pub(super) fn missing_permissions(registered: &Registered) -> impl Iterator<Item = &Permission> {
    let of_istio = registered.istio.iter().flat_map(|istio| {
        let lists = [istio.istiod.missing_permissions(), istio.gateways.missing_permissions()];
        lists.into_iter().flatten().chain(istio.cacerts.missing_permissions())
    });
    let others = [registered.service_accounts.missing_permissions(), registered.dns_zones.missing_permissions()];
    of_istio.chain(others.into_iter().flatten())
}
