//! `watch-list` without a cluster: every accepted form of a list.

use serde_json::{Value, json};

use crate::tool::{Ran, meshdoctor};

const GOOD: &str = r#"[{"Resource":"pods.v1.","Events":["ADDED","MODIFIED","DELETED"]}]"#;

fn check_list(text: &str) -> Ran {
    meshdoctor("watch-list - -o json").stdin(text).run()
}

fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str()).collect()
}

#[test]
fn list_is_read_from_every_form() {
    let meshsync = json!({
        "apiVersion": "meshery.io/v1alpha1", "kind": "MeshSync", "metadata": { "name": "meshery-meshsync" },
        "spec": { "watch-list": { "data": { "whitelist": GOOD } } }
    });
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "any" }, "data": { "whitelist": GOOD }
    });
    let yaml = format!("kind: ConfigMap\napiVersion: v1\nmetadata: {{name: any}}\ndata:\n  whitelist: |\n    {GOOD}\n");
    for text in [meshsync.to_string(), map.to_string(), yaml, GOOD.into()] {
        let report = check_list(&text).exits(0).json();
        assert_eq!(report["kind"], "WatchList");
        assert_eq!(report["list"], "whitelist");
        assert_eq!(report["publishes"], true);
        assert_eq!(report["effective"][0]["resource"], "pods.v1.");
        assert!(report["unresolved"].is_string(), "without a cluster it says so: {report:#}");
    }
}

#[test]
fn errors_are_reported_with_their_place_and_exit_code() {
    let cases = [
        (r#"[{"Resource" "pods.v1."}]"#, "watch-list-invalid"),
        (r#"[{"Resource":"pods.v1."}]"#, "watch-list-no-events"),
        (r#"[{"Resource":"jobs.v1.batch","Events":["ADDED"]}]"#, "watch-list-matches-nothing"),
        (r#"["secrets.v1."]"#, "meshsync-version-bug"),
        ("[]", "watch-list-empty"),
    ];
    for (text, code) in cases {
        let report = check_list(text).exits(1).json();
        assert_eq!(codes(&report), [code], "{text}");
        assert_eq!(report["publishes"], false, "{text}");
        assert_eq!(report["exitCode"], 1);
    }
    let partial = check_list(r#"[{"Resource":"pods.v1.","Events":["ADDED"]}]"#).exits(0);
    assert_eq!(codes(&partial.json()), ["watch-list-partial-events"]);
    let report = check_list("[\n {\"Resource\":\"pods.v1\",\"Events\":[]}]").exits(1);
    assert_eq!(report.json()["entries"][0]["line"], 2);
    assert_eq!(report.json()["entries"][0]["meant"], "pods.v1.");
}

#[test]
fn input_without_a_list_is_a_usage_error() {
    for text in ["kind: Pod\napiVersion: v1\n", "{", ""] {
        let ran = meshdoctor("watch-list -").stdin(text).run().exits(2);
        assert_eq!(ran.stdout, "", "{text}");
    }
    meshdoctor("watch-list no-such-file").run().exits(2);
    meshdoctor("watch-list --stock --without pods").run().exits(2);
}

#[test]
fn without_file_and_cluster_the_list_is_unknown() {
    let ran = meshdoctor("watch-list -o json").run().exits(3);
    assert_eq!(ran.json()["list"], "unknown");
    assert!(!ran.stderr.is_empty());
}

#[test]
fn stock_list_is_a_valid_patch() {
    let ran = meshdoctor("watch-list --stock --without secrets.v1.,endpoints.v1. -o json").run().exits(0);
    let text = ran.json()["spec"]["watch-list"]["data"]["whitelist"].clone();
    let report = check_list(text.as_str().expect("text")).exits(0).json();
    assert_eq!(report["effective"].as_array().map(Vec::len), Some(19));
    assert_eq!(codes(&report), Vec::<&str>::new());
}

#[test]
fn quiet_output_is_the_summary() {
    let ran = meshdoctor("watch-list -q -").stdin(GOOD).run().exits(0);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("MeshSync watches "), "{}", ran.stdout);
}

#[test]
fn default_output_is_a_table() {
    let ran = meshdoctor("watch-list -").stdin(GOOD).run().exits(0);
    assert!(ran.stdout.contains("RESOURCE"), "{}", ran.stdout);
    assert!(ran.stdout.contains("watched"), "{}", ran.stdout);
    assert!(ran.stdout.contains("not compared with the kinds that a cluster serves"), "{}", ran.stdout);
}
