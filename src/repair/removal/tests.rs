mod refusals;

use serde_json::{Value, json};

use super::*;
use crate::stack::{base::failure::Kind, inventory, profile::MESHERY};

const NAMESPACE: &str = "mesh";

/// Only these objects exist, each given as kind, name and further fields.
fn found(there: &[(&str, &str, Value)]) -> Found {
    let existing = inventory::of(&MESHERY, NAMESPACE)
        .into_iter()
        .map(|entry| {
            let id = &entry.id;
            let live = there
                .iter()
                .find(|(kind, name, _)| *kind == id.kind && *name == id.name)
                .map(|(kind, name, more)| object(kind, name, more));
            let seen = live.map_or(Seen::Absent, Seen::Known);
            (entry, seen)
        })
        .collect();
    Found { existing, operator_works: true, ..Found::default() }
}

fn object(kind: &str, name: &str, more: &Value) -> Value {
    let mut object = json!({
        "kind": kind,
        "metadata": { "name": name, "uid": format!("uid-of-{name}"), "resourceVersion": "7" },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        if key == "metadata" {
            for (key, value) in value.as_object().into_iter().flatten() {
                object["metadata"][key] = value.clone();
            }
        } else {
            object[key] = value.clone();
        }
    }
    object
}

fn marked() -> Value {
    json!({ "metadata": { "labels": { "app": "meshery" } } })
}

fn custom(kind: &str, metadata: &Value) -> (Id, Value) {
    let name = format!("meshery-{}", kind.to_lowercase());
    let id = Id {
        api_version: "meshery.io/v1alpha1".into(),
        kind: kind.into(),
        plural: format!("{}s", kind.to_lowercase()),
        namespace: Some(NAMESPACE.into()),
        name: name.clone(),
    };
    let live = object(kind, &name, &json!({ "metadata": metadata }));
    (id, live)
}

fn finalizer() -> Value {
    json!({ "finalizers": ["meshery.io/finalizer"] })
}

/// A whole stack, with an operator.
fn stack() -> Found {
    let subject = json!({ "subjects": [{ "kind": "ServiceAccount", "namespace": NAMESPACE }] });
    let mut found = found(&[
        ("Deployment", "meshery-meshsync", marked()),
        ("StatefulSet", "meshery-nats", marked()),
        ("Secret", "meshery-nats-auth", marked()),
        ("Deployment", "meshery-operator", marked()),
        ("ClusterRoleBinding", "meshery-operator-rolebinding", subject),
        ("ClusterRole", "meshery-operator-role", json!({})),
        ("ServiceAccount", "meshery-operator", json!({})),
        ("CustomResourceDefinition", "meshsyncs.meshery.io", json!({})),
        ("CustomResourceDefinition", "brokers.meshery.io", json!({})),
        ("Namespace", NAMESPACE, json!({})),
    ]);
    found.custom = vec![custom("MeshSync", &finalizer()), custom("Broker", &finalizer())];
    found
}

fn request(parts: &[Part]) -> Request {
    Request {
        parts: parts.iter().copied().collect(),
        keep_custom_resources: false,
        clear_finalizers: false,
        take_over: false,
    }
}

const STACK: [Part; 3] = [Part::Meshsync, Part::Broker, Part::Operator];
const ALL: [Part; 5] = [Part::Meshsync, Part::Broker, Part::Operator, Part::Definitions, Part::Namespace];

fn planned(request: &Request, found: &Found) -> Plan {
    plan(&MESHERY, NAMESPACE, request, found).expect("a plan")
}

fn refused(request: &Request, found: &Found) -> Refusal {
    plan(&MESHERY, NAMESPACE, request, found).expect_err("a refusal")
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.verb(), step.id)).collect()
}

#[test]
fn whole_stack_is_removed_in_order() {
    assert_eq!(
        lines(&planned(&request(&ALL), &stack())),
        [
            "delete MeshSync meshery-meshsync",
            "wait MeshSync meshery-meshsync",
            "delete Broker meshery-broker",
            "wait Broker meshery-broker",
            "delete Deployment meshery-meshsync",
            "delete StatefulSet meshery-nats",
            "delete Secret meshery-nats-auth",
            "delete Deployment meshery-operator",
            "delete ClusterRoleBinding meshery-operator-rolebinding",
            "delete ClusterRole meshery-operator-role",
            "delete ServiceAccount meshery-operator",
            "delete CustomResourceDefinition meshsyncs.meshery.io",
            "wait CustomResourceDefinition meshsyncs.meshery.io",
            "delete CustomResourceDefinition brokers.meshery.io",
            "wait CustomResourceDefinition brokers.meshery.io",
            "delete Namespace mesh",
            "wait Namespace mesh",
        ]
    );
}

#[test]
fn crds_and_namespace_are_kept_unless_requested() {
    let plan = planned(&request(&STACK), &stack());
    assert!(plan.steps.iter().all(|step| !["CustomResourceDefinition", "Namespace"].contains(&step.id.kind.as_str())));
    let kept: Vec<String> = plan.kept.iter().map(ToString::to_string).collect();
    assert_eq!(
        kept,
        [
            "CustomResourceDefinition meshsyncs.meshery.io",
            "CustomResourceDefinition brokers.meshery.io",
            "Namespace mesh"
        ]
    );
}

