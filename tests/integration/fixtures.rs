//! Every folder of `fixtures/`: what is said of it, to the letter, and that the document fits the schema.
//!
//! A new disease is a folder with a recording, and with an `expect.txt` where it shows only under an expectation: the
//! words of `--expect`. `SNAPSHOTS=overwrite` writes what is said of it; read it before it is
//! committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    schema,
    tool::{meshdoctor, roots, states},
};
use meshdoctor::{
    cli::render::{self, Look},
    diagnose::{self, Expectation, diagnosis},
    facts::recording,
    report::{Kind, Report, Severity, Source, Status, Verdict},
};

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("fixtures")
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    folders
}

/// What is expected of a folder.
fn expected(folder: &Path) -> (String, Expectation) {
    let words = fs::read_to_string(folder.join("expect.txt")).unwrap_or_default();
    let words = words.trim();
    let expect = Expectation::of(words.split(',').filter(|word| !word.is_empty()));
    (words.to_owned(), expect.expect("words that go together"))
}

fn judged(folder: &str, expect: &Expectation) -> Report {
    let facts =
        recording::read(folder, None, None).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let source = Source {
        kind: "recording",
        path: Some(folder.to_owned()),
    };
    diagnose::diagnose(&facts, expect, source)
}

/// What a preflight says of a recording that holds one.
fn preflight(folder: &str) -> Option<Report> {
    let facts =
        recording::read(folder, None, None).unwrap_or_else(|error| panic!("{folder}: {error}"));
    facts.preflight.as_ref()?;
    let source = Source {
        kind: "recording",
        path: Some(folder.to_owned()),
    };
    diagnose::preflight(&facts, source)
}

/// The screen down to the checks, and then those that did not pass: a new rule leaves the fixtures of others alone.
fn what_matters(report: &Report, look: &Look) -> String {
    let screen = if report.preflight.is_some() {
        render::preflight(report, look, true)
    } else {
        render::check(report, look, true)
    };
    let (findings, _) = screen.split_once("\nKubernetes\n").expect("the checks");
    let mut text = findings.to_owned();
    for check in report.checks() {
        let status = match check.status {
            Status::Pass | Status::Skip => continue,
            Status::Warn => "warn",
            Status::Fail => "fail",
            Status::Unknown => "unknown",
        };
        text.push_str(&format!("\n{status} {}", check.id));
    }
    text.push_str(&format!(
        "\nverdict {}\n",
        report.verdict.expect("a verdict")
    ));
    text
}

#[test]
fn every_fixture_says_what_it_should() {
    let look = Look::new(false, true, Some(100), false);
    for folder in folders() {
        let path = folder.to_str().expect("a plain name");
        let report = judged(path, &expected(&folder).1);
        let text = what_matters(&report, &look);
        snapbox::assert_data_eq!(
            text,
            snapbox::Data::read_from(&folder.join("check.txt"), None).raw()
        );
        if let Some(report) = preflight(path) {
            snapbox::assert_data_eq!(
                what_matters(&report, &look),
                snapbox::Data::read_from(&folder.join("preflight.txt"), None).raw()
            );
        }
    }
}

#[test]
fn a_preflight_is_laid_out_for_narrow_and_wide_screens() {
    for width in [80, 140] {
        let report = preflight("fixtures/privilege-escalation").expect("a preflight");
        let text = render::preflight(&report, &Look::new(false, true, Some(width), false), false);
        assert!(
            text.lines()
                // Commands stay whole, so that they can be pasted.
                .filter(|line| !line.trim_start().starts_with("meshdoctor "))
                .all(|line| line.chars().count() <= width),
            "{width}: {text}"
        );
    }
}

#[test]
fn every_report_and_status_fits_the_schema() {
    let schema = schema::validator();
    for folder in folders() {
        let (words, _) = expected(&folder);
        let mut commands = vec!["check", "status"];
        if preflight(folder.to_str().expect("a plain name")).is_some() {
            commands.push("check --preflight");
        }
        for command in commands {
            let expect = match (command, words.as_str()) {
                ("check", words) if !words.is_empty() => format!(" --expect {words}"),
                _ => String::new(),
            };
            let ran = meshdoctor(&format!(
                "system {command} -o json --from {}{expect}",
                folder.display()
            ))
            .run();
            let document = ran.json();
            schema::assert_fits(
                &schema,
                &document,
                &format!("{command} of {}", folder.display()),
            );
            assert_eq!(document["exitCode"], ran.code, "{}", folder.display());
            let yaml = meshdoctor(&format!(
                "system {command} -o yaml --from {}{expect}",
                folder.display()
            ))
            .run();
            let same: serde_json::Value = serde_yaml::from_str(&yaml.stdout).expect("YAML");
            assert_eq!(same, document, "{} in YAML", folder.display());
        }
    }
}

