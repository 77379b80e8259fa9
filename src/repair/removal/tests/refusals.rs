use super::*;
use crate::stack::base::permission::Permission;

#[test]
fn rights_are_those_of_the_plan_and_no_others() {
    let request = request(&[Part::Meshsync]);
    let found = stack();
    let plan = planned(&request, &found);
    let rights = rights(&MESHERY, NAMESPACE, &request, &found, &plan);
    let rights: Vec<String> = rights.iter().map(Permission::to_string).collect();
    assert_eq!(
        rights,
        [
            "delete deployments.apps \"meshery-meshsync\" in namespace mesh",
            "delete meshsyncs.meshery.io \"meshery-meshsync\" in namespace mesh",
        ]
    );
}

#[test]
fn a_missing_right_is_named() {
    let request = request(&ALL);
    assert_eq!(permit(NAMESPACE, &request, &[]), Ok(()));
    let missing = Permission::to("delete", "apps", "deployments").in_namespace(NAMESPACE).named("meshery-operator");
    let refusal = permit(NAMESPACE, &request, &[missing]).expect_err("a refusal");
    assert_eq!(refusal.why, "we may not delete deployments.apps \"meshery-operator\" in namespace mesh");
    assert_eq!(refusal.instead, ["meshdoctor rbac reset -n mesh --crds --delete-namespace"]);
}

#[test]
fn what_may_not_be_looked_at_is_a_refusal_where_it_would_have_to_go() {
    let mut found = stack();
    for (belonging, seen) in &mut found.belongings {
        if belonging.id.kind == "Secret" {
            *seen = Seen::failed("no answer");
        }
    }
    let refusal = refused(&request(&STACK), &found);
    assert!(refusal.why.contains("Secret meshery-nats-auth: no answer"), "{refusal:?}");
    planned(&request(&[Part::Meshsync]), &found);
}

#[test]
fn the_clusters_own_namespaces_do_not_go() {
    let parts = request(&ALL);
    let refusal = plan(&MESHERY, "default", &parts, &stack()).expect_err("a refusal");
    assert!(refusal.why.contains("default"), "{refusal:?}");
}

#[test]
fn definitions_of_the_former_group_go_with_the_others() {
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
fn what_else_goes_is_said_first() {
    let mut found = stack();
    found.foreign_managers = vec!["Deployment web".into()];
    let warnings = planned(&request(&ALL), &found).warnings.join("\n");
    assert!(warnings.contains("Deployment web"), "{warnings}");
    let warnings = planned(&request(&[Part::Broker]), &stack()).warnings;
    assert!(warnings[0].contains("MeshSync stays"), "{warnings:?}");
}

/// The custom resources of a stack's definition, here and elsewhere, in another version than those that were read.
fn instances() -> (Id, Seen<Vec<Id>>) {
    let definition = Id::of(object::DEFINITION, None, "brokers.meshery.io");
    let here = Id { api_version: "meshery.io/v1alpha2".into(), ..custom("Broker", &json!({})).0 };
    let there = Id { namespace: Some("other".into()), ..here.clone() };
    (definition, Seen::Known(vec![here, there]))
}

#[test]
fn what_goes_with_a_definition_is_said_unless_it_has_a_step_of_its_own() {
    let mut found = stack();
    found.instances = vec![instances()];
    let all = planned(&request(&ALL), &found);
    let there = "Broker meshery-broker of namespace other";
    let warning = format!("with CustomResourceDefinition brokers.meshery.io go {there}");
    assert!(all.warnings.contains(&warning), "{:?}", all.warnings);
    assert_eq!(all.takes.len(), 1);
    let mut alone = request(&[Part::Operator, Part::Definitions]);
    alone.keep_custom_resources = true;
    let alone = planned(&alone, &found);
    let here = format!("Broker meshery-broker of namespace {NAMESPACE}");
    assert!(alone.warnings.iter().any(|said| said.contains(&here)));
    assert_eq!(alone.takes.len(), 2);
}

#[test]
fn definitions_stay_while_it_cannot_be_seen_what_goes_with_them() {
    let mut found = stack();
    let right = Permission::to("list", "meshery.layer5.io", "brokers");
    let missing = vec![right.clone()];
    let denied = Seen::Denied(crate::stack::base::seen::Denial { missing });
    found.instances = vec![(instances().0, denied)];
    let refusal = refused(&request(&ALL), &found);
    assert!(refusal.why.contains(&right.to_string()), "{refusal:?}");
    assert_eq!(refusal.instead, ["meshdoctor rbac reset -n mesh --crds --delete-namespace"]);
    let silent = Seen::failed(Failure::new(Kind::ConversionWebhook, "conversion webhook failed"));
    found.instances = vec![(instances().0, silent)];
    let refusal = refused(&request(&ALL), &found);
    assert!(refusal.why.contains("webhook failed"), "{refusal:?}");
    assert!(found.is_conversion_under_way());
}
