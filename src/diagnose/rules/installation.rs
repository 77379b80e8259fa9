//! Rules about what the stack stands on: namespace, CRDs, leftovers, rights, images.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::Draft,
    facts::Crd,
    report::{Effect, ObjectRef, Severity},
    stack::{base::seen::Seen, component::Component::Installation},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "installed",
        category: Installation,
        title: "the stack is installed in this namespace",
        codes: &["not-installed", "stack-in-other-namespace"],
        facts: &["deployments", "statefulsets", "pods"],
        after: &["api-reachable"],
        judge: installed,
    },
    Rule {
        id: "crds-present",
        category: Installation,
        title: "both custom resource definitions are there",
        codes: &["crd-missing"],
        facts: &["crd/broker", "crd/meshsync"],
        after: &["api-reachable", "installed"],
        judge: crds_present,
    },
    Rule {
        id: "crd-current",
        category: Installation,
        title: "the MeshSync definition has the watch-list",
        codes: &["crd-outdated"],
        facts: &["crd/meshsync"],
        after: &["crds-present"],
        judge: crd_current,
    },
    Rule {
        id: "conversion-works",
        category: Installation,
        title: "custom resources can be read in every served version",
        codes: &["conversion-webhook-down"],
        facts: &["brokers.v1alpha1", "brokers.v1alpha2"],
        after: &["crds-present"],
        judge: conversion_works,
    },
];

fn installed(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let something = patient.operator.known().is_some()
        || patient.has_custom_resource()
        || patient.has_workload();
    if something {
        return Outcome::Pass;
    }
    let elsewhere = facts.elsewhere.items();
    if let Some(first) = elsewhere.first() {
        return Outcome::Found(vec![
            Draft::new("stack-in-other-namespace")
                .title(format!(
                    "The stack is in namespace {}",
                    elsewhere.join(", ")
                ))
                .message(format!(
                    "Namespace {} holds nothing of it, so there is nothing to judge here.",
                    facts.target.namespace
                ))
                .evidence(format!(
                    "custom resources of {} are in: {}",
                    facts.profile.group,
                    elsewhere.join(", ")
                ))
                .remedy("look there")
                .command(crate::report::Command {
                    run: format!(
                        "meshdoctor system check -n {first}{}",
                        patient.context_flag()
                    ),
                    effect: Effect::Read,
                })
                .done(),
        ]);
    }
    let unsettled = [
        ("Deployments", facts.deployments.why_unsettled()),
        ("Broker objects", patient.brokers.why_unsettled()),
        ("MeshSync objects", patient.meshsyncs.why_unsettled()),
    ];
    if let Some((what, Some(why))) = unsettled.iter().find(|(_, why)| why.is_some()) {
        return Outcome::Unknown(format!("{what}: {why}"));
    }
    let namespace = &facts.target.namespace;
    let expected = patient.expect.embedded;
    let product = facts.profile.product;
    let draft = Draft::new("not-installed")
        .title(format!("Nothing of the stack is in namespace {namespace}"))
        .message(if patient.expect.operator {
            "The operator is expected here: it was never deployed, was removed, or is in another cluster or namespace."
                .to_owned()
        } else if expected {
            format!("{product} runs MeshSync in its server, so nothing needs to be here.")
        } else {
            format!(
                "Either {product} runs MeshSync embedded in its server, which is the default and needs nothing here, or the \
                 operator was never deployed or was removed."
            )
        })
        .evidence(format!(
            "no operator, no Broker, no MeshSync and none of their workloads in namespace {namespace}"
        ))
        .evidence(match (&facts.broker_crd, &facts.meshsync_crd) {
            (Seen::Absent, Seen::Absent) => "neither custom resource definition is there".to_owned(),
            (Seen::Known(_), _) | (_, Seen::Known(_)) => {
                "custom resource definitions are there: left by an earlier installation, or made ahead of one".to_owned()
            }
            _ => "whether the custom resource definitions are there was not seen".to_owned(),
        });
    if expected {
        return Outcome::ExpectedAbsent(vec![
            draft
                .severity(Severity::Info)
                .evidence("--expect embedded")
                .remedy("nothing: with --expect embedded this is as it should be")
                .done(),
        ]);
    }
    if patient.expect.operator {
        return Outcome::Found(vec![
            draft
                .evidence("--expect operator")
                .remedy("deploy the operator; or look into the cluster and namespace that you mean")
                .command(
                    patient.kubectl_cluster(Effect::Read, "get deployments -A | grep operator"),
                )
                .done(),
        ]);
    }
    Outcome::Found(vec![
        draft
            .remedy("if MeshSync is to run in the server, say so with --expect embedded; else deploy the operator, and see first whether it may be")
            .command(patient.meshdoctor(Effect::Read, "system check --expect embedded"))
            .command(patient.meshdoctor(Effect::Read, "system check --preflight"))
            .command(patient.meshdoctor(Effect::Write, "system redeploy"))
            .done(),
    ])
}

