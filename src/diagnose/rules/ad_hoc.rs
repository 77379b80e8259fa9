//! The rules of the ad hoc tests of one part. They are judged only where that test was made.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::Draft,
    facts::Subject,
    report::Effect,
    stack::{base::seen::Seen, component::Component},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "operator-renews",
        category: Component::Operator,
        title: "the operator renewed its Lease while we looked",
        codes: &["operator-no-leader"],
        facts: &["lease"],
        after: &[],
        judge: renews,
    },
    Rule {
        id: "broker-delivers",
        category: Component::Broker,
        title: "what is published comes back",
        codes: &["broker-not-delivering"],
        facts: &["broker"],
        after: &[],
        judge: delivers,
    },
    Rule {
        id: "meshsync-answers",
        category: Component::Meshsync,
        title: "MeshSync answers requests",
        codes: &["meshsync-no-answer"],
        facts: &["broker"],
        after: &[],
        judge: answers,
    },
];

/// Why a rule of this subject does not apply to what was tested.
fn other_test(patient: &Patient<'_>, subject: Subject) -> Option<Outcome> {
    let tested = patient.facts.test.as_ref().map(|test| test.subject);
    (tested != Some(subject)).then(|| Outcome::Skip("another part was tested".into()))
}

fn renews(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(skip) = other_test(patient, Subject::Operator) {
        return skip;
    }
    let operator = patient
        .facts
        .test
        .as_ref()
        .and_then(|t| t.operator.as_ref());
    let Some(operator) = operator else {
        return Outcome::Unknown("the Lease was not watched".into());
    };
    match &operator.renewal.micros {
        Seen::Known(micros) => Outcome::PassWith(format!(
            "after {}",
            crate::stack::base::words::short_span(*micros)
        )),
        // Others tell that there is no Lease, and whether there should be one.
        Seen::Absent => Outcome::Skip("there is no Lease".into()),
        Seen::Unreachable(why) if patient.operator_is_up() == Some(true) => Outcome::Found(vec![
            Draft::new("operator-no-leader")
                .title("The operator does not renew its Lease")
                .message("Its pod is ready, and nothing is done: an operator that does not lead acts on no custom resource.")
                .object(patient.object("Lease", patient.facts.profile.operator.lease))
                .evidence(why.message.clone())
                .evidence(operator.renewal.detail.clone())
                .remedy("restart the operator; its log says why it cannot keep the Lease")
                .command(patient.kubectl(
                    Effect::Write,
                    &format!(
                        "rollout restart deployment/{}",
                        patient.facts.profile.operator.deployment
                    ),
                ))
                .done(),
        ]),
        Seen::Unreachable(_) => Outcome::Skip("no operator runs that could renew it".into()),
        Seen::NotLooked if patient.operator_is_up() == Some(true) => {
            Outcome::Unknown(operator.renewal.detail.clone())
        }
        Seen::NotLooked => Outcome::Skip(operator.renewal.detail.clone()),
        denied @ Seen::Denied(_) => Outcome::Unknown(denied.why_unsettled().unwrap_or_default()),
    }
}

fn delivers(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(skip) = other_test(patient, Subject::Broker) {
        return skip;
    }
    let servers = patient
        .facts
        .test
        .as_ref()
        .map_or(&[][..], |test| &test.servers);
    if servers.is_empty() {
        return Outcome::Unknown("no broker server let us in".into());
    }
    let findings = servers.iter().filter_map(|server| {
        let why = server.failure.as_ref()?;
        let name =
            super::broker::name_by_id(patient, &server.server_id).unwrap_or("a broker server");
        Some(
            Draft::new("broker-not-delivering")
                .title(format!("{name} does not hand on what is published"))
                .message("It let us in, and then a message of ours did not come back. MeshSync's would not either.")
                .object(patient.object("Pod", name))
                .evidence(format!("{name}: {why}"))
                .evidence(format!(
                    "{} of ours came back before",
                    server.loops.len()
                ))
                .remedy("see whether the server has the CPU and memory that it needs, then restart it")
                .command(patient.kubectl(Effect::Read, "top pods --containers"))
                .done(),
        )
    });
    Outcome::of(findings.collect())
}

fn answers(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(skip) = other_test(patient, Subject::Meshsync) {
        return skip;
    }
    let meshsync = patient
        .facts
        .test
        .as_ref()
        .and_then(|t| t.meshsync.as_ref());
    let Some(meshsync) = meshsync else {
        return Outcome::Unknown("it was not asked".into());
    };
    match &meshsync.meta.micros {
        Seen::Known(_) if meshsync.meta.detail.is_empty() => Outcome::Pass,
        Seen::Known(_) => Outcome::PassWith(meshsync.meta.detail.clone()),
        // That it is not connected is told by others.
        _ if patient.clients.meshsync.is_empty() => {
            Outcome::Skip("MeshSync is not connected to the broker".into())
        }
        Seen::Unreachable(why) => {
            let name = patient.meshsync_name();
            Outcome::Found(vec![
                Draft::new("meshsync-no-answer")
                    .message("The broker lists it as connected, and nobody answers at the other end: the process hangs or is paused, or it has lost its subscription.")
                    .object(patient.object("Deployment", name))
                    .evidence(format!("the request for its version: {why}"))
                    .remedy("restart MeshSync")
                    .command(patient.restart_meshsync())
                    .command(patient.kubectl(Effect::Read, &format!("logs deployment/{name}")))
                    .done(),
            ])
        }
        other => Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    }
}
