//! The view of Service Mesh Hub: its controllers, policies and discovered objects, and their states.

mod remote;

use std::rc::Rc;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};

pub(crate) use remote::RemoteView;

pub(crate) use super::policy::Policy;
use super::{rollout, stack_view::StackView};
use crate::{
    facts::{
        Facts,
        hub::{Approval, HubFacts, HubObject, Relay},
        stack,
    },
    report::{ComponentReport, HubComponents, ObjectRef, PoliciesReport, PolicyReport, State, TargetOfPolicies},
    stack::{
        base::{permission::Permission, seen::Seen},
        component::Component,
        controllers,
        hub::{Era, Generation, Role},
    },
};

/// Service Mesh Hub in a cluster.
pub(crate) struct HubView<'a> {
    facts: &'a Facts,
    hub: &'a HubFacts,
    policies: Rc<[Policy<'a>]>,
}

impl<'a> StackView<'a> {
    /// The view of Service Mesh Hub. `None` for the other profiles.
    pub(crate) fn hub(&self) -> Option<HubView<'a>> {
        let facts = self.facts;
        facts.profile.is_hub().then_some(())?;
        Some(HubView { facts, hub: facts.hub.as_deref()?, policies: self.policies.clone() })
    }
}

impl<'a> HubView<'a> {
    /// The generation of its custom resources. `None` if none is served.
    pub(crate) fn generation(&self) -> Option<&'static Generation> {
        self.hub.generation()
    }

    /// The era. `None` if no custom resources are served.
    pub(crate) fn era(&self) -> Option<Era> {
        self.generation().map(|it| it.era)
    }

    /// The product's name in its era.
    pub(crate) fn product(&self) -> &'static str {
        self.era().map_or(self.facts.profile.product, Era::product)
    }

    /// The version of the networking Deployment: the tag of its image, without a leading v.
    pub(crate) fn version(&self) -> Option<(u64, u64)> {
        let deployment = *self.deployments(Component::Networking).first()?;
        let image = rollout::containers(deployment).first()?.image.as_deref()?;
        let tag = stack::image_tag(image)?;
        let mut numbers = tag.trim_start_matches('v').split(['.', '-']).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// Whether it is older than 1.1, which changed what the statuses of virtual meshes and meshes say.
    pub(crate) fn is_before_1_1(&self) -> bool {
        self.era() < Some(Era::D) || self.version().is_some_and(|version| version < (1, 1))
    }

    /// Whether the release needs a Settings object. It came with 0.9, and the API group shows only the era.
    pub(crate) fn has_settings(&self) -> bool {
        self.era() >= Some(Era::C)
    }

    /// The objects of a kind.
    pub(crate) fn of(&self, role: Role) -> &'a Seen<Vec<HubObject>> {
        self.hub.of(role)
    }

    /// Whether a mesh is discovered in a cluster.
    pub(crate) fn has_mesh_in(&self, cluster: &str) -> bool {
        self.hub.has_mesh_in(cluster)
    }

    /// The agents that the enterprise controller counts.
    pub(crate) fn relay(&self) -> &'a Seen<Relay> {
        &self.hub.relay
    }

    /// The Deployments of a component.
    pub(crate) fn deployments(&self, component: Component) -> Vec<&'a Deployment> {
        stack::hub_deployments(self.facts, component)
    }

    /// The pods of a component.
    pub(crate) fn pods(&self, component: Component) -> Vec<&'a Pod> {
        stack::hub_pods(self.facts, component)
    }

    /// Whether the closed enterprise controller replaces both public ones.
    pub(crate) fn is_enterprise(&self) -> bool {
        let networking = self.deployments(Component::Networking);
        networking.iter().any(|deployment| stack::name(&deployment.metadata) == controllers::ENTERPRISE)
    }

    /// Whether any of its controllers or policies exists. `None` if that is not known.
    pub(crate) fn is_installed(&self) -> Option<bool> {
        let controllers = [Component::Discovery, Component::Networking];
        if controllers.iter().any(|component| !self.deployments(*component).is_empty()) || !self.policies().is_empty() {
            return Some(true);
        }
        self.facts.deployments.is_settled().then_some(false)
    }

    /// Every policy.
    pub(crate) fn policies(&self) -> &[Policy<'a>] {
        &self.policies
    }

    /// Why some policies are not known. `None` if all are.
    pub(crate) fn unseen_policies(&self) -> Option<String> {
        let kinds = self.generation().into_iter().flat_map(Generation::kinds);
        let mut policies = kinds.filter(|kind| Role::POLICIES.contains(&kind.role));
        policies.find_map(|kind| self.of(kind.role).why_unsettled())
    }

    /// The discovered object with this key: `name.namespace.`.
    pub(crate) fn with_key(&self, role: Role, key: &str) -> Option<&'a HubObject> {
        self.of(role).items().iter().find(|object| object.key() == key)
    }

    /// A discovered service as its users know it: `reviews.bookinfo` and the cluster.
    pub(crate) fn service_of(target: &HubObject) -> (String, String) {
        let part = |name: &str| target.text(&format!("/kubeService/ref/{name}")).map(str::to_owned);
        let service = match (part("name"), part("namespace")) {
            (Some(name), Some(namespace)) => format!("{name}.{namespace}"),
            _ => target.name().to_owned(),
        };
        // Era A calls it a cluster.
        let cluster = part("clusterName").or_else(|| part("cluster")).unwrap_or_default();
        (service, cluster)
    }

    /// The missing permissions that leave a state unknown.
    pub(crate) fn deciding_denials(&self) -> Vec<Permission> {
        let policies = Role::POLICIES.iter().map(|role| self.of(*role).missing_permissions());
        let deployments = self.facts.deployments.missing_permissions();
        super::states::sorted(policies.chain([deployments]).flatten())
    }

    /// The missing permissions to list objects that decide no state.
    pub(crate) fn other_denials(&self) -> impl Iterator<Item = &'a Permission> {
        let others = self.hub.objects.iter().filter(|(role, _)| !Role::POLICIES.contains(role));
        let others =
            others.flat_map(|(_, seen)| seen.missing_permissions()).chain(self.hub.relay.missing_permissions());
        let roots = self.hub.roots.values().flat_map(Seen::missing_permissions);
        let registered = self.hub.registered.iter().flat_map(|registered| remote::missing_permissions(registered));
        others.chain(roots).chain(registered)
    }

    /// Why a state is not determined. `None` if all are.
    pub(crate) fn undetermined(&self) -> Option<String> {
        let of_remotes = || self.remotes().find_map(|remote| remote.undetermined());
        self.facts.deployments.why_unsettled().or_else(|| self.unseen_policies()).or_else(of_remotes)
    }

    /// The states.
    pub(crate) fn components(&self) -> HubComponents {
        HubComponents {
            discovery: self.controller(Component::Discovery),
            networking: self.controller(Component::Networking),
            agents: self.agents(),
            clusters: self.clusters(),
            policies: PoliciesReport {
                component: self.state_of_policies(),
                objects: self.policies().iter().map(Policy::report).collect(),
                targets: self.of(Role::Target).items().iter().map(Self::target).collect(),
                meshes: self.of(Role::Mesh).items().iter().map(|mesh| mesh.name().to_owned()).collect(),
            },
        }
    }

    fn controller(&self, component: Component) -> ComponentReport {
        let replaced = component == Component::Discovery && self.is_enterprise();
        let mut report = of_deployments(self.facts, &self.deployments(component));
        if replaced && report.state == State::NotDeployed {
            report.expected_absent = true;
            report.reason = Some("not needed: the enterprise agents discover".into());
        }
        report
    }

    fn state_of_policies(&self) -> ComponentReport {
        let states = self.policies().iter().map(|policy| state_of(policy.status.approval));
        let worst = states.max_by_key(|state| match state {
            State::Failed => 3,
            State::Invalid => 2,
            State::Pending => 1,
            _ => 0,
        });
        match (self.unseen_policies(), worst) {
            (Some(why), None) => plain(State::Unknown, Some(why)),
            (Some(why), Some(state)) => ComponentReport { at_least: true, ..plain(state, Some(why)) },
            (None, Some(state)) => plain(state, None),
            (None, None) => plain(State::Undeployed, Some("there are no policies".into())),
        }
    }

    fn target(target: &HubObject) -> TargetOfPolicies {
        let (service, cluster) = Self::service_of(target);
        let applied = |list: &str| {
            let refs = target.applied(list);
            refs.filter_map(|it| Some(format!("{}.{}", it["ref"]["name"].as_str()?, it["ref"]["namespace"].as_str()?)))
                .collect()
        };
        let federated =
            target.status.pointer("/appliedFederation/federatedHostname").or(Some(&target.status["remoteFqdn"]));
        TargetOfPolicies {
            service,
            cluster,
            mesh: target.text("/mesh/name").map(str::to_owned),
            federated_hostname: federated.and_then(|name| name.as_str()).map(str::to_owned),
            traffic_policies: applied("appliedTrafficPolicies"),
            access_policies: applied("appliedAccessPolicies"),
        }
    }
}

