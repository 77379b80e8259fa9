use super::*;

#[test]
fn terminating_resource_is_waited_for_and_created_again() {
    let mut live_state = healthy();
    let broker = of(&mut live_state, "Broker", "meshery-broker");
    edit(broker, None, |live| {
        live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    });
    let plan = planned(&request(), &live_state);
    let gone = position(&plan, "wait", "Broker", "meshery-broker");
    assert_eq!(plan.steps[gone].action, Action::Wait(Until::Gone));
    assert_eq!(gone + 1, position(&plan, "create", "Broker", "meshery-broker"));
}

#[test]
fn old_line_is_removed_after_the_current_one_is_ready() {
    let mut live_state = healthy();
    for (kind, name) in [
        ("StatefulSet", "meshery-broker"),
        ("Service", "meshery-broker"),
        ("ConfigMap", "meshery-nats-accounts"),
        ("ClusterRole", "meshery-controller-role"),
        ("ClusterRoleBinding", "meshery-controller-rolebinding"),
    ] {
        put(&mut live_state, kind, name, json!({}));
    }
    let operator = of(&mut live_state, "Deployment", "meshery-operator");
    operator.live = Seen::Absent;
    let plan = planned(&request(), &live_state);
    let up = position(&plan, "wait", "StatefulSet", "meshery-nats");
    let connected = position(&plan, "wait", "Deployment", "meshery-meshsync");
    let gone = position(&plan, "delete", "StatefulSet", "meshery-broker");
    assert!(up < gone && connected < gone);
    assert!(
        position(&plan, "delete", "ClusterRoleBinding", "meshery-controller-rolebinding")
            < position(&plan, "delete", "ClusterRole", "meshery-controller-role")
    );
    assert!(plan.warnings.iter().any(|text| text.contains("clients outside the cluster must be changed")));
}

#[test]
fn every_denial_is_reported_before_the_first_change() {
    let mut live_state = nothing();
    of(&mut live_state, "ClusterRole", "meshery-operator-role").dry_run = DryRun::Denied(
        "clusterroles \"meshery-operator-role\" is forbidden: user \"joe\" is attempting to grant RBAC permissions not currently held".into(),
    );
    of(&mut live_state, "Deployment", "meshery-operator").dry_run =
        DryRun::Denied("User \"joe\" cannot patch resource \"deployments\"".into());
    let refusal = refused(&request(), &live_state);
    assert!(texts(&refusal)[0].contains("attempting to grant"));
    assert!(texts(&refusal)[1].contains("cannot patch resource \"deployments\""));
    // No permission is needed to write an object that is not changed.
    let mut live_state = healthy();
    of(&mut live_state, "Broker", "meshery-broker").dry_run = DryRun::Denied("no".into());
    assert!(planned(&request(), &live_state).is_empty());
}

#[test]
fn terminating_namespace_or_crd_is_a_refusal() {
    for (kind, name) in [("Namespace", NAMESPACE), ("CustomResourceDefinition", "brokers.meshery.io")] {
        let mut live_state = healthy();
        edit(of(&mut live_state, kind, name), None, |live| {
            live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        });
        let refusal = refused(&request(), &live_state);
        assert!(refusal.why.ends_with("is being deleted"), "{}", refusal.why);
    }
}

#[test]
fn broker_is_restarted_and_meshsync_only_if_it_does_not_reconnect() {
    let mut request = request();
    request.parts = [Part::Broker].into();
    let plan = planned(&request, &healthy());
    assert_eq!(changes(&plan), ["restart StatefulSet meshery-nats"]);
    assert!(plan.nudge.is_some_and(|step| step.id.name == "meshery-meshsync"));
}

#[test]
fn new_token_restarts_the_broker_and_then_meshsync() {
    let mut request = request();
    request.parts = [Part::Broker].into();
    request.new_token = true;
    let plan = planned(&request, &healthy());
    assert_eq!(
        changes(&plan),
        ["delete Secret meshery-nats-auth", "restart StatefulSet meshery-nats", "restart Deployment meshery-meshsync"]
    );
    assert_eq!(plan.nudge, None);
}

