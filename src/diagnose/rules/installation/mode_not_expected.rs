use k8s_openapi::api::apps::v1::Deployment;

use crate::diagnose::{
    mode::Mode,
    rules::{custom_resources, prelude::*},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "mode-not-expected",
    title: "The cluster is not in the expected mode",
    explanation: include_str!("mode_not_expected.md"),
    cure: Cure::Person(because::CHOICE),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check =
    Check { id: "as-expected", title: "the cluster is in the expected mode", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let (mode, _) = context.mode();
    let product = context.facts.profile.product;
    match mode {
        Mode::Operator | Mode::CustomBroker | Mode::Standalone if context.expect.embedded => {}
        Mode::Standalone if context.expect.operator => {
            let name = context.meshsync_name();
            return DIAGNOSIS
                .finding()
                .title("MeshSync runs without the operator, but --expect operator is set")
                .message("Nothing manages it: there is no operator, no custom resource and no broker of the stack.")
                .object(context.object("Deployment", name))
                .evidence("--expect operator")
                .evidence(format!("Deployment {name} belongs to no MeshSync CR"))
                .evidence("there is no operator, no Broker CR and no MeshSync CR")
                .remedy(
                    "delete this Deployment, whose name the operator needs, then deploy the operator; or drop \
                     --expect operator",
                )
                .command(context.kubectl().delete(format!("deployment/{name}")))
                .found();
        }
        Mode::Unknown => return Outcome::unknown("not enough information to determine the mode"),
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
    DIAGNOSIS
        .finding()
        .title("The stack exists, but --expect embedded is set")
        .message(format!(
            "If {product} also runs MeshSync in its server, everything is reported twice. If not, the connection is \
             in operator mode and uses this stack."
        ))
        .evidence("--expect embedded")
        .evidence(format!("namespace {} contains {}", context.facts.target.namespace, here.join(", ")))
        .remedy(format!(
            "check in {product} whether the connection is embedded; if so, delete the custom resources, then the \
             operator; else drop --expect"
        ))
        .command(context.meshdoctor(Effect::Read, "check --expect operator"))
        .command(removal(context))
        .found()
}

/// The first command to remove the stack: custom resources go first, because only the operator removes their
/// finalizers.
fn removal(context: &RuleContext<'_>) -> Command {
    let group = context.facts.profile.group;
    if context.has_custom_resource() {
        return context.kubectl().delete(format!("meshsyncs.{group},brokers.{group} --all"));
    }
    context.kubectl().delete(format!("deployment/{}", context.meshsync_name()))
}
