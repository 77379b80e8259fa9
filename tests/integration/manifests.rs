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

#[test]
fn monitor_runs_check_with_exactly_its_permissions() {
    let kinds = "ServiceAccount ClusterRole ClusterRoleBinding Role RoleBinding";
    for (flags, rbac, kind) in [
        ("--job", "check", "Job"),
        ("--cronjob", "check", "CronJob"),
        ("--job --synthetic", "test", "Job"),
        ("--cronjob --synthetic --schedule @hourly", "test", "CronJob"),
    ] {
        let items = items(&format!("{flags} -n somewhere --image registry.example/meshdoctor:1.0@sha256:ab"), "");
        let found: Vec<&str> = items.iter().filter_map(|item| item["kind"].as_str()).collect();
        assert_eq!(found.join(" "), format!("{kinds} {kind}"));
        let roles = format!("rbac {rbac} -n somewhere --to-serviceaccount somewhere:meshdoctor -o json");
        let roles = meshdoctor(&roles).run().exits(0).json();
        assert_eq!(roles["items"], Value::from(items[1..5].to_vec()), "{flags}");

        let workload = of(&items, kind, "meshdoctor");
        let job = if kind == "Job" { &workload["spec"] } else { &workload["spec"]["jobTemplate"]["spec"] };
        assert_eq!(job["backoffLimit"], 0);
        let pod = &job["template"]["spec"];
        assert_eq!(pod["restartPolicy"], "Never");
        assert_eq!(pod["serviceAccountName"], items[0]["metadata"]["name"]);
        let container = &pod["containers"][0];
        assert_eq!(container["image"], "registry.example/meshdoctor:1.0@sha256:ab");
        let mut arguments = vec!["check", "--output", "json"];
        arguments.extend(flags.contains("--synthetic").then_some("--synthetic"));
        arguments.extend(["--namespace", "somewhere"]);
        assert_eq!(container["args"], serde_json::json!(arguments));
        // The broker's NetworkPolicy lets it in.
        let policy = meshdoctor("manifests --network-policy -o json").run().exits(0).json();
        let mut objects = policy["items"].as_array().into_iter().flatten();
        let policy = objects.find(|object| object["kind"] == "NetworkPolicy").expect("a policy");
        let labels = &job["template"]["metadata"]["labels"];
        let from = policy["spec"]["ingress"][0]["from"].as_array().expect("peers");
        assert!(from.iter().any(|peer| &peer["podSelector"]["matchLabels"] == labels), "{policy:#}");
    }
    let items = items("--cronjob --image meshdoctor:1", "");
    let spec = &of(&items, "CronJob", "meshdoctor")["spec"];
    assert_eq!(spec["schedule"], "*/15 * * * *");
    assert_eq!(spec["concurrencyPolicy"], "Forbid");
    // The namespace and profile are named only if they are not the default ones.
    let container = &spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], serde_json::json!(["check", "--output", "json"]));
}

#[test]
fn monitor_without_an_image_or_with_options_of_the_stack_is_a_usage_error() {
    for (arguments, reason) in [
        ("--job", "--image IMAGE is required, because no image of meshdoctor is published"),
        ("--cronjob", "build one with `.ci/image NAME:TAG OUT.tar`"),
        ("--image meshdoctor:1", "--job"),
        ("--job --cronjob --image meshdoctor:1", "cannot be used with '--cronjob'"),
        ("--job --image meshdoctor:1 --schedule @daily", "cannot be used with"),
        ("--schedule @daily", "--cronjob"),
        ("--synthetic", "--job"),
        ("--cronjob --image meshdoctor:1 --schedule 5m", "minute, hour, day, month and weekday"),
        ("--cronjob --image https://registry.example/meshdoctor", "without a scheme"),
    ] {
        let ran = meshdoctor(&format!("manifests {arguments}")).run().exits(2);
        assert!(ran.stderr.contains(reason), "{arguments}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    for option in [
        "--operator-version 1.0.5",
        "--meshsync-version 1.0.5",
        "--image-registry registry.example",
        "--broker-service-type NodePort",
        "--broker-size 2",
        "--broker-url broker.example",
        "--network-policy",
        "--standalone --broker-url broker.example",
        "--helm-release mesh",
        "--watch-list list.json",
        "--watch-everything",
    ] {
        for monitor in ["--job", "--cronjob"] {
            let ran = meshdoctor(&format!("manifests {monitor} --image meshdoctor:1 {option}")).run().exits(2);
            assert!(ran.stderr.contains("cannot be used with"), "{monitor} {option}: {}", ran.stderr);
        }
    }
}
