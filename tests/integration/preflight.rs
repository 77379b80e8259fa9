//! What a preflight makes of facts that are open, and of leftovers: no API server is needed.

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
    recording::read(&path.to_string_lossy(), None, None).expect("a recording")
}

fn judge(facts: &Facts) -> Report {
    let source = Source { kind: "recording", path: None };
    diagnose::preflight(facts, source).expect("a preflight")
}

fn status(report: &Report, id: &str) -> Status {
    report.checks().iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}")).status
}

#[test]
fn without_the_right_to_list_nodes_room_is_unknown_and_nothing_else_changes() {
    let mut facts = facts("preflight-no-namespace");
    let right = Permission::to("list", "", "nodes");
    facts.preflight.as_mut().expect("a preflight").nodes = Seen::Denied(Denial { missing: vec![right.clone()] });
    let report = judge(&facts);
    assert_eq!(status(&report, "nodes-have-room"), Status::Unknown);
    assert_eq!(report.verdict, Some(Verdict::Healthy));
    assert!(report.determined);
    assert_eq!(report.permissions.missing, [right]);
}

#[test]
fn an_object_without_an_answer_leaves_it_open() {
    let mut facts = facts("preflight-no-namespace");
    let preflight = facts.preflight.as_mut().expect("a preflight");
    preflight.objects[2].answer = Seen::failed("no answer within 10 s");
    let report = judge(&facts);
    assert_eq!(report.verdict, Some(Verdict::Unknown));
    assert_eq!(status(&report, "takes-definitions"), Status::Unknown);
    assert_eq!(status(&report, "install-permitted"), Status::Unknown);
    let codes: Vec<&str> = report.findings().iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["observation-missing"]);
}

#[test]
fn what_merely_lies_about_is_told_and_is_no_bar() {
    let mut facts = facts("orphaned-workloads");
    facts.preflight = self::facts("preflight-no-namespace").preflight;
    let report = judge(&facts);
    let orphans = report.findings().iter().find(|finding| finding.code == "orphaned-workloads").expect("the orphans");
    assert_eq!(orphans.severity, Severity::Warning);
    assert_eq!(status(&report, "no-orphans"), Status::Warn);
    assert_eq!(report.verdict, Some(Verdict::Degraded));
}

#[test]
fn fields_that_others_hold_or_that_cannot_be_changed_are_no_refusal_and_wrong_ones_are() {
    let mut facts = facts("preflight-no-namespace");
    let conflict = Seen::Known(Answer {
        status: 409,
        message: "Apply failed with 1 conflict: conflict with \"helm\": .spec.replicas".into(),
    });
    let objects = &mut facts.preflight.as_mut().expect("a preflight").objects;
    let operator = objects.iter_mut().find(|object| object.kind == "Deployment").expect("the operator");
    operator.answer = conflict;
    operator.forced = Seen::Known(Answer { status: 200, message: String::new() });
    let report = judge(&facts);
    assert_eq!(status(&report, "takes-operator"), Status::Pass);
    assert_eq!(report.verdict, Some(Verdict::Healthy));

    for (message, action, outcome) in [
        ("spec.selector: Invalid value: field is immutable", "replace", Status::Pass),
        ("spec.replicas: Invalid value: must not be negative", "rejected", Status::Fail),
    ] {
        let objects = &mut facts.preflight.as_mut().expect("a preflight").objects;
        let operator = objects.iter_mut().find(|object| object.kind == "Deployment").expect("the operator");
        operator.forced = Seen::Known(Answer { status: 422, message: message.into() });
        let report = judge(&facts);
        assert_eq!(status(&report, "takes-operator"), outcome, "{message}");
        let outlook = report.preflight.as_ref().expect("an outlook");
        let mut actions = outlook.objects.iter().map(|object| object.action);
        assert!(actions.any(|one| one == action), "{message}");
        let well = report.verdict == Some(Verdict::Healthy);
        assert_eq!(well, action == "replace", "{message}");
    }
}