#[test]
fn permissions_of_a_plan_are_those_of_its_steps() {
    let mut request = request();
    request.parts = [Part::Broker].into();
    request.new_token = true;
    let permissions: Vec<String> =
        planned(&request, &healthy()).permissions().iter().map(ToString::to_string).collect();
    assert!(permissions.iter().any(|it| it.starts_with("delete") && it.contains("secrets")), "{permissions:?}");
    let all = permissions_of_the_command();
    for permission in planned(&request, &healthy()).permissions() {
        assert!(all.contains(&permission), "{permission} is not among the command's");
    }
}

fn permissions_of_the_command() -> Vec<Permission> {
    let mut all = permissions(&MESHERY, NAMESPACE);
    all.extend(manifests::permissions(&MESHERY, NAMESPACE));
    all
}

#[test]
fn merge_patch_contains_only_differences() {
    let live = json!({ "a": 1, "b": { "c": 2, "d": 3 }, "e": 4 });
    let wanted = json!({ "a": 1, "b": { "c": 5 } });
    assert_eq!(diff::merge_patch(&live, &wanted, false), json!({ "b": { "c": 5 } }));
    assert_eq!(diff::merge_patch(&live, &wanted, true), json!({ "b": { "c": 5, "d": null }, "e": null }));
}

/// A cluster without the stack, for an installation with these options.
fn nothing_with(options: &Options) -> LiveState {
    let tried = |object: Object| Tried { live: Seen::Absent, dry_run: DryRun::TooEarly, object };
    let objects = manifests::manifests(&MESHERY, NAMESPACE, options).into_iter().map(tried).collect();
    LiveState { objects, ..nothing() }
}

fn with_broker_elsewhere() -> Options {
    let broker = manifests::ExternalBroker { address: "broker.example:4222".into(), token: Some("SEED".into()) };
    Options { broker: Some(broker), ..Options::default() }
}

#[test]
fn broker_at_an_address_needs_no_broker_of_the_stack_and_removes_none() {
    let mut live_state = nothing_with(&with_broker_elsewhere());
    for kind in ["StatefulSet", "Service"] {
        put(&mut live_state, kind, "meshery-broker", json!({}));
    }
    put(&mut live_state, "ClusterRole", "meshery-controller-role", json!({}));
    let plan = planned(&request(), &live_state);
    assert!(!plan.steps.iter().any(|step| matches!(step.id.kind.as_str(), "Broker" | "StatefulSet")), "{plan:#?}");
    let removed: Vec<String> =
        plan.steps.iter().filter(|step| step.removes()).map(|step| step.id.to_string()).collect();
    assert_eq!(removed, ["ClusterRole meshery-controller-role"]);
    assert!(!format!("{:?}", with_broker_elsewhere()).contains("SEED"));
}

#[test]
fn options_for_a_custom_resource_that_keeps_its_spec_are_named() {
    let mut live_state = healthy();
    let url = json!({ "custom": { "url": "nats://broker.example:4222" } });
    let meshsync = live_state.objects.iter_mut().find(|tried| tried.object.id.kind == "MeshSync").expect("one");
    meshsync.object.body["spec"]["broker"] = url;
    let mut request = request();
    assert_eq!(planned(&request, &live_state).warnings, Vec::<String>::new());
    request.given = ["MeshSync"].into();
    let warnings = planned(&request, &live_state).warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("MeshSync meshery-meshsync exists and keeps its spec"), "{warnings:?}");
    request.overwrite = true;
    let plan = planned(&request, &live_state);
    assert_eq!(plan.warnings, Vec::<String>::new());
    // The reference to the Broker CR goes, because MeshSync accepts only one of the two.
    let patch = plan.steps[0].payload().expect("a patch");
    assert_eq!(patch["spec"]["broker"]["native"], Value::Null);
    assert!(patch["spec"]["broker"].get("native").is_some(), "{patch}");
}

