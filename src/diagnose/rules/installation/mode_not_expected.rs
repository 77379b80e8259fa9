use k8s_openapi::api::apps::v1::Deployment;

use crate::diagnose::{
    mode::Mode,
    rules::{custom_resources, prelude::*},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "mode-not-expected",
    title: "What is here is not of the mode that is expected",
    explanation: include_str!("mode_not_expected.md"),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "as-expected",
    title: "the cluster is watched in the mode that is expected",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let (mode, _) = context.mode();
    let product = context.facts.profile.product;
    match mode {
        Mode::Operator | Mode::CustomBroker | Mode::Standalone if context.expect.embedded => {}
        Mode::Standalone if context.expect.operator => {
            let name = context.meshsync_name();
            return DIAGNOSIS.finding()
                    .title("MeshSync runs without operator, and --expect operator says that it has one")
                    .message("Nothing looks after it: no operator, no custom resource, no broker of the stack's own.")
                    .object(context.object("Deployment", name))
                    .evidence("--expect operator")
                    .evidence(format!("Deployment {name} belongs to no MeshSync object"))
                    .evidence("there is no operator, no Broker and no MeshSync object")
                    .remedy("remove this one, whose name the operator's own would have, then deploy the operator; or drop the expectation")
                    .command(context.kubectl().delete(format!("deployment/{name}")))
                    .found();
        }
        Mode::Unknown => return Outcome::unknown("not enough was seen to tell the mode"),
        _ if context.expect.embedded || context.expect.operator => return Outcome::pass(),
        _ => return Outcome::skip("--expect names no mode"),
    }
    let deployment = |it: &Seen<&Deployment>| Some(format!("Deployment {}", stack::name(&it.known()?.metadata)));
    let mut here: Vec<String> = deployment(&context.operator).into_iter().collect();
    let resources = custom_resources::all(context);
    here.extend(resources.map(|(kind, metadata, _)| format!("{kind} {}", stack::name(metadata))));
    here.extend(deployment(&context.meshsync));
    let sets = context.statefulsets.items().iter();
    here.extend(sets.map(|set| format!("StatefulSet {}", stack::name(&set.metadata))));
    DIAGNOSIS.finding()
            .title("The stack is here, and --expect embedded says that nothing is")
            .message(format!(
                "If {product} watches this cluster from inside its server as well, everything is reported twice. If it does \
                 not, the connection is in operator mode, and this is the stack that it uses."
            ))
            .evidence("--expect embedded")
            .evidence(format!(
                "namespace {} has {}",
                context.facts.target.namespace,
                here.join(", ")
            ))
            .remedy(format!(
                "see in {product} which mode the connection to this cluster has; if embedded, delete the custom resources \
                 while the operator runs, then the operator; if not, drop the expectation"
            ))
            .command(context.meshdoctor(Effect::Read, "system check --expect operator"))
            .command(removal(context))
            .found()
}

/// The command that begins to remove what is here: custom resources first, whose finalizers only the operator clears.
fn removal(context: &RuleContext<'_>) -> Command {
    let group = context.facts.profile.group;
    if context.has_custom_resource() {
        return context.kubectl().delete(format!("meshsyncs.{group},brokers.{group} --all"));
    }
    context.kubectl().delete(format!("deployment/{}", context.meshsync_name()))
}
