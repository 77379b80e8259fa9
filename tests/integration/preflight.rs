//! How a preflight reports incomplete facts and leftovers. No API server is needed.

use meshdoctor::{
    diagnose,
    facts::{Answer, Facts, recording},
    report::{Report, Severity, Source, Status, Verdict},
    stack::base::{
        permission::Permission,
        seen::{Denial, Seen},
    },
};

use crate::fixture::fixture;

fn facts(name: &str) -> Facts {
    let path = fixture(name);
    recording::read(&path.to_string_lossy(), None, None).expect("a recording").remove(0)
}

fn report_for(facts: &Facts) -> Report {
    let source = Source { kind: "recording", path: None };
    diagnose::preflight(facts, source).expect("a preflight")
}

fn status(report: &Report, id: &str) -> Status {
    report.checks().iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}")).status
}

#[test]
fn without_list_nodes_permission_only_the_capacity_is_unknown() {
    let mut facts = facts("preflight-no-namespace");
    let permission = Permission::to("list", "", "nodes");
    facts.preflight.as_mut().expect("a preflight").nodes = Seen::Denied(Denial { missing: vec![permission.clone()] });
    let report = report_for(&facts);
    assert_eq!(status(&report, "nodes-have-room"), Status::Unknown);
    assert_eq!(report.verdict, Some(Verdict::Healthy));
    assert!(report.determined);
    assert_eq!(report.permissions.missing, [permission]);
}

#[test]
fn object_without_an_answer_makes_the_verdict_unknown() {
    let mut facts = facts("preflight-no-namespace");
    let preflight = facts.preflight.as_mut().expect("a preflight");
    preflight.objects[2].answer = Seen::failed("no response within 10 s");
    let report = report_for(&facts);
    assert_eq!(report.verdict, Some(Verdict::Unknown));
    assert_eq!(status(&report, "takes-definitions"), Status::Unknown);
    assert_eq!(status(&report, "install-permitted"), Status::Unknown);
    let codes: Vec<&str> = report.findings().iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["observation-missing"]);
}

#[test]
fn leftovers_are_a_warning_and_do_not_block() {
    let mut facts = facts("orphaned-workloads");
    facts.preflight = self::facts("preflight-no-namespace").preflight;
    let report = report_for(&facts);
    let orphans = report.findings().iter().find(|finding| finding.code == "orphaned-workloads").expect("the orphans");
    assert_eq!(orphans.severity, Severity::Warning);
    assert_eq!(status(&report, "no-orphans"), Status::Warn);
    assert_eq!(report.verdict, Some(Verdict::Degraded));
}

#[test]
fn conflicts_and_immutable_fields_are_not_rejections_but_invalid_values_are() {
    let mut facts = facts("preflight-no-namespace");
    let conflict = Seen::Known(Answer {
        status: 409,
        message: "Apply failed with 1 conflict: conflict with \"helm\": .spec.replicas".into(),
    });
    let objects = &mut facts.preflight.as_mut().expect("a preflight").objects;
    let operator = objects.iter_mut().find(|object| object.kind == "Deployment").expect("the operator");
    operator.answer = conflict;
    operator.forced = Seen::Known(Answer { status: 200, message: String::new() });
    let report = report_for(&facts);
    assert_eq!(status(&report, "takes-operator"), Status::Pass);
    assert_eq!(report.verdict, Some(Verdict::Healthy));

    for (message, action, outcome) in [
        ("spec.selector: Invalid value: field is immutable", "replace", Status::Pass),
        ("spec.replicas: Invalid value: must not be negative", "rejected", Status::Fail),
    ] {
        let objects = &mut facts.preflight.as_mut().expect("a preflight").objects;
        let operator = objects.iter_mut().find(|object| object.kind == "Deployment").expect("the operator");
        operator.forced = Seen::Known(Answer { status: 422, message: message.into() });
        let report = report_for(&facts);
        assert_eq!(status(&report, "takes-operator"), outcome, "{message}");
        let summary = report.preflight.as_ref().expect("a summary");
        let mut actions = summary.objects.iter().map(|object| object.action);
        assert!(actions.any(|one| one == action), "{message}");
        let well = report.verdict == Some(Verdict::Healthy);
        assert_eq!(well, action == "replace", "{message}");
    }
}
