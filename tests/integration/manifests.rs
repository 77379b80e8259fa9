//! `manifests`: prints what redeploy applies, without a cluster.

use serde_json::Value;

use crate::tool::meshdoctor;

fn items(arguments: &str, stdin: &str) -> Vec<Value> {
    let ran = meshdoctor(&format!("manifests -o json {arguments}")).stdin(stdin).run().exits(0);
    ran.json()["items"].as_array().cloned().expect("items")
}

fn of<'a>(items: &'a [Value], kind: &str, name: &str) -> &'a Value {
    items
        .iter()
        .find(|item| item["kind"] == kind && item["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn manifests_are_yaml_documents_without_moving_tags() {
    let ran = meshdoctor("manifests").run().exits(0);
    assert_eq!(ran.stdout.split("\n---\n").count(), 13);
    assert!(!ran.stdout.contains("latest"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn options_appear_in_the_right_fields() {
    let arguments = "-n somewhere --operator-version 1.0.4 --image-registry registry.example/mirror/ \
                     --broker-service-type NodePort --broker-size 2 --watch-everything";
    let items = items(arguments, "");
    let operator = of(&items, "Deployment", "meshery-operator");
    assert_eq!(
        operator["spec"]["template"]["spec"]["containers"][0]["image"],
        "registry.example/mirror/meshery/meshery-operator:1.0.4"
    );
    assert_eq!(operator["metadata"]["namespace"], "somewhere");
    let broker = of(&items, "Broker", "meshery-broker");
    assert_eq!(broker["spec"]["size"], 2);
    assert_eq!(broker["spec"]["service"]["type"], "NodePort");
    let reader = of(&items, "ClusterRole", "meshery-meshsync-reader");
    assert_eq!(reader["rules"][0]["resources"][0], "*");
}

#[test]
fn watch_list_determines_the_reader_role() {
    let list = r#"[{"Resource":"deployments.v1.apps","Events":["ADDED","MODIFIED","DELETED"]}]"#;
    let items = items("--watch-list -", list);
    let meshsync = of(&items, "MeshSync", "meshery-meshsync");
    assert_eq!(meshsync["spec"]["watch-list"]["data"]["whitelist"], list);
    let rules = &of(&items, "ClusterRole", "meshery-meshsync-reader")["rules"];
    let resources: Vec<&Value> = rules.as_array().into_iter().flatten().map(|rule| &rule["resources"][0]).collect();
    assert_eq!(resources, ["customresourcedefinitions", "deployments", "namespaces"]);
    assert_eq!(rules[2]["resourceNames"][0], "kube-system");
    assert_eq!(rules[2]["verbs"], serde_json::json!(["get"]));
}

#[test]
fn invalid_watch_list_is_a_usage_error() {
    for (list, why) in [
        ("[]", "is empty"),
        ("[{]", "cannot be read"),
        (r#"[{"Resource":"pods","Events":["ADDED"]}]"#, "not of the form plural.version.group; did you mean pods.v1.?"),
    ] {
        let ran = meshdoctor("manifests --watch-list -").stdin(list).run().exits(2);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    let ran = meshdoctor("manifests --watch-list -")
        .stdin(r#"[{"Resource":"jobs.v1.batch","Events":["ADDED"]}]"#)
        .run()
        .exits(0);
    assert!(ran.stderr.contains("MeshSync ignores jobs.v1.batch"), "{}", ran.stderr);
}

#[test]
fn options_that_would_inject_yaml_are_usage_errors() {
    for option in ["--image-registry", "--operator-version"] {
        for value in ["a\u{1b}[31mb", "1.0\n      hostNetwork: true", "\"", ""] {
            let ran = meshdoctor("manifests").arg(option).arg(value).run().exits(2);
            assert_eq!(ran.stdout, "", "{option} {value:?}");
        }
    }
}
