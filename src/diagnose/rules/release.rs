//! The rule about `MeshSync`'s version: that it is the one asked for, and suits what surrounds it.

use semver::Version;

use super::{Outcome, Patient, Rule, States, running};
use crate::{
    diagnose::{Draft, rollout},
    facts::{
        Meshsync,
        destination::{self, ADDRESS},
        stack,
    },
    report::Effect,
    stack::{component::Component, watch_list},
};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "meshsync-version",
    category: Component::Meshsync,
    title: "the version that was asked for runs, and suits the operator",
    codes: &["meshsync-version-mismatch", "meshsync-version-bug"],
    facts: &["deployments", "meshsyncs.v1alpha1"],
    after: &["installed"],
    judge: version,
}];

/// The first version that can take an address with a scheme apart, and that ends itself when it finds no broker.
pub(super) const READS_SCHEMES: Version = Version::new(1, 0, 1);

/// The address that the Deployment of a version below [`READS_SCHEMES`] was given, if it has a scheme.
pub(super) fn unreadable_address<'a>(patient: &Patient<'a>, states: &States) -> Option<&'a str> {
    let tag = states.meshsync.report.version.as_deref()?;
    let release = watch_list::release(tag)?;
    let deployment = patient.meshsync.known().copied()?;
    let address = destination::variable(rollout::containers(deployment), ADDRESS)?;
    (release < READS_SCHEMES && address.contains("://")).then_some(address)
}

fn version(patient: &Patient<'_>, states: &States) -> Outcome {
    let deployment = match running::deployment(patient) {
        Ok(deployment) => deployment,
        Err(outcome) => return outcome,
    };
    let Some(tag) = states.meshsync.report.version.as_deref() else {
        return Outcome::Skip("its image has no tag".into());
    };
    // A tag that moves says nothing of the version; it has a finding of its own.
    if watch_list::release(tag).is_none() {
        return Outcome::Skip(format!("the tag {tag} names no version"));
    }
    let name = stack::name(&deployment.metadata);
    let facts = patient.facts;
    let patch = |object: &Meshsync| {
        patient.kubectl(
            Effect::Write,
            &format!(
                r#"patch meshsyncs.{} {} --type merge -p '{{"spec":{{"version":""}}}}'"#,
                facts.profile.group,
                stack::name(&object.metadata)
            ),
        )
    };
    let object = patient.meshsyncs.items().first();
    let mut findings = Vec::new();
    if let Some(meshsync) = object
        && let Some(wanted) = meshsync
            .spec
            .version
            .as_deref()
            .filter(|wanted| !wanted.is_empty())
        && wanted.trim_start_matches('v') != tag.trim_start_matches('v')
    {
        findings.push(
            Draft::new("meshsync-version-mismatch")
                .title(format!("MeshSync {tag} runs, and its object says {wanted}"))
                .message(format!(
                    "{} shows the object's version, whatever runs: you may be looking for a fix, or a fault, in the wrong release.",
                    facts.profile.product
                ))
                .object(patient.object("MeshSync", stack::name(&meshsync.metadata)))
                .evidence(format!("spec.version is {wanted}"))
                .evidence(format!("the image of Deployment {name} has the tag {tag}"))
                .remedy("leave the choice to the operator, which then takes the version that it was built for; or name the one you want")
                .command(patch(meshsync))
                .done(),
        );
    }
    let unreadable = unreadable_address(patient, states).filter(|_| {
        patient.meshsync_runs() == Some(true)
            && patient.clients.meshsync.is_empty()
            && patient.unseen_clients().is_none()
    });
    if let Some(address) = unreadable {
        let mut draft = Draft::new("meshsync-version-bug")
            .title(format!("MeshSync {tag} cannot read an address with nats://"))
            .message("It tests the connection for ever and never connects; only its debug log says so. MeshSync 1.0.1 and later can.")
            .object(patient.object("Deployment", name))
            .evidence(format!("the image of Deployment {name} has the tag {tag}"))
            .evidence(format!("{ADDRESS} is {address}"))
            .remedy("clear the version in the object, so that the operator takes the one it was built for");
        if let Some(meshsync) = object {
            draft = draft.command(patch(meshsync));
        }
        findings.push(draft.done());
    }
    if findings.is_empty() {
        Outcome::PassWith(tag.to_owned())
    } else {
        Outcome::Found(findings)
    }
}
