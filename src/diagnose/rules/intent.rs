//! The rule about intent: whether what is here is what `--expect` says.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, mode::Mode},
    facts::stack,
    report::{Command, Effect},
    stack::component::Component::Installation,
};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "as-expected",
    category: Installation,
    title: "the cluster is watched in the mode that is expected",
    codes: &["mode-not-expected"],
    facts: &["deployments", "statefulsets"],
    after: &["installed"],
    judge: as_expected,
}];

fn as_expected(patient: &Patient<'_>, _: &States) -> Outcome {
    let (mode, _) = patient.mode();
    let product = patient.facts.profile.product;
    match mode {
        Mode::Operator | Mode::CustomBroker | Mode::Standalone if patient.expect.embedded => {}
        Mode::Standalone if patient.expect.operator => {
            let name = patient.meshsync_name();
            return Outcome::Found(vec![
                Draft::new("mode-not-expected")
                    .title("MeshSync runs without operator, and --expect operator says that it has one")
                    .message("Nothing looks after it: no operator, no custom resource, no broker of the stack's own.")
                    .object(patient.object("Deployment", name))
                    .evidence("--expect operator")
                    .evidence(format!("Deployment {name} belongs to no MeshSync object"))
                    .evidence("there is no operator, no Broker and no MeshSync object")
                    .remedy("remove this one, whose name the operator's own would have, then deploy the operator; or drop the expectation")
                    .command(patient.kubectl(Effect::Destructive, &format!("delete deployment/{name}")))
                    .done(),
            ]);
        }
        Mode::Unknown => return Outcome::Unknown("not enough was seen to tell the mode".into()),
        _ if patient.expect.embedded || patient.expect.operator => return Outcome::Pass,
        _ => return Outcome::Skip("--expect names no mode".into()),
    }
    let mut here = Vec::new();
    if let Some(operator) = patient.operator.known() {
        here.push(format!("Deployment {}", stack::name(&operator.metadata)));
    }
    let brokers = patient.brokers.items().iter();
    here.extend(brokers.map(|broker| format!("Broker {}", stack::name(&broker.metadata))));
    let meshsyncs = patient.meshsyncs.items().iter();
    here.extend(meshsyncs.map(|meshsync| format!("MeshSync {}", stack::name(&meshsync.metadata))));
    if let Some(meshsync) = patient.meshsync.known() {
        here.push(format!("Deployment {}", stack::name(&meshsync.metadata)));
    }
    let sets = patient.statefulsets.items().iter();
    here.extend(sets.map(|set| format!("StatefulSet {}", stack::name(&set.metadata))));
    Outcome::Found(vec![
        Draft::new("mode-not-expected")
            .title("The stack is here, and --expect embedded says that nothing is")
            .message(format!(
                "If {product} watches this cluster from inside its server as well, everything is reported twice. If it does \
                 not, the connection is in operator mode, and this is the stack that it uses."
            ))
            .evidence("--expect embedded")
            .evidence(format!(
                "namespace {} has {}",
                patient.facts.target.namespace,
                here.join(", ")
            ))
            .remedy(format!(
                "see in {product} which mode the connection to this cluster has; if embedded, delete the custom resources \
                 while the operator runs, then the operator; if not, drop the expectation"
            ))
            .command(patient.meshdoctor(Effect::Read, "system check --expect operator"))
            .command(removal(patient))
            .done(),
    ])
}

/// The command that begins to remove what is here: custom resources first, whose finalizers only the operator clears.
fn removal(patient: &Patient<'_>) -> Command {
    let group = patient.facts.profile.group;
    if patient.has_custom_resource() {
        return patient.kubectl(
            Effect::Destructive,
            &format!("delete meshsyncs.{group},brokers.{group} --all"),
        );
    }
    patient.kubectl(
        Effect::Destructive,
        &format!("delete deployment/{}", patient.meshsync_name()),
    )
}
