use super::*;

#[test]
fn a_resource_that_is_going_is_waited_for_and_made_anew() {
    let mut standing = healthy();
    let broker = of(&mut standing, "Broker", "meshery-broker");
    edit(broker, None, |live| {
        live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    });
    let plan = planned(&request(), &standing);
    let gone = position(&plan, "wait", "Broker", "meshery-broker");
    assert_eq!(plan.steps[gone].action, Action::Wait(Until::Gone));
    assert_eq!(gone + 1, position(&plan, "create", "Broker", "meshery-broker"));
}

#[test]
fn the_old_line_goes_after_the_new_one_is_up_and_the_change_of_address_is_said() {
    let mut standing = healthy();
    for (kind, name) in [
        ("StatefulSet", "meshery-broker"),
        ("Service", "meshery-broker"),
        ("ConfigMap", "meshery-nats-accounts"),
        ("ClusterRole", "meshery-controller-role"),
        ("ClusterRoleBinding", "meshery-controller-rolebinding"),
    ] {
        put(&mut standing, kind, name, json!({}));
    }
    let operator = of(&mut standing, "Deployment", "meshery-operator");
    operator.live = Seen::Absent;
    let plan = planned(&request(), &standing);
    let up = position(&plan, "wait", "StatefulSet", "meshery-nats");
    let connected = position(&plan, "wait", "Deployment", "meshery-meshsync");
    let gone = position(&plan, "delete", "StatefulSet", "meshery-broker");
    assert!(up < gone && connected < gone);
    assert!(
        position(&plan, "delete", "ClusterRoleBinding", "meshery-controller-rolebinding")
            < position(&plan, "delete", "ClusterRole", "meshery-controller-role")
    );
    assert!(plan.warnings.iter().any(|text| text.contains("readers outside must follow")));
}

#[test]
fn every_denial_is_told_before_the_first_change() {
    let mut standing = nothing();
    of(&mut standing, "ClusterRole", "meshery-operator-role").trial = DryRun::Denied(
        "clusterroles \"meshery-operator-role\" is forbidden: user \"joe\" is attempting to grant RBAC permissions not currently held".into(),
    );
    of(&mut standing, "Deployment", "meshery-operator").trial =
        DryRun::Denied("User \"joe\" cannot patch resource \"deployments\"".into());
    let refusal = refused(&request(), &standing);
    assert!(refusal.instead[0].contains("attempting to grant"));
    assert!(refusal.instead[1].contains("cannot patch resource \"deployments\""));
    // What is left as it is need not be ours to write.
    let mut standing = healthy();
    of(&mut standing, "Broker", "meshery-broker").trial = DryRun::Denied("no".into());
    assert!(planned(&request(), &standing).is_empty());
}

#[test]
fn a_namespace_or_definition_that_is_going_is_a_refusal() {
    for (kind, name) in [("Namespace", NAMESPACE), ("CustomResourceDefinition", "brokers.meshery.io")] {
        let mut standing = healthy();
        edit(of(&mut standing, kind, name), None, |live| {
            live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        });
        let refusal = refused(&request(), &standing);
        assert!(refusal.why.ends_with("is being deleted"), "{}", refusal.why);
    }
}

#[test]
fn the_broker_alone_is_restarted_and_meshsync_only_if_it_stays_away() {
    let mut request = request();
    request.parts = [Part::Broker].into();
    let plan = planned(&request, &healthy());
    assert_eq!(changes(&plan), ["restart StatefulSet meshery-nats"]);
    assert!(plan.nudge.is_some_and(|step| step.id.name == "meshery-meshsync"));
}

#[test]
fn a_new_token_restarts_the_broker_and_then_meshsync() {
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
fn the_rights_of_a_plan_are_those_of_its_steps() {
    let mut request = request();
    request.parts = [Part::Broker].into();
    request.new_token = true;
    let rights: Vec<String> = planned(&request, &healthy()).rights().iter().map(ToString::to_string).collect();
    assert!(rights.iter().any(|right| right.starts_with("delete") && right.contains("secrets")), "{rights:?}");
    let all = rights_of_the_command();
    for right in planned(&request, &healthy()).rights() {
        assert!(all.contains(&right), "{right} is not among the command's");
    }
}

fn rights_of_the_command() -> Vec<Permission> {
    let mut all = rights(&MESHERY, NAMESPACE);
    all.extend(manifests::permissions(&MESHERY, NAMESPACE));
    all
}

#[test]
fn a_merge_patch_says_only_what_differs() {
    let live = json!({ "a": 1, "b": { "c": 2, "d": 3 }, "e": 4 });
    let wanted = json!({ "a": 1, "b": { "c": 5 } });
    assert_eq!(diff::merge_patch(&live, &wanted, false), json!({ "b": { "c": 5 } }));
    assert_eq!(diff::merge_patch(&live, &wanted, true), json!({ "b": { "c": 5, "d": null }, "e": null }));
}
