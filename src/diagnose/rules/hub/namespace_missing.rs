use super::hub_of;
use crate::{diagnose::rules::prelude::*, facts::hub::HubObject, stack::hub::Role};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-namespace-missing",
    title: "The namespace of the management plane does not exist",
    explains: &["smh-components-not-running", "smh-not-observed"],
    explanation: include_str!("namespace_missing.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Installation).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-namespace",
    title: "the namespace of the management plane exists",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    context.facts.namespace.settled()?;
    if context.facts.namespace.known().is_some() {
        return Outcome::pass();
    }
    let name = &context.facts.target.namespace;
    let mut others: Vec<&str> = hub.of(Role::Mesh).items().iter().map(HubObject::namespace).collect();
    others.sort_unstable();
    others.dedup();
    let finding = DIAGNOSIS
        .finding()
        .title(format!("Namespace {name} does not exist"))
        .message(format!(
            "The custom resources of {} are in the cluster, its controllers are not there.",
            hub.product()
        ))
        .object(cluster_object("Namespace", name))
        .evidence(format!("namespace {name}: not found"));
    let finding = match others.first() {
        Some(other) => finding
            .evidence(format!("discovered meshes are in namespace {}", others.join(", ")))
            .remedy(format!("check the namespace in which it is installed: -n {other}"))
            .command(context.check_in(other)),
        None => finding
            .remedy("install it again, or name its namespace with -n")
            .command(context.kubectl_cluster().inspect(super::FIND_CONTROLLERS)),
    };
    finding.found()
}
