//! Remedies: commands that can be pasted, with the safe ones first.

use meshdoctor::{
    diagnose::{self, Expectation},
    facts::{BrokerServer, Connection, Facts, Served, recording},
    report::{Effect, Finding, Report, Source},
    stack::{base::seen::Seen, profile::MESHERY},
};
use serde_json::json;

use crate::fixture::{self, fixture};

fn facts(name: &str) -> Facts {
    recording::read(&fixture(name).to_string_lossy(), None, None).expect("a recording").remove(0)
}

fn report(facts: &Facts) -> Report {
    diagnose::diagnose(facts, &Expectation::default(), Source { kind: "recording", path: None })
}

#[track_caller]
fn finding<'a>(report: &'a Report, code: &str) -> &'a Finding {
    report.findings().iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {code}"))
}

fn commands(finding: &Finding) -> Vec<&str> {
    finding.remedy.commands.iter().map(|command| command.run.as_str()).collect()
}

#[test]
fn commands_of_all_fixtures_can_be_pasted_and_redeploy_before_they_delete() {
    let mut redeploys = 0;
    for name in fixture::names() {
        for finding in report(&facts(&name)).findings() {
            for command in &finding.remedy.commands {
                assert!(!command.run.contains(" #"), "{name}: {}", command.run);
                assert!(!command.run.contains('\n'), "{name}: {}", command.run);
            }
            let place = |wanted: &dyn Fn(&str, Effect) -> bool| {
                finding.remedy.commands.iter().position(|command| wanted(&command.run, command.effect))
            };
            let redeploy = place(&|run, _| run.contains("system redeploy"));
            let deletes = place(&|_, effect| effect == Effect::Destructive);
            if let Some((redeploy, deletes)) = redeploy.zip(deletes) {
                redeploys += 1;
                assert!(redeploy < deletes, "{name}: {:?}", commands(finding));
            }
        }
    }
    assert!(redeploys >= 3, "{redeploys}");
}

#[test]
fn redeploy_is_the_first_command_where_it_cures_the_whole() {
    for (name, code) in [
        ("upgraded-in-place", "two-generations"),
        ("stuck-terminating", "cr-stuck-terminating"),
        ("orphaned-workloads", "orphaned-workloads"),
    ] {
        let report = report(&facts(name));
        let finding = finding(&report, code);
        assert!(commands(finding)[0].starts_with("meshdoctor system redeploy"), "{name}: {:?}", commands(finding));
    }
}

#[test]
fn old_broker_with_clients_is_inspected_before_it_is_deleted() {
    let mut facts = facts("upgraded-in-place");
    let server = |name: &'static str| move |server: &&mut BrokerServer| server.pod.as_deref() == Some(name);
    let old = facts.broker.servers.iter_mut().find(server("meshery-broker-0")).expect("the old broker");
    let client = Connection { name: "meshery-server".into(), ip: "198.51.100.7".into(), ..Connection::default() };
    old.connections = Seen::Known(vec![client]);
    let judged = report(&facts);
    let judged = finding(&judged, "two-generations");
    assert!(judged.evidence.contains(&"connected to meshery-broker: meshery-server".to_owned()), "{judged:?}");
    assert_eq!(commands(judged)[..2], ["meshdoctor status", "meshdoctor system redeploy"]);

    facts.broker.servers.retain(|server| server.pod.as_deref() != Some("meshery-broker-0"));
    let judged = report(&facts);
    let judged = finding(&judged, "two-generations");
    assert!(judged.evidence.contains(&"the clients of meshery-broker are unknown".to_owned()), "{judged:?}");
    assert_eq!(commands(judged)[0], "meshdoctor status");
}

