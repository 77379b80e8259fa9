use super::*;
use crate::stack::profile::{MESHERY, MESHPLAY};

fn read(list: &Value) -> WatchList {
    WatchList::of_data(list.get("data"), "spec.watch-list.data", &MESHERY)
}

fn invalid(list: &Value) -> Invalid {
    match read(list) {
        WatchList::Invalid(invalid) => invalid,
        other => panic!("{list} reads as {other:?}"),
    }
}

fn entry(resource: &str, events: &[&str], column: usize) -> Entry {
    Entry {
        resource: resource.into(),
        events: events.iter().map(ToString::to_string).collect(),
        place: Place { line: 1, column },
    }
}

#[test]
fn lists_are_parsed_as_meshsync_parses_them() {
    let white = read(&json!({ "data": { "whitelist": r#"[{"resource":"pods.v1.","EVENTS":["ADDED"],"more":1}]"# } }));
    assert_eq!(white, WatchList::Whitelist(vec![entry("pods.v1.", &["ADDED"], 2)]));
    assert_eq!(
        read(&json!({ "data": { "whitelist": "[]", "blacklist": r#"["pods.v1."]"# } })),
        WatchList::Blacklist(vec![entry("pods.v1.", &[], 2)])
    );
    for empty in
        [json!({ "metadata": {} }), json!({ "data": {} }), json!({ "data": { "whitelist": "null", "blacklist": " " } })]
    {
        assert_eq!(read(&empty), WatchList::Empty);
    }
}

#[test]
fn malformed_lists_report_the_position() {
    for list in [
        json!({ "data": { "whitelist": "not json" } }),
        json!({ "data": { "whitelist": ["pods.v1."] } }),
        json!({ "data": { "blacklist": r#"[{"Resource":"pods.v1."}]"# } }),
        json!({ "data": "text" }),
        json!({ "data": { "whitelist": r#"[{"Resource":"pods.v1."}]"#, "blacklist": r#"["nodes.v1."]"# } }),
    ] {
        invalid(&list);
    }
    let at = |text: &str| {
        let place = invalid(&json!({ "data": { "whitelist": text } })).place;
        place.map(|place| (place.line, place.column))
    };
    assert_eq!(at("[\n  {\"Resource\" \"a\"}]"), Some((2, 15)));
    assert_eq!(at("[{},\n \"pods.v1.\"]"), Some((2, 2)));
    assert_eq!(at("[{\"a\":[1,\"]\"]}, {\"Events\": \"ADDED\"}]"), Some((1, 17)));
}

#[test]
fn object_form_of_older_guides_gets_its_working_equivalent() {
    let list = json!({ "data": { "blacklist": r#"[{"Resource":"secrets.v1.","Events":["ADDED"]}]"# } });
    let instead = invalid(&list).instead.expect("an equivalent");
    let works = read(&json!({ "data": { "whitelist": whitelist(&instead) } }));
    let effective = works.effective(&MESHERY);
    assert_eq!(effective.len(), 20);
    assert!(!effective.contains(&"secrets.v1.".to_owned()));
    let plain = json!({ "data": { "whitelist": r#"["pods.v1."]"# } });
    let instead = invalid(&plain).instead.expect("an equivalent");
    let works = read(&json!({ "data": { "whitelist": whitelist(&instead) } }));
    assert_eq!(works.effective(&MESHERY), ["pods.v1."]);
}

#[test]
fn without_a_whitelist_no_version_publishes() {
    let black = read(&json!({ "data": { "blacklist": r#"["pods.v1."]"# } }));
    assert!(black.silence(Some("1.0.1"), &MESHERY).is_some_and(|why| why.contains("no event types")));
    for version in [Some("1.0.3"), Some("stable-latest"), None] {
        assert!(black.silence(version, &MESHERY).is_some_and(|why| why.contains("1005")));
        assert!(WatchList::Empty.silence(version, &MESHERY).is_some());
    }
    assert_eq!(WatchList::Whitelist(Vec::new()).silence(Some("1.0.1"), &MESHERY), None);
}

#[test]
fn old_meshsync_needs_a_kind_of_each_group() {
    let list = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        read(&json!({ "data": { "whitelist": whitelist(&names) } }))
    };
    assert_eq!(list(&["pods.v1."]).group_without_kinds(&MESHPLAY), Some(Group::Global));
    assert_eq!(list(&["secrets.v1.", "nodes.v1."]).group_without_kinds(&MESHPLAY), Some(Group::Local));
    for works in [&["pods.v1.", "configmaps.v1."][..], &["unknown.v1."]] {
        assert_eq!(list(works).group_without_kinds(&MESHPLAY), None);
    }
    assert_eq!(list(&["pods.v1."]).group_without_kinds(&MESHERY), None);
    for group in [Group::Global, Group::Local] {
        let quiet = group.quiet_kind();
        assert!(MESHPLAY.meshsync.default_watch_list.contains(&quiet));
        assert_eq!(GLOBAL.contains(&quiet), group == Group::Global);
    }
}

#[test]
fn entries_split_into_resource_version_and_group() {
    assert_eq!(resource_and_group("pods.v1."), Some(("pods", "")));
    assert_eq!(resource_and_group("ingresses.v1.networking.k8s.io"), Some(("ingresses", "networking.k8s.io")));
    assert_eq!(resource_and_group("pods"), None);
    assert!(is_well_formed("pods.v1.") && !is_well_formed("service.apis"));
}