impl Policy<'_> {
    /// The object.
    pub(crate) fn reference(&self) -> ObjectRef {
        ObjectRef {
            kind: self.kind.kind.into(),
            namespace: Some(self.object.namespace().into()),
            name: self.object.name().into(),
        }
    }

    /// The policy in a sentence: `TrafficPolicy reviews.gloo-mesh`.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}.{}", self.kind.kind, self.object.name(), self.object.namespace())
    }

    /// The generation of its spec.
    pub(crate) fn generation(&self) -> i64 {
        self.object.generation()
    }

    /// Whether the status is about an older spec. Virtual meshes of era A do not say.
    pub(crate) fn is_behind(&self) -> bool {
        self.status.is_behind(self.generation())
    }

    /// The resource in a kubectl command, with its group, because other products have kinds of the same name.
    pub(crate) fn resource(&self) -> String {
        let group = self.kind.api_version.split('/').next().unwrap_or_default();
        format!("{}.{group}/{}", self.kind.plural, self.object.name())
    }

    fn report(&self) -> PolicyReport {
        PolicyReport {
            kind: self.kind.kind.into(),
            namespace: self.object.namespace().into(),
            name: self.object.name().into(),
            state: state_of(self.status.approval),
            generation: self.generation(),
            observed_generation: self.status.observed_generation,
            targets: self.status.targets.len(),
            meshes: self.status.meshes.len(),
        }
    }
}

