use super::*;
use crate::stack::base::permission::Permission;

#[test]
fn permissions_are_those_of_the_plan() {
    let request = request(&[Part::Meshsync]);
    let found = stack();
    let plan = planned(&request, &found);
    let permissions = permissions(&MESHERY, NAMESPACE, &request, &found, &plan);
    let permissions: Vec<String> = permissions.iter().map(Permission::to_string).collect();
    assert_eq!(
        permissions,
        [
            "delete deployments.apps \"meshery-meshsync\" in namespace mesh",
            "delete meshsyncs.meshery.io \"meshery-meshsync\" in namespace mesh",
        ]
    );
}

#[test]
fn missing_permission_is_named() {
    let request = request(&ALL);
    assert_eq!(permit(&request, &[]), Ok(()));
    let missing = Permission::to("delete", "apps", "deployments").in_namespace(NAMESPACE).named("meshery-operator");
    let refusal = permit(&request, &[missing]).expect_err("a refusal");
    assert_eq!(refusal.why, "permissions are missing: delete deployments.apps \"meshery-operator\" in namespace mesh");
    assert_eq!(refusal.instead, [Advice::command("rbac reset --crds --delete-namespace")]);
}

#[test]
fn unreadable_object_is_a_refusal_only_if_it_is_removed() {
    let mut found = stack();
    for (entry, seen) in &mut found.existing {
        if entry.id.kind == "Secret" {
            *seen = Seen::failed("no response");
        }
    }
    let refusal = refused(&request(&STACK), &found);
    assert!(refusal.why.contains("Secret meshery-nats-auth: no response"), "{refusal:?}");
    planned(&request(&[Part::Meshsync]), &found);
}

#[test]
fn namespaces_of_the_cluster_are_not_deleted() {
    let parts = request(&ALL);
    let refusal = plan(&MESHERY, "default", &parts, &stack()).expect_err("a refusal");
    assert!(refusal.why.contains("default"), "{refusal:?}");
}

#[test]
fn crds_of_the_former_group_are_removed_with_the_others() {
    let former = MESHERY.former_crds();
    let name = former.first().expect("a former group");
    let found = found(&[("CustomResourceDefinition", name, json!({}))]);
    assert!(planned(&request(&STACK), &found).is_empty());
    let mut parts = STACK.to_vec();
    parts.push(Part::Definitions);
    let plan = planned(&request(&parts), &found);
    assert_eq!(lines(&plan)[0], format!("delete CustomResourceDefinition {name}"));
}

#[test]
fn other_deleted_workloads_are_named_first() {
    let mut found = stack();
    found.foreign_workloads = vec!["Deployment web".into()];
    let warnings = planned(&request(&ALL), &found).warnings.join("\n");
    assert!(warnings.contains("Deployment web"), "{warnings}");
    let warnings = planned(&request(&[Part::Broker]), &stack()).warnings;
    assert!(warnings[0].contains("MeshSync is kept"), "{warnings:?}");
}

/// The custom resources of a CRD, in this and another namespace, in another version than those that were read.
fn instances() -> (Id, Seen<Vec<Id>>) {
    let crd = Id::of(object::DEFINITION, None, "brokers.meshery.io");
    let here = Id { api_version: "meshery.io/v1alpha2".into(), ..custom("Broker", &json!({})).0 };
    let there = Id { namespace: Some("other".into()), ..here.clone() };
    (crd, Seen::Known(vec![here, there]))
}

#[test]
fn custom_resources_deleted_with_a_crd_are_named_unless_they_have_a_step() {
    let mut found = stack();
    found.instances = vec![instances()];
    let all = planned(&request(&ALL), &found);
    let there = "Broker meshery-broker in namespace other";
    let warning = format!("deleting CustomResourceDefinition brokers.meshery.io also deletes {there}");
    assert!(all.warnings.contains(&warning), "{:?}", all.warnings);
    assert_eq!(all.takes.len(), 1);
    let mut alone = request(&[Part::Operator, Part::Definitions]);
    alone.keep_custom_resources = true;
    let alone = planned(&alone, &found);
    let here = format!("Broker meshery-broker in namespace {NAMESPACE}");
    assert!(alone.warnings.iter().any(|said| said.contains(&here)));
    assert_eq!(alone.takes.len(), 2);
}

#[test]
fn crds_are_kept_if_their_custom_resources_cannot_be_read() {
    let mut found = stack();
    let permission = Permission::to("list", "meshery.layer5.io", "brokers");
    let missing = vec![permission.clone()];
    let denied = Seen::Denied(crate::stack::base::seen::Denial { missing });
    found.instances = vec![(instances().0, denied)];
    let refusal = refused(&request(&ALL), &found);
    assert!(refusal.why.contains(&permission.to_string()), "{refusal:?}");
    assert_eq!(refusal.instead, [Advice::command("rbac reset --crds --delete-namespace")]);
    let silent = Seen::failed(Failure::new(Kind::ConversionWebhook, "conversion webhook failed"));
    found.instances = vec![(instances().0, silent)];
    let refusal = refused(&request(&ALL), &found);
    assert!(refusal.why.contains("webhook failed"), "{refusal:?}");
    assert!(found.is_conversion_under_way());
}