#[test]
fn network_policy_is_a_part_of_the_broker() {
    let options = Options { network_policy: true, ..Options::default() };
    let live_state = nothing_with(&options);
    let created = |part: Part| {
        let request = Request { parts: [part].into(), ..request() };
        let plan = planned(&request, &live_state);
        plan.steps.iter().any(|step| step.id.kind == "NetworkPolicy" && step.is_change())
    };
    assert!(created(Part::Broker));
    assert!(!created(Part::Operator) && !created(Part::Meshsync));
    let plan = planned(&request(), &live_state);
    let at = |kind: &str| plan.steps.iter().position(|step| step.id.kind == kind).expect("a step");
    assert!(at("NetworkPolicy") < at("Broker"));
    let all = permissions_of_the_command();
    for verb in ["get", "create", "patch"] {
        let permission = plan.steps[at("NetworkPolicy")].id.permission(verb);
        assert!(all.contains(&permission), "{permission}");
    }
}

/// A stack of the old operator line. `MeshSync` uses a port of its node.
fn meshplay() -> LiveState {
    let profile = &MESHPLAY;
    let objects = manifests::manifests(profile, profile.namespace, &Options::default());
    let with_uid = |mut live: Value| {
        live["metadata"]["uid"] = "one".into();
        live
    };
    let port = json!({ "ports": [{ "containerPort": 11000, "hostPort": 11000 }] });
    let meshsync = json!({ "spec": { "template": { "spec": { "containers": [port] } } } });
    let live_of = |entry: &StackObject| match (entry.id.kind.as_str(), entry.id.name.as_str()) {
        ("Deployment", "meshplay-meshsync") => Seen::Known(with_uid(meshsync.clone())),
        ("Deployment", "meshplay-operator") | ("StatefulSet", "meshplay-broker") => Seen::Known(with_uid(json!({}))),
        _ => Seen::Absent,
    };
    LiveState {
        existing: inventory::of(profile, profile.namespace)
            .into_iter()
            .map(|entry| (entry.clone(), live_of(&entry)))
            .collect(),
        objects: objects
            .into_iter()
            .map(|object| {
                let live = with_uid(object.body.clone());
                Tried { dry_run: would(&live, None), live: Seen::Known(live), object }
            })
            .collect(),
        ..LiveState::default()
    }
}

#[test]
fn old_line_gets_the_current_address_with_a_new_deployment() {
    let planned = |request: &Request, live_state: &LiveState| plan(&MESHPLAY, request, live_state).expect("a plan");
    let mut live_state = meshplay();
    assert!(planned(&request(), &live_state).is_empty());
    live_state.findings = vec!["meshsync-stale-env".into()];
    assert_eq!(changes(&planned(&request(), &live_state)), ["delete Deployment meshplay-meshsync"]);
    // An operator that fails every reconcile would not create it again.
    live_state.findings.push("operator-reconcile-failing".into());
    assert!(changes(&planned(&request(), &live_state)).contains(&"restart Deployment meshplay-meshsync".to_owned()));
    live_state.findings = vec!["watch-list-edited-since-start".into()];
    assert!(changes(&planned(&request(), &live_state)).contains(&"restart Deployment meshplay-meshsync".to_owned()));
}

#[test]
fn new_broker_of_the_old_line_has_another_address() {
    let mut live_state = meshplay();
    of(&mut live_state, "Broker", "meshplay-broker").live = Seen::Absent;
    let plan = plan(&MESHPLAY, &request(), &live_state).expect("a plan");
    assert_eq!(changes(&plan), ["create Broker meshplay-broker", "delete Deployment meshplay-meshsync"]);
    let ready = position(&plan, "wait", "StatefulSet", "meshplay-broker");
    let gone = position(&plan, "delete", "Deployment", "meshplay-meshsync");
    assert!(ready < gone && gone < position(&plan, "wait", "Deployment", "meshplay-meshsync"));
}

