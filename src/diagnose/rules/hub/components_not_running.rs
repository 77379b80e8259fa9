use super::{hub_of, log_of};
use crate::{
    diagnose::rules::{prelude::*, workload},
    facts::hub::HubObject,
    stack::hub::Role,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-components-not-running",
    title: "A controller of Gloo Mesh is not running",
    explanation: include_str!("components_not_running.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Networking).of_hub()
};

pub(crate) static DISCOVERY: Check = Check {
    id: "smh-discovery-running",
    component: Component::Discovery,
    title: "discovery is running",
    ..Check::of_hub(&[&DIAGNOSIS], |context| judge(context, Component::Discovery))
};

pub(crate) static NETWORKING: Check = Check {
    id: "smh-networking-running",
    component: Component::Networking,
    title: "networking is running",
    ..Check::of_hub(&[&DIAGNOSIS], |context| judge(context, Component::Networking))
};

pub(crate) static AGENTS: Check = Check {
    id: "smh-agents-running",
    component: Component::Agents,
    title: "the agents in this cluster are running",
    ..Check::of_hub(&[&DIAGNOSIS], |context| judge(context, Component::Agents))
};

fn judge(context: &RuleContext<'_>, component: Component) -> Judgement {
    let hub = hub_of(context)?;
    context.facts.deployments.settled()?;
    if hub.deployments(component).is_empty() {
        let replaced = component == Component::Discovery && hub.is_enterprise();
        return match component {
            _ if replaced => Outcome::skip("the enterprise agents discover"),
            Component::Agents => Outcome::skip("this cluster has no agent"),
            _ => missing(context, component),
        };
    }
    match workload::judge(context, component) {
        Ok(Outcome::Found(findings)) => {
            Outcome::found(findings.into_iter().map(|finding| of_component(context, component, finding)).collect())
        }
        other => other,
    }
}

/// What follows if a component does not run.
fn consequences(component: Component) -> Vec<String> {
    let codes: &[&str] = match component {
        Component::Discovery => &["smh-target-not-discovered", "smh-remote-unreachable"],
        Component::Agents => &["smh-certificate-not-issued"],
        _ => &["smh-not-observed", "smh-certificate-not-issued"],
    };
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// The Deployment does not exist.
fn missing(context: &RuleContext<'_>, component: Component) -> Judgement {
    let hub = hub_of(context)?;
    let name = crate::stack::controllers::deployments(component).first().copied().unwrap_or_default();
    let namespace = &context.facts.target.namespace;
    let effect = match component {
        Component::Discovery => "New meshes, workloads and services are not found, and deleted ones stay.",
        _ => "No policy is applied, and statuses do not change. What was applied before stays in the meshes.",
    };
    if let Some(other) = hub.of(Role::Mesh).items().iter().map(HubObject::namespace).find(|other| other != namespace) {
        return DIAGNOSIS
            .finding()
            .component(component)
            .title(format!("There is no {name} Deployment in namespace {namespace}"))
            .message(format!("The discovered meshes are in namespace {other}, so {} is probably there.", hub.product()))
            .evidence(format!("no Deployment {name} in namespace {namespace}"))
            .remedy(format!("check the other namespace: -n {other}"))
            .command(context.check_in(other))
            .found();
    }
    DIAGNOSIS
        .finding()
        .component(component)
        .title(format!("There is no {name} Deployment in namespace {namespace}"))
        .message(effect)
        .evidence(format!("no Deployment {name} in namespace {namespace}"))
        .explains(consequences(component))
        .remedy(format!("install {} again with the release that was installed", hub.product()))
        .command(context.kubectl().inspect("get deployments"))
        .found()
}

/// What is wrong with a workload, as a finding of this code.
fn of_component(context: &RuleContext<'_>, component: Component, mut finding: Finding) -> Finding {
    let found = DIAGNOSIS.finding().component(component).explains(consequences(component)).done();
    finding.evidence.push(format!("diagnosed as {}", finding.code.replace(&format!("{}-", component.code()), "")));
    Finding { code: found.code, id: found.id, docs: found.docs, explains: found.explains, ..finding }
        .with_command(context.hub().and_then(|hub| log_of(context, &hub, component)))
}

impl Finding {
    /// Adds a command to the remedy, unless it is there already.
    fn with_command(mut self, command: Option<Command>) -> Self {
        let commands = &mut self.remedy.commands;
        commands
            .extend(command.filter(|new| !commands.iter().any(|old| old.run.contains(" logs ") || old.run == new.run)));
        self
    }
}
