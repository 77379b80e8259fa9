use super::hub_of;
use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-not-installed",
    title: "Gloo Mesh is not installed in this namespace",
    explanation: include_str!("not_installed.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Installation).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-installed",
    title: "the management plane is installed in this namespace",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    match hub.is_installed() {
        Some(true) => return Outcome::pass(),
        None => return Outcome::unknown(context.facts.deployments.why_unsettled().unwrap_or_default()),
        Some(false) if !hub.deployments(Component::Agents).is_empty() => {
            return Outcome::skip("this cluster is registered: it has an agent, and no management plane");
        }
        Some(false) => {}
    }
    let namespace = &context.facts.target.namespace;
    let served = match hub.generation() {
        Some(generation) => format!("/apis: {} is served, so its CRDs exist", generation.group_version()),
        None => "/apis: no API group of Gloo Mesh or Service Mesh Hub is served".to_owned(),
    };
    DIAGNOSIS
        .finding()
        .title(format!("{} is not installed in namespace {namespace}", hub.product()))
        .message(match hub.unseen_policies() {
            Some(why) => {
                format!("The namespace has no discovery and no networking Deployment. Policies are unknown: {why}.")
            }
            None => {
                "The namespace has no discovery and no networking Deployment, and there are no policies.".to_owned()
            }
        })
        .evidence(served)
        .evidence(format!("no Deployment discovery or networking in namespace {namespace}"))
        .remedy("install it, or name its namespace with -n")
        .command(context.kubectl_cluster().inspect(super::FIND_CONTROLLERS))
        .found()
}