#[test]
fn empty_cluster_needs_no_change() {
    assert!(planned(&request(&ALL), &found(&[])).is_empty());
}

#[test]
fn objects_of_another_tool_are_a_refusal() {
    let mut found = stack();
    let owner = Manager::Helm { release: "mesh".into(), namespace: Some("meshery".into()) };
    // Managers of CRDs and namespace matter only if these are removed.
    found.claims = vec![(Part::Definitions, owner.clone())];
    planned(&request(&STACK), &found);
    let refusal = refused(&request(&ALL), &found);
    assert_eq!(refusal.instead, ["omit --crds".into()]);
    found.claims = vec![(Part::Broker, owner)];
    let refusal = refused(&request(&STACK), &found);
    assert!(refusal.why.contains("Helm (release mesh)"), "{refusal:?}");
    let take_over = "or add --take-over to remove the objects and Helm's release records";
    assert_eq!(refusal.instead, ["helm uninstall mesh -n meshery".into(), take_over.into()]);

    // With several owners each is named, with its own command.
    found.claims.push((Part::Meshsync, Manager::ArgoCd { application: Some("apps".into()) }));
    let refusal = refused(&request(&STACK), &found);
    assert!(refusal.why.contains("Helm (release mesh) and by Argo CD (application apps)"), "{refusal:?}");
    assert_eq!(refusal.instead[..2], ["helm uninstall mesh -n meshery".into(), "argocd app delete apps".into()]);
}

#[test]
fn take_over_removes_release_records_first_and_marks_last() {
    let marks = json!({ "metadata": {
        "labels": { "app": "meshery", "app.kubernetes.io/managed-by": "Helm" },
        "annotations": { "meta.helm.sh/release-name": "mesh", "meta.helm.sh/release-namespace": NAMESPACE },
    } });
    let other = json!({ "metadata": { "labels": { "argocd.argoproj.io/instance": "tenants" } } });
    let mut found = found(&[
        ("Deployment", "meshery-meshsync", marks.clone()),
        ("Deployment", "meshery-operator", marks.clone()),
        ("Namespace", NAMESPACE, other),
    ]);
    found.custom = vec![custom("MeshSync", &marks["metadata"]), custom("Broker", &marks["metadata"])];
    let owner = Manager::Helm { release: "mesh".into(), namespace: Some(NAMESPACE.into()) };
    let tenants = Manager::ArgoCd { application: Some("tenants".into()) };
    found.claims = vec![(Part::Meshsync, owner), (Part::Namespace, tenants)];
    let record = Id::of(object::SECRET, Some(NAMESPACE), "sh.helm.release.v1.mesh.v1");
    found.releases = vec![(record, "1".into())];
    let mut request = request(&[Part::Meshsync]);
    request.take_over = true;
    assert_eq!(
        lines(&planned(&request, &found)),
        [
            "delete Secret sh.helm.release.v1.mesh.v1",
            "delete MeshSync meshery-meshsync",
            "wait MeshSync meshery-meshsync",
            "delete Deployment meshery-meshsync",
            "change Broker meshery-broker",
            "change Deployment meshery-operator",
        ]
    );
    // The namespace belongs to another deployment, which is not taken over.
    request.parts.insert(Part::Namespace);
    assert_eq!(refused(&request, &found).instead, ["omit --delete-namespace".into()]);
}

#[test]
fn operator_alone_is_refused_while_custom_resources_exist() {
    let found = stack();
    let mut request = request(&[Part::Operator]);
    let refusal = refused(&request, &found);
    assert!(refusal.why.contains("MeshSync meshery-meshsync"), "{refusal:?}");

    request.keep_custom_resources = true;
    let plan = planned(&request, &found);
    assert_eq!(
        lines(&plan),
        [
            "delete Deployment meshery-operator",
            "delete ClusterRoleBinding meshery-operator-rolebinding",
            "delete ClusterRole meshery-operator-role",
        ]
    );
    assert!(plan.warnings[0].contains("ServiceAccount meshery-operator is kept"));
}

#[test]
fn operator_alone_is_refused_if_custom_resources_cannot_be_read() {
    let mut found = dead_webhook();
    found.operator_works = true;
    let refusal = refused(&request(&[Part::Operator]), &found);
    assert!(refusal.why.contains("cannot be read"), "{refusal:?}");
}

#[test]
fn finalizers_without_an_operator_are_cleared_only_on_request() {
    let mut found = stack();
    found.operator_works = false;
    let mut request = request(&[Part::Meshsync]);
    let refusal = refused(&request, &found);
    assert!(refusal.why.contains("meshery.io/finalizer"), "{refusal:?}");
    assert_eq!(refusal.instead[1], "or add --clear-finalizers".into());

    request.clear_finalizers = true;
    let plan = planned(&request, &found);
    // It is deleted before its finalizers are cleared: an object that is kept never loses them.
    assert_eq!(
        lines(&plan)[..3],
        [
            "delete MeshSync meshery-meshsync",
            "clear finalizers MeshSync meshery-meshsync",
            "wait MeshSync meshery-meshsync",
        ]
    );

    let going = json!({
        "finalizers": ["meshery.io/finalizer"],
        "deletionTimestamp": "2025-01-01T00:00:00Z",
    });
    found.custom = vec![custom("MeshSync", &going)];
    assert_eq!(
        lines(&planned(&request, &found))[..2],
        ["clear finalizers MeshSync meshery-meshsync", "wait MeshSync meshery-meshsync",]
    );
}