#[test]
fn meshsync_of_the_old_line_that_does_not_reconnect_is_created_again() {
    let request = Request { parts: [Part::Broker].into(), ..request() };
    let plan = plan(&MESHPLAY, &request, &meshplay()).expect("a plan");
    assert_eq!(changes(&plan), ["restart StatefulSet meshplay-broker"]);
    assert!(plan.nudge.is_some_and(|step| step.removes() && step.id.name == "meshplay-meshsync"));
}

#[test]
fn broker_of_the_old_line_is_scaled_down_to_the_size_of_its_custom_resource() {
    let split = |size: u64| {
        let mut live_state = meshplay();
        for (entry, seen) in &mut live_state.existing {
            if entry.id.kind == "StatefulSet" && entry.id.name == "meshplay-broker" {
                *seen = Seen::Known(json!({ "metadata": { "uid": "one" }, "spec": { "replicas": 2 } }));
            }
        }
        edit(of(&mut live_state, "Broker", "meshplay-broker"), None, |live| live["spec"]["size"] = size.into());
        live_state.findings = vec!["broker-split".into()];
        live_state
    };
    let planned = |request: &Request, size| plan(&MESHPLAY, request, &split(size)).expect("a plan");
    let plan = planned(&request(), 1);
    assert_eq!(
        changes(&plan),
        [
            "change StatefulSet meshplay-broker",
            "change Deployment meshplay-meshsync",
            "restart Deployment meshplay-meshsync"
        ]
    );
    assert_eq!(plan.warnings, Vec::<String>::new());
    assert!(
        position(&plan, "wait", "StatefulSet", "meshplay-broker")
            < position(&plan, "restart", "Deployment", "meshplay-meshsync")
    );
    // The size in the custom resource is the user's, until the user asks to overwrite it.
    let plan = planned(&request(), 2);
    assert!(plan.is_empty(), "{plan:#?}");
    assert!(plan.warnings[0].contains("asks for 2 servers"), "{:?}", plan.warnings);
    let plan = planned(&Request { overwrite: true, ..request() }, 2);
    assert_eq!(changes(&plan)[..2], ["change Broker meshplay-broker", "change StatefulSet meshplay-broker"]);
    let plan = planned(&Request { parts: [Part::Meshsync].into(), ..request() }, 1);
    assert!(plan.is_empty(), "{plan:#?}");
}

#[test]
fn address_that_meshsync_cannot_parse_is_not_kept_by_a_restart() {
    let with_address = |address: &str, names_broker: bool| {
        let mut live_state = meshplay();
        for (entry, seen) in &mut live_state.existing {
            if let Seen::Known(live) = seen
                && entry.id.name == "meshplay-meshsync"
                && entry.id.kind == "Deployment"
            {
                let container = &mut live["spec"]["template"]["spec"]["containers"][0];
                container["name"] = "meshsync".into();
                container["image"] = "khulnasoft/meshsync:stable-latest".into();
                container["env"] = json!([{ "name": "BROKER_URL", "value": address }]);
            }
        }
        edit(of(&mut live_state, "MeshSync", "meshplay-meshsync"), None, |live| {
            if !names_broker {
                live["spec"]["broker"] = json!({});
            }
        });
        live_state.findings = vec!["meshsync-not-connected".into()];
        changes(&plan(&MESHPLAY, &request(), &live_state).expect("a plan"))
    };
    let deleted = ["delete Deployment meshplay-meshsync"];
    assert_eq!(with_address("nats://10.0.0.1:4222", true), deleted);
    // The operator would use the old address again.
    assert_eq!(with_address("nats://10.0.0.1:4222", false), Vec::<String>::new());
    assert!(with_address("10.0.0.1:4222", true).contains(&"restart Deployment meshplay-meshsync".to_owned()));
}
