//! Service Mesh Hub and Gloo Mesh: the controllers, the policies, and the meshes that they apply to. The codes start with
//! `smh`.

pub(crate) mod agent_disconnected;
pub(crate) mod cacerts_missing;
pub(crate) mod certificate_not_issued;
pub(crate) mod components_not_running;
pub(crate) mod dns_not_configured;
pub(crate) mod era;
pub(crate) mod federation_error;
pub(crate) mod gateway_no_address;
pub(crate) mod istiod_older_than_cacerts;
pub(crate) mod mesh_version_unsupported;
pub(crate) mod namespace_missing;
pub(crate) mod networking_replicas;
pub(crate) mod not_installed;
pub(crate) mod not_observed;
pub(crate) mod policy_no_workloads;
pub(crate) mod remote_context_incomplete;
pub(crate) mod remote_unreachable;
pub(crate) mod resource_not_accepted;
pub(crate) mod root_newer_than_cacerts;
pub(crate) mod target_error;
pub(crate) mod target_not_discovered;
pub(crate) mod target_not_selected;
pub(crate) mod version_unsupported;
mod virtual_mesh;

use crate::{
    diagnose::{
        hub::{HubView, Policy},
        rules::prelude::*,
    },
    stack::hub::Role,
};

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &not_installed::DIAGNOSIS,
    &namespace_missing::DIAGNOSIS,
    &era::DIAGNOSIS,
    &version_unsupported::DIAGNOSIS,
    &components_not_running::DIAGNOSIS,
    &remote_context_incomplete::DIAGNOSIS,
    &remote_unreachable::DIAGNOSIS,
    &mesh_version_unsupported::DIAGNOSIS,
    &networking_replicas::DIAGNOSIS,
    &not_observed::DIAGNOSIS,
    &resource_not_accepted::DIAGNOSIS,
    &target_error::DIAGNOSIS,
    &target_not_discovered::DIAGNOSIS,
    &target_not_selected::DIAGNOSIS,
    &policy_no_workloads::DIAGNOSIS,
    &federation_error::DIAGNOSIS,
    &gateway_no_address::DIAGNOSIS,
    &dns_not_configured::DIAGNOSIS,
    &agent_disconnected::DIAGNOSIS,
    &certificate_not_issued::DIAGNOSIS,
    &cacerts_missing::DIAGNOSIS,
    &istiod_older_than_cacerts::DIAGNOSIS,
    &root_newer_than_cacerts::DIAGNOSIS,
];

/// The checks, in display order. A check comes after its prerequisites.
pub(super) static CHECKS: &[&Check] = &[
    &not_installed::CHECK,
    &namespace_missing::CHECK,
    &era::CHECK,
    &version_unsupported::CHECK,
    &components_not_running::DISCOVERY,
    &remote_unreachable::CHECK,
    &mesh_version_unsupported::CHECK,
    &components_not_running::NETWORKING,
    &networking_replicas::CHECK,
    &not_observed::CHECK,
    &resource_not_accepted::CHECK,
    &target_error::CHECK,
    &target_not_discovered::CHECK,
    &target_not_selected::CHECK,
    &policy_no_workloads::CHECK,
    &federation_error::CHECK,
    &remote_context_incomplete::CHECK,
    &components_not_running::AGENTS,
    &agent_disconnected::CHECK,
    &certificate_not_issued::CHECK,
    &cacerts_missing::CHECK,
    &istiod_older_than_cacerts::CHECK,
    &root_newer_than_cacerts::CHECK,
    &gateway_no_address::CHECK,
    &dns_not_configured::CHECK,
];

/// The arguments of a kubectl command that finds the controllers of every release.
const FIND_CONTROLLERS: &str =
    "get deployments -A -l 'app in (discovery,networking,enterprise-networking,service-mesh-hub)'";

/// The prerequisite of most checks.
static WHERE_INSTALLED: [&Check; 1] = [&not_installed::CHECK];

impl Check {
    /// Defaults of most checks of Service Mesh Hub, which must be installed.
    const fn of_hub(finds: &'static [&'static Diagnosis], judge: fn(&RuleContext<'_>) -> Judgement) -> Self {
        Self { after: &WHERE_INSTALLED, ..Self::of(finds, judge) }
    }
}

impl Diagnosis {
    /// The same for Service Mesh Hub.
    const fn of_hub(self) -> Self {
        Self { profiles: profile::HUB, ..self }
    }
}

/// The view of Service Mesh Hub. The check is skipped for the other profiles.
fn hub_of<'a>(context: &RuleContext<'a>) -> Result<HubView<'a>, Undecided> {
    context.hub().ok_or_else(|| Undecided::Skip("this is another profile".into()))
}

/// The policies about the traffic of workloads.
const OF_TRAFFIC: &[Role] = &[Role::TrafficPolicy, Role::AccessPolicy];

/// One finding for each policy with these roles of which this tells one, by its status. A status about an older spec says
/// nothing about the current one, so its policy is left out: smh-not-observed reports it. Unknown if there is no finding
/// and not every policy could be judged.
fn for_each_policy<'a>(
    context: &RuleContext<'a>,
    roles: &[Role],
    tell: impl Fn(&HubView<'a>, &Policy<'a>) -> Option<Finding>,
) -> Judgement {
    let hub = hub_of(context)?;
    let all = hub.policies().iter().filter(|policy| roles.contains(&policy.kind.role));
    let (behind, current): (Vec<_>, Vec<_>) = all.partition(|policy| policy.is_behind());
    if behind.is_empty() && current.is_empty() && hub.unseen_policies().is_none() {
        return Outcome::skip("there are no policies of this kind");
    }
    let outdated = || Some(format!("{} has no status for its current spec", behind.first()?.shown()));
    let findings = current.into_iter().filter_map(|policy| tell(&hub, policy)).collect();
    Outcome::of_or_unknown(findings, hub.unseen_policies().or_else(outdated))
}

/// The states as they are written in the status of a policy, with their fields. Service Mesh Hub 0.4 to 0.6 has several.
fn written_states<'a>(policy: &Policy<'a>) -> Vec<(String, &'a str)> {
    let status = &policy.object.status;
    let fields = status.as_object().into_iter().flatten();
    let parts = fields.filter_map(|(field, part)| Some((format!("{field}.state"), part["state"].as_str()?)));
    let whole = status["state"].as_str().map(|state| ("state".to_owned(), state));
    whole.into_iter().chain(parts).collect()
}

/// The command that shows a policy with its status.
fn show(context: &RuleContext<'_>, policy: &Policy<'_>) -> Command {
    context.kubectl_in(policy.object.namespace()).inspect(format!("get {} -o yaml", policy.resource()))
}

/// The command that shows the log of a controller.
fn log_of(context: &RuleContext<'_>, hub: &HubView<'_>, component: Component) -> Option<Command> {
    let deployment = *hub.deployments(component).first()?;
    Some(context.kubectl().inspect(format!("logs deployment/{} --tail=100", stack::name(&deployment.metadata))))
}

/// The key of a discovered object as its users know it: `reviews.bookinfo on mgmt-cluster`.
fn shown_target(hub: &HubView<'_>, key: &str) -> String {
    match hub.with_key(Role::Target, key) {
        Some(target) => {
            let (service, cluster) = HubView::service_of(target);
            if cluster.is_empty() { service } else { format!("{service} on {cluster}") }
        }
        None => key.trim_end_matches('.').to_owned(),
    }
}