#[test]
fn finalizers_are_left_to_a_working_operator() {
    let mut request = request(&STACK);
    request.clear_finalizers = true;
    let plan = planned(&request, &stack());
    assert!(plan.steps.iter().all(|step| step.verb() != "clear finalizers"));
}

/// No operator and no webhook, but CRDs that need it.
fn dead_webhook() -> Found {
    let conversion = json!({ "spec": { "conversion": { "strategy": "Webhook", "webhook": {
        "clientConfig": { "service": { "namespace": NAMESPACE, "name": "meshery-webhook-service" } },
    } } } });
    let mut found = found(&[
        ("StatefulSet", "meshery-nats", marked()),
        ("CustomResourceDefinition", "meshsyncs.meshery.io", conversion.clone()),
        ("CustomResourceDefinition", "brokers.meshery.io", conversion),
    ]);
    found.operator_works = false;
    found.unread = vec![Failure::new(Kind::ConversionWebhook, "meshsyncs: conversion webhook failed")];
    found
}

#[test]
fn hidden_custom_resources_are_planned_after_the_webhook_is_removed() {
    let request = request(&STACK);
    let found = dead_webhook();
    let plan = planned(&request, &found);
    assert!(plan.continues);
    assert_eq!(
        lines(&plan),
        ["change CustomResourceDefinition meshsyncs.meshery.io", "change CustomResourceDefinition brokers.meshery.io",]
    );
    // The permissions of later steps are reviewed before the first change.
    let permissions = permissions(&MESHERY, NAMESPACE, &request, &found, &plan);
    for wanted in [
        "patch customresourcedefinitions.apiextensions.k8s.io \"meshsyncs.meshery.io\"",
        "delete meshsyncs.meshery.io in namespace mesh",
        "delete statefulsets.apps \"meshery-nats\" in namespace mesh",
    ] {
        assert!(permissions.iter().any(|it| it.to_string() == wanted), "{wanted} is not among {permissions:?}");
    }
}

#[test]
fn working_webhook_of_another_installation_is_left_alone() {
    let mut found = dead_webhook();
    found.unread.clear();
    for (_, seen) in &mut found.existing {
        if let Seen::Known(live) = seen {
            live["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["namespace"] = "other".into();
        }
    }
    let plan = planned(&request(&STACK), &found);
    assert_eq!(lines(&plan), ["delete StatefulSet meshery-nats"]);
}

#[test]
fn unreadable_custom_resources_are_a_refusal() {
    let mut found = stack();
    found.unread = vec!["brokers: no permission to list brokers".into()];
    let refusal = refused(&request(&STACK), &found);
    assert!(refusal.why.contains("no permission to list brokers"), "{refusal:?}");
}

#[test]
fn binding_of_another_namespace_and_its_role_are_kept() {
    let subject = json!({ "subjects": [{ "kind": "ServiceAccount", "namespace": "other" }] });
    let binding = json!({
        "subjects": subject["subjects"],
        "roleRef": { "name": "meshery-operator-role" },
    });
    let found = found(&[
        ("ClusterRoleBinding", "meshery-operator-rolebinding", binding),
        ("ClusterRole", "meshery-operator-role", json!({})),
    ]);
    let plan = planned(&request(&STACK), &found);
    assert!(plan.is_empty(), "{plan:?}");
    assert_eq!(plan.warnings.len(), 2);
}

#[test]
fn shared_binding_loses_only_our_subjects() {
    let account = |namespace| json!({ "kind": "ServiceAccount", "namespace": namespace });
    let binding = json!({
        "subjects": [account(NAMESPACE), account("other")],
        "roleRef": { "name": "meshery-operator-role" },
    });
    let found = found(&[
        ("ClusterRoleBinding", "meshery-operator-rolebinding", binding),
        ("ClusterRole", "meshery-operator-role", json!({})),
    ]);
    let plan = planned(&request(&STACK), &found);
    let [step] = plan.steps.as_slice() else {
        panic!("one step, not {plan:?}");
    };
    let Action::Patch { patch, .. } = &step.action else {
        panic!("a patch, not {step:?}");
    };
    assert_eq!(patch["subjects"], json!([account("other")]));
    assert!(plan.warnings[0].contains("ClusterRole meshery-operator-role is kept"));
}

#[test]
fn unmarked_workload_is_kept() {
    let found = found(&[("StatefulSet", "meshery-nats", json!({}))]);
    let plan = planned(&request(&STACK), &found);
    assert!(plan.is_empty());
    assert!(plan.warnings[0].contains("StatefulSet meshery-nats is kept"));
}
