//! Remedies: commands that can be pasted, with the safe ones first.

use meshdoctor::{
    diagnose::{self, Expectation},
    facts::{Facts, Served, recording},
    report::{Effect, Finding, Report, Source},
    stack::{base::seen::Seen, profile::MESHERY},
};
use serde_json::json;

use crate::fixture::{self, fixture};

fn facts(name: &str) -> Facts {
    recording::read(&fixture(name).to_string_lossy(), None, None).expect("a recording")
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
