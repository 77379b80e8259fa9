//! Rules about what the stack stands on: namespace, CRDs, leftovers, rights, images.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, rbac, rollout},
    facts::Crd,
    report::{Component::Installation, Effect, ObjectRef, Severity},
    seen::{Right, Seen},
    stack,
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
    Rule {
        id: "one-generation",
        category: Installation,
        title: "only one generation of the broker runs",
        codes: &["two-generations"],
        facts: &["statefulsets"],
        after: &["installed"],
        judge: one_generation,
    },
    Rule {
        id: "no-orphans",
        category: Installation,
        title: "no workload has lost its custom resource and operator",
        codes: &["orphaned-workloads"],
        facts: &["deployments", "statefulsets"],
        after: &["installed"],
        judge: no_orphans,
    },
    Rule {
        id: "least-privilege",
        category: Installation,
        title: "the stack's ServiceAccount may not change everything",
        codes: &["over-privileged"],
        facts: &["clusterrolebindings"],
        after: &["installed"],
        judge: least_privilege,
    },
    Rule {
        id: "fixed-tags",
        category: Installation,
        title: "images are named by fixed tags",
        codes: &["moving-tag"],
        facts: &["deployments", "statefulsets"],
        after: &["installed"],
        judge: fixed_tags,
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
    let draft = Draft::new("not-installed")
        .title(format!("Nothing of the stack is in namespace {namespace}"))
        .message(format!(
            "Either {} runs MeshSync embedded in its server, which is the default and needs nothing here, or the \
             operator was never deployed or was removed.",
            facts.profile.product
        ))
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
                .remedy("nothing: with --expect embedded this is as it should be")
                .done(),
        ]);
    }
    Outcome::Found(vec![
        draft
            .remedy("if MeshSync is to run in the server, say so with --expect embedded; else deploy the operator")
            .command(patient.meshdoctor(Effect::Read, "system check --expect embedded"))
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
        .map(|(version, seen)| ("brokers", version, seen.why_unsettled()))
        .chain(
            facts
                .meshsyncs
                .iter()
                .map(|(version, seen)| ("meshsyncs", version, seen.why_unsettled())),
        )
        .filter_map(|(plural, version, why)| Some((plural, version, why?)))
        .filter(|(_, _, why)| speaks_of_conversion(why))
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

/// How the API server speaks of a dead conversion webhook, also in answers that look like throttling.
fn speaks_of_conversion(why: &str) -> bool {
    why.contains("conversion webhook") || why.contains("storage is (re)initializing")
}

fn one_generation(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    let (Some(current), Seen::Known(sets)) = (profile.broker.current, &patient.statefulsets) else {
        return match patient.statefulsets.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Pass,
        };
    };
    let old = profile.broker.old;
    let has = |name: &str| sets.iter().any(|set| stack::name(&set.metadata) == name);
    if !(has(current) && has(old)) {
        return Outcome::Pass;
    }
    let exposed = stack::broker_services(patient.facts)
        .into_iter()
        .find(|service| stack::name(&service.metadata) == old)
        .and_then(|service| service.spec.as_ref()?.type_.clone())
        .filter(|kind| kind != "ClusterIP");
    let no_token = patient.facts.broker.servers.iter().any(|server| {
        patient
            .pod_of(server)
            .is_some_and(|pod| pod.starts_with(old))
            && !server.varz.auth_required
    });
    let mut draft = Draft::new("two-generations")
        .title(format!("The old broker {old} runs beside the new {current}"))
        .message("An upgrade in place leaves the old broker behind. Whoever still uses it speaks past the new one.")
        .object(patient.object("StatefulSet", old))
        .evidence(format!("StatefulSets {old} and {current} are both there"));
    if let Some(kind) = exposed {
        draft = draft.evidence(format!(
            "Service {old} is of type {kind}: it is open to the outside"
        ));
    }
    if no_token {
        draft = draft.evidence(format!("the server of {old} asks for no token"));
    }
    Outcome::Found(vec![
        draft
            .remedy(format!(
                "see that nothing uses {old} any more, then remove it; the ConfigMap meshery-nats-config is the new one's as well and stays"
            ))
            .command(patient.kubectl(Effect::Destructive, &format!("delete statefulset/{old} service/{old}")))
            .done(),
    ])
}

fn no_orphans(patient: &Patient<'_>, _: &States) -> Outcome {
    let gone = patient.operator.is_absent()
        && matches!(&patient.brokers, Seen::Absent | Seen::Known(_))
        && matches!(&patient.meshsyncs, Seen::Absent | Seen::Known(_))
        && !patient.has_custom_resource();
    if !gone {
        let open = [
            patient.operator.why_unsettled(),
            patient.brokers.why_unsettled(),
            patient.meshsyncs.why_unsettled(),
        ];
        return match open.into_iter().flatten().next() {
            Some(why) if !patient.has_custom_resource() => Outcome::Unknown(why),
            _ => Outcome::Pass,
        };
    }
    let mut left: Vec<String> = patient
        .statefulsets
        .items()
        .iter()
        .map(|set| format!("statefulset/{}", stack::name(&set.metadata)))
        .collect();
    // A Deployment that no MeshSync object owned runs by somebody's intent.
    left.extend(
        patient
            .meshsync
            .known()
            .filter(|deployment| deployment.metadata.owner_references.is_some())
            .map(|deployment| format!("deployment/{}", stack::name(&deployment.metadata))),
    );
    if left.is_empty() {
        return Outcome::Pass;
    }
    Outcome::Found(vec![
        Draft::new("orphaned-workloads")
            .message("Their custom resource is gone and no operator is there: nobody changes, heals or removes them.")
            .evidence(format!("there are {}", left.join(", ")))
            .evidence("there is no operator and no custom resource")
            .remedy("deploy the operator and the custom resources again, which adopts them, or remove them")
            .command(patient.kubectl(Effect::Destructive, &format!("delete {}", left.join(" "))))
            .done(),
    ])
}

fn least_privilege(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let account = stack::meshsync_service_account(facts);
    match rbac::may(facts, &account, &Right::to("delete", "*", "*")) {
        Seen::Known(false) => Outcome::Pass,
        Seen::Known(true) => {
            let bindings: Vec<&str> = facts
                .rbac
                .cluster_role_bindings
                .items()
                .iter()
                .filter(|binding| {
                    rbac::names(
                        binding.subjects.as_deref(),
                        &facts.target.namespace,
                        &account,
                    )
                })
                .filter_map(|binding| binding.metadata.name.as_deref())
                .collect();
            let suspect = facts
                .profile
                .operator
                .cluster_role_bindings
                .first()
                .copied()
                .unwrap_or_default();
            let mut draft = Draft::new("over-privileged")
                .title(format!(
                    "ServiceAccount {account} may change everything in the cluster"
                ))
                .message(
                    "Whoever gets hold of a pod of the operator or of MeshSync owns the cluster.",
                )
                .object(patient.object("ServiceAccount", &account))
                .evidence(format!(
                    "serviceaccount {}/{account} may delete every resource of every group",
                    facts.target.namespace
                ));
            if !bindings.is_empty() {
                draft = draft.evidence(format!("bound by: {}", bindings.join(", ")));
            }
            draft = draft
                .remedy("give MeshSync a role that only reads, then remove the old line's binding: without the first, MeshSync would be blind")
                .command(reader_role(patient))
                .command(reader_binding(patient, &account));
            if bindings.contains(&suspect) {
                draft = draft.command(patient.kubectl_cluster(
                    Effect::Destructive,
                    &format!("delete clusterrolebinding {suspect}"),
                ));
            }
            Outcome::Found(vec![draft.done()])
        }
        other => Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    }
}

/// The command that makes a role which reads everything.
pub(super) fn reader_role(patient: &Patient<'_>) -> crate::report::Command {
    let name = format!("{}-reader", patient.facts.profile.meshsync.resource);
    patient.kubectl_cluster(
        Effect::Write,
        &format!("create clusterrole {name} --verb=get,list,watch --resource='*.*'"),
    )
}

/// The command that binds that role.
pub(super) fn reader_binding(patient: &Patient<'_>, account: &str) -> crate::report::Command {
    let name = format!("{}-reader", patient.facts.profile.meshsync.resource);
    let namespace = &patient.facts.target.namespace;
    patient.kubectl_cluster(
        Effect::Write,
        &format!("create clusterrolebinding {name} --clusterrole={name} --serviceaccount={namespace}:{account}"),
    )
}

fn fixed_tags(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    let mut images: Vec<(String, &str)> = Vec::new();
    if let Some(deployment) = patient.operator.known()
        && let Some(image) = rollout::image(deployment, profile.operator.container)
    {
        images.push((
            format!("deployment/{}", stack::name(&deployment.metadata)),
            image,
        ));
    }
    if let Some(deployment) = patient.meshsync.known()
        && let Some(image) = rollout::image(deployment, profile.meshsync.container)
    {
        images.push((
            format!("deployment/{}", stack::name(&deployment.metadata)),
            image,
        ));
    }
    for set in patient.statefulsets.items() {
        let containers = set
            .spec
            .iter()
            .filter_map(|spec| spec.template.spec.as_ref())
            .flat_map(|pod| &pod.containers);
        for container in containers.filter(|container| container.name == profile.broker.container) {
            if let Some(image) = container.image.as_deref() {
                images.push((format!("statefulset/{}", stack::name(&set.metadata)), image));
            }
        }
    }
    let moving: Vec<String> = images
        .iter()
        .filter(|(_, image)| moves(image))
        .map(|(workload, image)| format!("{workload} runs {image}"))
        .collect();
    if moving.is_empty() {
        return match (images.is_empty(), patient.facts.deployments.why_unsettled()) {
            (true, Some(why)) => Outcome::Unknown(why),
            _ => Outcome::Pass,
        };
    }
    Outcome::Found(vec![
        Draft::new("moving-tag")
            .message("What runs tomorrow is not what runs today: the next restart may bring a version that does not fit its manifests.")
            .evidences(moving)
            .remedy("name the version: 1.0.5 for the operator, spec.version of the custom resources for Broker and MeshSync")
            .done(),
    ])
}

fn moves(image: &str) -> bool {
    if image.contains("@sha256:") {
        return false;
    }
    match stack::image_tag(image) {
        None => true,
        Some(tag) => {
            tag == "latest"
                || tag.ends_with("-latest")
                || tag == "edge"
                || tag == "stable"
                || tag == "main"
        }
    }
}