#[test]
fn remedy_of_a_missing_event_depends_on_the_event() {
    for (missing, restarts, flushes) in [
        (&["ADDED"][..], true, false),
        (&["MODIFIED"], true, false),
        (&["DELETED"], false, true),
        (&["MODIFIED", "DELETED"], true, true),
    ] {
        let mut facts = facts("flow-event-missing");
        let flow = facts.test.as_mut().and_then(|test| test.flow.as_mut()).expect("a test");
        for change in &mut flow.changes {
            change.received = (!missing.contains(&change.event.as_str())).then_some(5_000);
        }
        let report = report(&facts);
        let finding = finding(&report, "flow-event-missing");
        let commands = commands(finding).join("\n");
        assert_eq!(commands.contains("rollout restart deployment/meshery-meshsync"), restarts, "{missing:?}");
        assert_eq!(finding.remedy.text.contains("Flush MeshSync"), flushes, "{missing:?}");
    }
}

#[test]
fn only_commands_that_a_safer_one_replaces_are_a_last_resort() {
    for (name, code, last_resort) in [
        ("stuck-terminating", "cr-stuck-terminating", true),
        ("orphaned-workloads", "orphaned-workloads", true),
        ("operator-no-leader", "operator-no-leader", true),
        ("upgraded-in-place", "over-privileged", false),
        ("crd-terminating", "cr-stuck-terminating", false),
    ] {
        let report = report(&facts(name));
        let commands = &finding(&report, code).remedy.commands;
        let deletions = commands.iter().filter(|command| command.effect == Effect::Destructive);
        let marked: Vec<bool> = deletions.map(|command| command.last_resort).collect();
        assert!(!marked.is_empty() && marked.iter().all(|marked| *marked == last_resort), "{name}: {marked:?}");
    }
}

#[test]
fn stuck_resource_of_a_terminating_crd_is_the_cause_and_no_operator_is_redeployed() {
    let report = report(&facts("crd-terminating"));
    let causes: Vec<&str> = report.root_causes().map(|cause| cause.code.as_str()).collect();
    assert_eq!(causes, ["cr-stuck-terminating"]);
    assert_eq!(finding(&report, "crd-terminating").caused_by, ["cr-stuck-terminating"]);
    // Redeploy refuses while a CRD is terminating.
    let commands = commands(finding(&report, "cr-stuck-terminating"));
    assert!(commands.iter().all(|command| !command.contains("redeploy")), "{commands:?}");
}

#[test]
fn permission_missing_names_who_lacks_the_permissions() {
    let mut facts = facts("permission-missing");
    for (user, flag) in [
        (Some("jane"), " --to-user jane"),
        (Some("jane doe"), " --to-user 'jane doe'"),
        (Some("system:serviceaccount:ci:deployer"), " --to-serviceaccount ci:deployer"),
        (None, ""),
    ] {
        facts.target.user = user.map(str::to_owned);
        let report = report(&facts);
        let first = commands(finding(&report, "permission-missing"))[0].to_owned();
        assert!(first.starts_with(&format!("meshdoctor rbac check{flag}")), "{first}");
        assert_eq!(first.contains("--to-"), user.is_some(), "{first}");
    }
}

#[test]
fn proposed_watch_list_contains_no_typos() {
    let mut facts = facts("watch-list-blacklist-of-objects");
    let stock = MESHERY.meshsync.default_watch_list;
    let served = Served { resources: stock.iter().map(|name| (*name).to_owned()).collect(), stale: Vec::new() };
    facts.served = Seen::Known(served);
    let names = json!(["pods.v1.", "deploymnts.v1.apps", "Services.v1.", "widgets.v1.example.com"]);
    // Every served version has the same objects.
    for seen in facts.meshsyncs.values_mut() {
        if let Seen::Known(meshsyncs) = seen {
            meshsyncs[0].spec.watch_list = Some(json!({ "data": { "whitelist": names.to_string() } }));
        }
    }
    let report = report(&facts);
    let invalid = finding(&report, "watch-list-invalid");
    let evidence = invalid.evidence.join("\n");
    for line in [
        "the equivalent whitelist is: pods.v1., deployments.v1.apps, services.v1.",
        "\"deploymnts.v1.apps\": did you mean deployments.v1.apps?",
        "\"widgets.v1.example.com\" is left out",
    ] {
        assert!(evidence.contains(line), "{line} is not in\n{evidence}");
    }
    for command in commands(invalid) {
        for typo in ["deploymnts", "Services", "widgets"] {
            assert!(!command.contains(typo), "{command}");
        }
    }
}
