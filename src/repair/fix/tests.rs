use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    diagnose::{self, Expectation},
    facts::Facts,
    repair::plan::{self, Plan, Step, Until},
    report::{Components, Safety, Source, State, Verdict, Workload, change::ChangedField},
    stack::{
        component::Component,
        object::{self, Id},
    },
};

fn report(meshsync: State) -> Report {
    let mut report = diagnose::diagnose(&Facts::default(), &Expectation::default(), Source::live());
    if let Components::Stack(components) = &mut report.components {
        components.meshsync.state = meshsync;
    }
    report.workloads = vec![Workload {
        kind: "Deployment".into(),
        name: "meshery-meshsync".into(),
        component: Component::Meshsync,
        ready: "1/1".into(),
        ready_replicas: 1,
        desired_replicas: 1,
        status: "Running".into(),
        restarts: 0,
        created: None,
        pods: Vec::new(),
    }];
    report
}

fn of_step(kind: object::Kind, name: &str, action: plan::Action, meshsync: State) -> Risk {
    let step = Step::new(Id::of(kind, Some("meshery"), name), action);
    risk(&Plan { steps: vec![step], ..Plan::default() }, &report(meshsync))
}

fn change(path: &str, before: serde_json::Value) -> plan::Action {
    let field = ChangedField { path: path.into(), before: Some(before), after: Some(json!(1)) };
    plan::Action::Patch { patch: json!({}), changes: vec![field] }
}

#[test]
fn restart_is_safe_only_for_a_meshsync_that_is_not_connected() {
    let restart = |name, state| of_step(object::DEPLOYMENT, name, plan::Action::Restart, state).safety;
    assert_eq!(restart("meshery-meshsync", State::Running), Safety::Safe);
    assert_eq!(restart("meshery-meshsync", State::Connected), Safety::Review);
    assert_eq!(restart("meshery-operator", State::Running), Safety::Review);
}

#[test]
fn what_is_missing_is_created_and_scaled_up_safely() {
    let safety = |action| of_step(object::DEPLOYMENT, "meshery-operator", action, State::Connected).safety;
    assert_eq!(safety(plan::Action::Create(json!({}))), Safety::Safe);
    assert_eq!(safety(plan::Action::Wait(Until::RolledOut)), Safety::Safe);
    assert_eq!(safety(change("spec.replicas", json!(0))), Safety::Safe);
    assert_eq!(safety(change("spec.replicas", json!(2))), Safety::Review);
    assert_eq!(safety(change("spec.template.spec", json!({}))), Safety::Review);
}

#[test]
fn labels_change_safely_and_other_fields_do_not() {
    let apply = |path: &str| {
        let field = ChangedField { path: path.into(), before: None, after: Some(json!("a")) };
        let action = plan::Action::Apply { manifest: json!({}), changes: vec![field], force: false };
        of_step(object::SERVICE_ACCOUNT, "meshery-operator", action, State::Connected).safety
    };
    assert_eq!(apply("metadata.labels.app"), Safety::Safe);
    assert_eq!(apply("imagePullSecrets"), Safety::Review);
}

#[test]
fn deletion_of_a_crd_or_namespace_and_finalizers_need_a_person() {
    let delete = || plan::Action::Delete { uid: "u".into() };
    let safety = |kind, name, action| of_step(kind, name, action, State::Connected).safety;
    assert_eq!(safety(object::DEFINITION, "brokers.meshery.io", delete()), Safety::Manual);
    assert_eq!(safety(object::NAMESPACE, "meshery", delete()), Safety::Manual);
    assert_eq!(safety(object::STATEFUL_SET, "meshery-broker", delete()), Safety::Review);
    assert_eq!(safety(object::CONFIG_MAP, "meshdoctor-probe-1", delete()), Safety::Safe);
    let clear = plan::Action::ClearFinalizers { uid: "u".into(), finalizers: Vec::new() };
    assert_eq!(safety(object::CONFIG_MAP, "a", clear), Safety::Manual);
}

#[test]
fn risk_names_the_first_of_the_worst_steps() {
    let step = |name: &str, action| Step::new(Id::of(object::DEPLOYMENT, Some("meshery"), name), action);
    let steps = vec![
        step("a", plan::Action::Create(json!({}))),
        step("b", plan::Action::Restart),
        step("c", plan::Action::Restart),
    ];
    let risk = risk(&Plan { steps, ..Plan::default() }, &report(State::Connected));
    assert_eq!(risk, Risk { safety: Safety::Review, why: Some("it restarts Deployment b".into()) });
}

#[test]
fn stack_settles_at_once_when_it_is_healthy_and_otherwise_after_a_quiet_time() {
    let at = Duration::from_secs;
    let mut healthy = report(State::Connected);
    healthy.findings = Some(Vec::new());
    healthy.verdict = Some(Verdict::Healthy);
    assert!(Settling::after(Some("some"), &healthy).is_settled(&healthy, at(0)));
    let mut sick = healthy.clone();
    sick.verdict = Some(Verdict::Unhealthy);
    let mut settling = Settling::after(Some("some"), &healthy);
    assert!(!settling.is_settled(&sick, at(1)));
    assert!(!settling.is_settled(&sick, at(9)));
    assert!(settling.is_settled(&sick, at(10)));
}

#[test]
fn findings_that_were_tried_are_not_fixed_again() {
    let report = report(State::Connected);
    let ids: BTreeSet<String> = of(&report, &BTreeSet::new()).into_iter().map(|fix| fix.finding).collect();
    assert_eq!(of(&report, &ids), Vec::new());
}
