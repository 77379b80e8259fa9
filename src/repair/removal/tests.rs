mod refusals;

use serde_json::{Value, json};

use super::*;
use crate::stack::{base::failure::Kind, inventory, profile::MESHERY};

const NAMESPACE: &str = "mesh";

/// Everything absent but what is given, each as kind, name and more of the object.
fn found(there: &[(&str, &str, Value)]) -> Found {
    let belongings = inventory::of(&MESHERY, NAMESPACE)
        .into_iter()
        .map(|belonging| {
            let id = &belonging.id;
            let live = there
                .iter()
                .find(|(kind, name, _)| *kind == id.kind && *name == id.name)
                .map(|(kind, name, more)| object(kind, name, more));
            let seen = live.map_or(Seen::Absent, Seen::Known);
            (belonging, seen)
        })
        .collect();
    Found { belongings, operator_works: true, ..Found::default() }
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
    Request { parts: parts.iter().copied().collect(), keep_custom_resources: false, clear_finalizers: false }
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
fn everything_goes_in_the_one_order() {
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
fn definitions_and_namespace_stay_unless_asked_for() {
    let plan = planned(&request(&STACK), &stack());
    assert!(plan.steps.iter().all(|step| !["CustomResourceDefinition", "Namespace"].contains(&step.id.kind.as_str())));
}

#[test]
fn nothing_there_is_nothing_to_do() {
    assert!(planned(&request(&ALL), &found(&[])).is_empty());
}

#[test]
fn what_another_tool_manages_is_left_to_it() {
    let mut found = stack();
    let owner = Manager::Helm { release: "mesh".into(), namespace: Some("meshery".into()) };
    // What it manages of the ground counts only where that is to go.
    found.claims = vec![(Part::Definitions, owner.clone())];
    planned(&request(&STACK), &found);
    let refusal = refused(&request(&ALL), &found);
    assert_eq!(refusal.instead, ["the same command without --crds"]);
    found.claims = vec![(Part::Broker, owner)];
    let refusal = refused(&request(&STACK), &found);
    assert!(refusal.why.contains("Helm (release mesh)"), "{refusal:?}");
    assert_eq!(refusal.instead, ["helm uninstall mesh -n meshery"]);
}

#[test]
fn the_operator_does_not_leave_custom_resources_behind_unasked() {
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
    assert!(plan.warnings[0].contains("ServiceAccount meshery-operator stays"));
}

#[test]
fn an_operator_alone_is_refused_as_well_when_custom_resources_cannot_be_read() {
    let mut found = dead_webhook();
    found.operator_works = true;
    let refusal = refused(&request(&[Part::Operator]), &found);
    assert!(refusal.why.contains("cannot be read"), "{refusal:?}");
}

#[test]
fn finalizers_that_nobody_acts_on_are_cleared_only_when_asked() {
    let mut found = stack();
    found.operator_works = false;
    let mut request = request(&[Part::Meshsync]);
    let refusal = refused(&request, &found);
    assert!(refusal.why.contains("meshery.io/finalizer"), "{refusal:?}");
    assert!(refusal.instead[1].contains("--clear-finalizers"));

    request.clear_finalizers = true;
    let plan = planned(&request, &found);
    // It is told to go before its finalizers are taken: they are never taken from what stays.
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
fn finalizers_are_the_operators_while_it_works() {
    let mut request = request(&STACK);
    request.clear_finalizers = true;
    let plan = planned(&request, &stack());
    assert!(plan.steps.iter().all(|step| step.verb() != "clear finalizers"));
}

/// Neither operator nor webhook, and definitions that need it.
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
fn what_a_dead_webhook_hides_is_planned_once_it_can_be_read() {
    let request = request(&STACK);
    let found = dead_webhook();
    let plan = planned(&request, &found);
    assert!(plan.continues);
    assert_eq!(
        lines(&plan),
        ["change CustomResourceDefinition meshsyncs.meshery.io", "change CustomResourceDefinition brokers.meshery.io",]
    );
    // The rights of what follows are asked for before the first change.
    let rights = rights(&MESHERY, NAMESPACE, &request, &found, &plan);
    for wanted in [
        "patch customresourcedefinitions.apiextensions.k8s.io \"meshsyncs.meshery.io\"",
        "delete meshsyncs.meshery.io in namespace mesh",
        "delete statefulsets.apps \"meshery-nats\" in namespace mesh",
    ] {
        assert!(rights.iter().any(|right| right.to_string() == wanted), "{wanted} is not among {rights:?}");
    }
}

#[test]
fn a_webhook_that_answers_elsewhere_is_left_alone() {
    let mut found = dead_webhook();
    found.unread.clear();
    for (_, seen) in &mut found.belongings {
        if let Seen::Known(live) = seen {
            live["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["namespace"] = "other".into();
        }
    }
    let plan = planned(&request(&STACK), &found);
    assert_eq!(lines(&plan), ["delete StatefulSet meshery-nats"]);
}

#[test]
fn custom_resources_that_cannot_be_read_for_another_reason_are_a_refusal() {
    let mut found = stack();
    found.unread = vec!["brokers: no permission to list brokers".into()];
    let refusal = refused(&request(&STACK), &found);
    assert!(refusal.why.contains("no permission to list brokers"), "{refusal:?}");
}

#[test]
fn a_binding_of_another_namespace_stays_and_its_role_with_it() {
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
fn a_binding_that_is_shared_loses_our_accounts_only() {
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
    assert!(plan.warnings[0].contains("ClusterRole meshery-operator-role stays"));
}

#[test]
fn what_bears_no_mark_of_the_operator_stays() {
    let found = found(&[("StatefulSet", "meshery-nats", json!({}))]);
    let plan = planned(&request(&STACK), &found);
    assert!(plan.is_empty());
    assert!(plan.warnings[0].contains("StatefulSet meshery-nats stays"));
}