/// The state of a component with these Deployments, which are among those of the facts.
fn of_deployments(facts: &Facts, own: &[&Deployment]) -> ComponentReport {
    match (&facts.deployments, own.first()) {
        (_, Some(deployment)) => deployed(deployment),
        (seen, None) if seen.is_settled() => plain(State::NotDeployed, None),
        (seen, None) => plain(State::Unknown, seen.why_unsettled()),
    }
}

/// The state of a Deployment.
fn deployed(deployment: &Deployment) -> ComponentReport {
    let incomplete = rollout::incomplete(deployment);
    let mut report = match incomplete {
        None if rollout::ready(deployment) > 0 => plain(State::Deployed, None),
        why => plain(State::Deploying, Some(why.unwrap_or_else(|| "no pod is ready".into()))),
    };
    let image = rollout::containers(deployment).first().and_then(|container| container.image.as_deref());
    report.version = image.and_then(stack::image_tag).map(str::to_owned);
    report
}

fn plain(state: State, reason: Option<String>) -> ComponentReport {
    ComponentReport { state, at_least: false, version: None, reason, expected_absent: false }
}

/// The state of a policy in the report.
pub(crate) fn state_of(approval: Approval) -> State {
    match approval {
        Approval::Accepted => State::Accepted,
        Approval::Pending => State::Pending,
        Approval::Invalid => State::Invalid,
        Approval::Failed => State::Failed,
    }
}