#[test]
fn every_code_has_a_fixture() {
    let found: BTreeSet<String> = folders()
        .iter()
        .flat_map(|folder| {
            let path = folder.to_str().expect("a plain name");
            let report = judged(path, &expected(folder).1);
            [Some(report), preflight(path)]
                .iter()
                .flatten()
                .flat_map(Report::findings)
                .map(|finding| finding.code.clone())
                .collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<String> = diagnosis::all()
        .map(|known| known.code())
        .filter(|code| !found.contains(code))
        .collect();
    assert!(missing.is_empty(), "no fixture shows {missing:?}");
}

/// The situations of the real stack, and the truth about each.
const SITUATIONS: &[(&str, &str, &str)] = &[
    ("healthy", "DEPLOYED/CONNECTED/DEPLOYED", ""),
    (
        "running-not-connected",
        "DEPLOYED/RUNNING/DEPLOYED",
        "meshsync-not-connected",
    ),
    (
        "orphaned-no-operator",
        "NOTDEPLOYED/CONNECTED/DEPLOYED",
        "operator-missing",
    ),
    (
        "stuck-terminating",
        "NOTDEPLOYED/CONNECTED/DEPLOYED",
        "cr-stuck-terminating",
    ),
    (
        "undeployed-crs-absent",
        "DEPLOYED/UNDEPLOYED/UNDEPLOYED",
        "cr-missing cr-missing",
    ),
    (
        "three-brokers-lb-pending-bad-watchlist",
        "DEPLOYED/CONNECTED/DEPLOYED",
        "broker-split watch-list-invalid broker-external-pending",
    ),
    (
        "meshsync-crash-loop",
        "DEPLOYED/DEPLOYED/DEPLOYED",
        "meshsync-crash-loop",
    ),
    (
        "nothing-installed",
        "NOTDEPLOYED/UNDEPLOYED/UNDEPLOYED",
        "not-installed",
    ),
    (
        "old-line-connected",
        "DEPLOYED/CONNECTED/DEPLOYED",
        "broker-unauthenticated over-privileged moving-tag operator-old-line broker-endpoint-stale",
    ),
    (
        "connected-but-blind",
        "DEPLOYED/CONNECTED/DEPLOYED",
        "meshsync-cannot-list",
    ),
    (
        "upgraded-in-place",
        "DEPLOYED/CONNECTED/DEPLOYED",
        "two-generations watch-list-empty over-privileged",
    ),
];

#[test]
fn the_situations_of_the_real_stack_are_told_truly() {
    for (name, truth, causes) in SITUATIONS {
        let report = meshdoctor(&format!("system check -o json --from fixtures/{name}"))
            .run()
            .json();
        assert_eq!(states(&report), *truth, "{name}");
        assert_eq!(roots(&report).join(" "), *causes, "{name}");
    }
}

#[test]
fn a_healthy_stack_gives_no_alarm() {
    for name in ["healthy", "healthy-with-server", "broker-just-ready"] {
        let report = judged(&format!("fixtures/{name}"), &Expectation::default());
        assert_eq!(report.verdict, Some(Verdict::Healthy), "{name}");
        assert!(
            report
                .findings()
                .iter()
                .all(|finding| finding.severity == Severity::Info),
            "{name}"
        );
        assert!(
            report
                .findings()
                .iter()
                .all(|finding| finding.kind == Kind::Fault),
            "{name}"
        );
    }
    let stock = judged("fixtures/connected-but-blind", &Expectation::default());
    let alarms: Vec<&str> = stock
        .findings()
        .iter()
        .filter(|finding| finding.severity != Severity::Info)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(alarms, ["meshsync-cannot-list"]);
    let old = judged("fixtures/old-line-healthy", &Expectation::default());
    let mut alarms: Vec<&str> = old
        .findings()
        .iter()
        .filter(|finding| finding.severity != Severity::Info)
        .map(|finding| finding.code.as_str())
        .collect();
    alarms.sort_unstable();
    assert_eq!(
        alarms,
        [
            "broker-unauthenticated",
            "crd-outdated",
            "moving-tag",
            "operator-old-line",
            "over-privileged",
        ]
    );
}

#[test]
fn what_is_expected_changes_the_verdict() {
    let expect = |words: &str| {
        let ran = meshdoctor(&format!(
            "system check -o json --from fixtures/nothing-installed --expect {words}"
        ))
        .run();
        (
            ran.code,
            ran.json()["verdict"]
                .as_str()
                .expect("a verdict")
                .to_owned(),
        )
    };
    assert_eq!(expect("embedded"), (0, "not-installed".into()));
    assert_eq!(expect("operator"), (1, "not-installed".into()));
    let ran = meshdoctor("system check -o json --from fixtures/healthy --expect server")
        .run()
        .exits(1);
    assert_eq!(roots(&ran.json()), ["broker-server-not-connected"]);
    let ran = meshdoctor("system check -o json --from fixtures/healthy --expect server=outside")
        .run()
        .exits(1);
    assert_eq!(roots(&ran.json()), ["broker-not-exposed"]);
    let ran = meshdoctor("system check -o json --expect server=outside --from fixtures/three-brokers-lb-pending-bad-watchlist")
        .run()
        .exits(1);
    let report = ran.json();
    assert_eq!(report["target"]["serverLocation"], "outside");
    let pending = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .find(|finding| finding["code"] == "broker-external-pending")
        .expect("the pending load balancer");
    assert_eq!(pending["severity"], "error");
    meshdoctor("system check --expect operator,embedded --from fixtures/healthy")
        .run()
        .exits(2);
}

#[test]
fn the_exit_code_does_not_depend_on_the_format_and_follows_fail_on() {
    let cases = [
        ("healthy", "error", 0),
        ("healthy", "info", 1),
        ("meshsync-foreign-client", "error", 0),
        ("meshsync-foreign-client", "warning", 1),
        ("connected-but-blind", "error", 1),
        ("connected-but-blind", "never", 0),
        ("permission-missing", "error", 3),
        ("permission-missing", "never", 3),
        ("cluster-unreachable", "info", 3),
    ];
    for (name, fail_on, code) in cases {
        for format in ["table", "wide", "json", "yaml"] {
            meshdoctor(&format!(
                "system check --from fixtures/{name} --fail-on {fail_on} -o {format}"
            ))
            .run()
            .exits(code);
        }
    }
    for (name, code) in [
        ("connected-but-blind", 0),
        ("permission-missing", 3),
        ("nothing-installed", 0),
    ] {
        meshdoctor(&format!("system status --from fixtures/{name}"))
            .run()
            .exits(code);
    }
}

#[test]
fn what_is_left_out_is_counted_and_decides_nothing() {
    let run = |flags: &str| {
        let ran = meshdoctor(&format!(
            "system check -o json --from fixtures/old-line-connected {flags}"
        ))
        .run();
        let report = ran.json();
        schema::assert_fits(&schema::validator(), &report, flags);
        (ran.code, report)
    };
    let (code, all) = run("");
    let count = all["findings"].as_array().map_or(0, Vec::len);
    assert_eq!((code, &all["silenced"]), (1, &serde_json::Value::Null));

    let (code, skipped) = run("--skip broker-unauthenticated,installation");
    assert_eq!(code, 0);
    assert_eq!(skipped["verdict"], "degraded");
    let left = skipped["findings"].as_array().map_or(0, Vec::len);
    assert_eq!(skipped["silenced"], count - left);
    assert!(left < count);

    let (code, only) = run("--only moving-tag --fail-on warning");
    assert_eq!((code, roots(&only)), (1, vec!["moving-tag".to_owned()]));
    assert_eq!(only["checks"].as_array().map(Vec::len), Some(1));
    assert_eq!(only["silenced"], count - 1);

    // What could not be looked at is told all the same.
    let ran = meshdoctor("system check -o json --from fixtures/cluster-unreachable --only broker")
        .run()
        .exits(3);
    assert_eq!(roots(&ran.json()), ["cluster-unreachable"]);
    let ran = meshdoctor("system check --from fixtures/healthy --skip moving-tags")
        .run()
        .exits(2);
    assert!(
        ran.stderr.contains("did you mean moving-tag?"),
        "{}",
        ran.stderr
    );
    let ran = meshdoctor("system check -q --from fixtures/old-line-connected --skip broker").run();
    assert!(ran.stdout.contains("silenced"), "{}", ran.stdout);
}

#[test]
fn a_cause_explains_and_no_finding_explains_itself() {
    for folder in folders() {
        let path = folder.to_str().expect("a plain name");
        let report = judged(path, &expected(&folder).1);
        let by_id: BTreeMap<&str, _> = report
            .findings()
            .iter()
            .map(|finding| (finding.id.as_str(), finding))
            .collect();
        assert_eq!(
            by_id.len(),
            report.findings().len(),
            "{}: ids are unique",
            folder.display()
        );
        for finding in report.findings() {
            for cause in &finding.caused_by {
                assert_ne!(*cause, finding.id);
                assert!(
                    by_id.contains_key(cause.as_str()),
                    "{}: {cause}",
                    folder.display()
                );
            }
        }
        let roots: Vec<_> = report.root_causes().collect();
        assert_eq!(
            roots.is_empty(),
            report.findings().is_empty(),
            "{}",
            folder.display()
        );
    }
}