fn crds_present(patient: &Patient<'_>, _: &States) -> Outcome {
    if patient.is_standalone() {
        return Outcome::Skip("MeshSync runs without operator here, and needs none".into());
    }
    let facts = patient.facts;
    let crds = [
        (&facts.broker_crd, facts.profile.broker_crd()),
        (&facts.meshsync_crd, facts.profile.meshsync_crd()),
    ];
    let findings = crds
        .iter()
        .filter(|(crd, _)| crd.is_absent())
        .map(|(_, name)| {
            Draft::new("crd-missing")
                .title(format!("The custom resource definition {name} is missing"))
                .message("Its objects can neither exist nor be made, and the operator cannot watch them.")
                .object(ObjectRef {
                    kind: "CustomResourceDefinition".into(),
                    namespace: None,
                    name: name.clone(),
                })
                .evidence(format!("the API server has no CustomResourceDefinition {name}, while other parts of the stack are there"))
                .remedy("apply the definitions of the operator's version again; existing objects of the other kind are not touched")
                .command(patient.kubectl_cluster(Effect::Read, &format!("get crd {name}")))
                .done()
        })
        .collect::<Vec<_>>();
    if findings.is_empty()
        && let Some((crd, name)) = crds.iter().find(|(crd, _)| !crd.is_settled())
    {
        return Outcome::Unknown(format!(
            "{name}: {}",
            crd.why_unsettled().unwrap_or_default()
        ));
    }
    Outcome::of(findings)
}

/// Whether the schema of any served version has `spec.watch-list`; none when no schema was recorded.
fn has_watch_list(crd: &Crd) -> Option<bool> {
    let schemas: Vec<_> = crd
        .spec
        .versions
        .iter()
        .filter(|version| version.served)
        .filter_map(|version| version.schema.as_ref())
        .collect();
    (!schemas.is_empty()).then(|| {
        schemas.iter().any(|schema| {
            schema
                .open_api_v3_schema
                .properties
                .get("spec")
                .is_some_and(|spec| spec.properties.contains_key("watch-list"))
        })
    })
}

fn crd_current(patient: &Patient<'_>, _: &States) -> Outcome {
    let name = patient.facts.profile.meshsync_crd();
    let crd = match &patient.facts.meshsync_crd {
        Seen::Known(crd) => crd,
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    match has_watch_list(crd) {
        None => Outcome::Skip("the definition's schema was not recorded".into()),
        Some(true) => Outcome::Pass,
        Some(false) => Outcome::Found(vec![
            Draft::new("crd-outdated")
                .message(
                    "The API server drops the watch-list of every MeshSync, so MeshSync falls back to its defaults, and \
                     versions 0.6.23 to 1.0.1 then publish nothing.",
                )
                .object(ObjectRef {
                    kind: "CustomResourceDefinition".into(),
                    namespace: None,
                    name,
                })
                .evidence("spec.versions[].schema has no field spec.watch-list")
                .remedy("apply the definitions of the current operator; then set the watch-list and restart MeshSync")
                .command(patient.meshdoctor(Effect::Write, "system redeploy"))
                .command(patient.kubectl_cluster(
                    Effect::Read,
                    &format!("explain meshsyncs.spec --api-version={}/v1alpha1", patient.facts.profile.group),
                ))
                .done(),
        ]),
    }
}

fn conversion_works(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let failures: Vec<String> = facts
        .brokers
        .iter()
        .map(|(version, seen)| ("brokers", version, seen.failure()))
        .chain(
            facts
                .meshsyncs
                .iter()
                .map(|(version, seen)| ("meshsyncs", version, seen.failure())),
        )
        .filter_map(|(plural, version, why)| Some((plural, version, why?)))
        .filter(|(_, _, why)| why.kind.is_conversion())
        .map(|(plural, version, why)| format!("listing {plural} in {version}: {why}"))
        .collect();
    if failures.is_empty() {
        return Outcome::Pass;
    }
    let reset = |crd: &str| {
        patient.kubectl_cluster(
            Effect::Write,
            &format!(
                r#"patch crd {crd} --type merge -p '{{"spec":{{"conversion":{{"strategy":"None","webhook":null}}}}}}'"#
            ),
        )
    };
    Outcome::Found(vec![
        Draft::new("conversion-webhook-down")
            .message(
                "An object reads only in the version it is stored in. Everything that asks for the other one fails, the \
                 operator and MeshSync among them, and deletions hang.",
            )
            .evidences(failures)
            .remedy(
                "repair the operator that serves the webhook, or switch conversion off: both versions have the same \
                 fields, so nothing is lost",
            )
            .command(reset(&facts.profile.broker_crd()))
            .command(reset(&facts.profile.meshsync_crd()))
            .done(),
    ])
}
