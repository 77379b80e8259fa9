use super::{hub_of, log_of};
use crate::{
    diagnose::{
        hub::RemoteView,
        rules::{prelude::*, workload},
    },
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
    title: "the agents are running",
    ..Check::of_hub(&[&DIAGNOSIS], judge_agents)
};

/// Judges the agents of this cluster and of the registered clusters that were looked at.
fn judge_agents(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let here = judge(context, Component::Agents);
    if hub.remotes().next().is_none() {
        return match here {
            Err(Undecided::Skip(_)) => Outcome::skip("this cluster has no agent, and no --remote-context was given"),
            other => other,
        };
    }
    let mut findings = match here {
        Ok(Outcome::Found(findings)) => findings,
        Err(Undecided::Unknown(why)) => return Outcome::unknown(why),
        _ => Vec::new(),
    };
    let mut open = None;
    for remote in hub.remotes() {
        match judge_remote(context, &remote) {
            Ok(Outcome::Found(found)) => findings.extend(found),
            Err(Undecided::Unknown(why)) => open = open.or_else(|| Some(remote.open(&why))),
            _ => {}
        }
    }
    if findings.is_empty() && open.is_none() {
        let contexts: Vec<String> = hub.remotes().map(|remote| remote.shown()).collect();
        return Outcome::pass_with(contexts.join(", "));
    }
    Outcome::of_or_unknown(findings, open)
}

/// Judges the agent of a registered cluster.
fn judge_remote(context: &RuleContext<'_>, remote: &RemoteView<'_>) -> Judgement {
    if let Some(obstacle) = &remote.facts.obstacle {
        return Outcome::unknown(obstacle.message.clone());
    }
    remote.facts.deployments.settled()?;
    let inside = remote.rules(context.expect);
    if !remote.agents().is_empty() {
        return match workload::judge(&inside, Component::Agents) {
            Ok(Outcome::Found(findings)) => {
                let place = format!(" of {}", remote.shown());
                let findings = findings.into_iter().map(|finding| of_component(&inside, Component::Agents, finding));
                let cluster = remote.cluster.map(str::to_owned);
                let of_remote = |finding| Finding { cluster: cluster.clone(), ..of_agent(finding, &place) };
                Outcome::found(findings.map(of_remote).collect())
            }
            other => other,
        };
    }
    let (namespace, place) = (&remote.facts.target.namespace, remote.shown());
    DIAGNOSIS
        .finding()
        .component(Component::Agents)
        .title(format!("There is no agent in {place}"))
        .message("Without the agent, no new certificate is issued there. One that exists stays in use.")
        .cluster(remote.cluster.unwrap_or_default())
        .evidence(format!("{place}: no agent Deployment in namespace {namespace}"))
        .explains(consequences(Component::Agents))
        .remedy("register the cluster again, which installs the agent")
        .command(inside.kubectl().inspect("get deployments"))
        .found()
}

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
            let findings = findings.into_iter().map(|finding| of_component(context, component, finding));
            Outcome::found(findings.map(|finding| of_agent(finding, "")).collect())
        }
        other => other,
    }
}

/// The title of a finding about an agent, with the place of the agent.
fn of_agent(finding: Finding, place: &str) -> Finding {
    let title = match finding.title.strip_prefix("Agents") {
        Some(rest) => format!("The agent{place}{rest}"),
        None if place.is_empty() => return finding,
        None => format!("{}: agent{place}", finding.title),
    };
    Finding { title, ..finding }
}

/// What follows if a component does not run.
fn consequences(component: Component) -> Vec<String> {
    let codes: &[&str] = match component {
        Component::Discovery => &["smh-target-not-discovered", "smh-remote-unreachable"],
        Component::Agents => &["smh-certificate-not-issued", "smh-cacerts-missing"],
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
