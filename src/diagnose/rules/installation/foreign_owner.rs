use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    diagnose::rules::{custom_resources, prelude::*},
    stack::{
        base::words::quoted,
        manager::{self, Manager},
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "foreign-owner",
    title: "Another tool manages the stack's objects",
    explanation: include_str!("foreign_owner.md"),
    cure: Cure::Person(because::OWNER),
    ..Diagnosis::warning(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "no-foreign-owner",
    title: "no other tool manages the stack's objects",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The stack's objects that another tool may manage, as `kind/name`.
fn objects<'a>(context: &'a RuleContext<'_>) -> Vec<(String, &'a ObjectMeta)> {
    let facts = context.facts;
    let mut objects: Vec<(String, &ObjectMeta)> = Vec::new();
    let mut add = |kind: &str, metadata: &'a ObjectMeta| {
        objects.push((format!("{}/{}", kind.to_lowercase(), stack::name(metadata)), metadata));
    };
    for crd in [&facts.broker_crd, &facts.meshsync_crd].into_iter().filter_map(Seen::known) {
        add("crd", &crd.metadata);
    }
    for deployment in [&context.operator, &context.meshsync].into_iter().filter_map(Seen::known) {
        add("deployment", &deployment.metadata);
    }
    for (kind, metadata, _) in custom_resources::all(context) {
        add(kind, metadata);
    }
    for set in context.statefulsets.items() {
        add("statefulset", &set.metadata);
    }
    for service in stack::broker_services(facts) {
        add("service", &service.metadata);
    }
    objects
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let objects = objects(context);
    if objects.is_empty() {
        context.facts.deployments.settled()?;
        return Outcome::skip("there are no objects of the stack");
    }
    let mut owned: BTreeMap<Manager, Vec<String>> = BTreeMap::new();
    for (object, metadata) in &objects {
        if let Some(owner) = manager::foreign_owner(metadata) {
            owned.entry(owner).or_default().push(object.clone());
        }
    }
    if owned.is_empty() {
        return Outcome::pass();
    }
    let names: Vec<String> = owned.keys().map(Manager::to_string).collect();
    DIAGNOSIS
        .finding()
        .title(format!("The stack is managed by {}", names.join(" and by ")))
        .message(if owned.len() > 1 {
            "They may revert each other's changes, and your manual changes."
        } else {
            "It reverts manual changes at its next run, and another tool that tries to install over it fails. This is \
             not a fault, but good to know before you change anything."
        })
        .evidences(owned.iter().map(|(owner, objects)| format!("{}: {}", owner.mark(), objects.join(", "))))
        .remedy(
            "change the stack through the tool that manages it: with Helm by an upgrade, with GitOps in the \
             repository",
        )
        .commands(owned.keys().map(|owner| look(context, owner)))
        .found()
}

/// The command that shows the managing tool's view.
fn look(context: &RuleContext<'_>, owner: &Manager) -> Command {
    match owner {
        Manager::Helm { release, namespace } => {
            let namespace = namespace.as_deref().unwrap_or(&context.facts.target.namespace);
            context.helm(Effect::Read, namespace, &format!("history {}", quoted(release)))
        }
        Manager::ArgoCd { .. } => context.kubectl_cluster().inspect("get applications.argoproj.io -A"),
        Manager::Flux { kind, name, namespace } => context.kubectl_cluster().inspect(format!(
            "get {} {} -n {}",
            kind.resource(),
            quoted(name),
            quoted(namespace)
        )),
    }
}
