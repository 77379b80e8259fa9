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

/// A token that only the MeshSync CR may contain.
const TOKEN: &str = "a/Secret$(X)Token";

#[test]
fn broker_url_replaces_the_broker_of_the_stack() {
    let arguments = "--broker-url broker.example --broker-token-file - --meshsync-version 1.0.2";
    let items = items(arguments, &format!("{TOKEN}\n"));
    let spec = &of(&items, "MeshSync", "meshery-meshsync")["spec"];
    let url = "nats://a%2FSecret%24%28X%29Token@broker.example:4222";
    assert_eq!(spec["broker"], serde_json::json!({ "custom": { "url": url } }));
    assert_eq!(spec["version"], "1.0.2");
    assert!(!items.iter().any(|item| item["kind"] == "Broker"), "{items:#?}");
}

#[test]
fn broker_url_with_a_user_or_another_form_is_a_usage_error_that_does_not_repeat_it() {
    for url in ["nats://hunter2@h", "hunter2@h:1", "nats://u:hunter2@h"] {
        let ran = meshdoctor("manifests --broker-url").arg(url).run().exits(2);
        assert!(ran.stderr.contains("--broker-token-file"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
    for url in ["", "http://h", "tls://h:4222", "h:port", "h:0", "h/path", "a,b", "nats://", "h:99999"] {
        let ran = meshdoctor("manifests --broker-url").arg(url).run().exits(2);
        assert!(ran.stderr.contains("[nats://]HOST[:PORT]"), "{url:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    for token in ["", "\n", "two words", "one\ntwo"] {
        let ran = meshdoctor("manifests --broker-url h --broker-token-file -").stdin(token).run().exits(2);
        assert!(ran.stderr.contains("does not contain a token"), "{token:?}: {}", ran.stderr);
    }
    let both = "manifests --broker-url h --broker-token-file - --watch-list -";
    let ran = meshdoctor(both).stdin("token").run().exits(2);
    assert!(ran.stderr.contains("cannot both read standard input"), "{}", ran.stderr);
    let ran = meshdoctor("system redeploy broker --broker-url h").run().exits(2);
    assert!(ran.stderr.contains("there is no broker to deploy"), "{}", ran.stderr);
}

#[test]
fn watch_list_in_helm_values_is_read() {
    let list = r#"[{"Resource":"pods.v1.","Events":["ADDED"]}]"#;
    for values in [
        format!("meshery-meshsync:\n  watchConfig:\n    whitelist: |\n      {list}\n"),
        format!("meshery-operator:\n  enabled: true\n  meshery-meshsync:\n    watchConfig:\n      whitelist: {list}\n"),
    ] {
        let items = items("--watch-list -", &values);
        let data = &of(&items, "MeshSync", "meshery-meshsync")["spec"]["watch-list"]["data"];
        let written: Value = serde_json::from_str(data["whitelist"].as_str().expect("text")).expect("JSON");
        assert_eq!(written, serde_json::from_str::<Value>(list).expect("JSON"), "{values}");
    }
    let two = format!("a: {{watchConfig: {{whitelist: {list}}}}}\nb: {{watchConfig: {{whitelist: {list}}}}}\n");
    let ran = meshdoctor("manifests --watch-list -").stdin(&two).run().exits(2);
    assert!(ran.stderr.contains("several watch-lists, a.watchConfig and b.watchConfig"), "{}", ran.stderr);
    let ran = meshdoctor("manifests --watch-list -").stdin("replicaCount: 1\n").run().exits(2);
    assert!(ran.stderr.contains("standard input"), "{}", ran.stderr);
}

#[test]
fn network_policy_is_added_on_request() {
    let items = items("--network-policy -n somewhere", "");
    let policy = of(&items, "NetworkPolicy", "meshery-nats-ingress");
    assert_eq!(policy["metadata"]["namespace"], "somewhere");
    let ports = &policy["spec"]["ingress"][0]["ports"];
    assert_eq!((&ports[0]["port"], &ports[1]["port"]), (&Value::from(4222), &Value::from(8222)));
}
