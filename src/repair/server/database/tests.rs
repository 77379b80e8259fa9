use super::*;
use crate::{
    facts::{
        Facts, Target,
        server::{ClusterConnection, Connections, ServerFacts, ServerSession},
    },
    repair::{
        operation::database_end::judge,
        plan::{Action, Step},
    },
    stack::base::failure::{Failure, Kind},
};

const CLUSTER: &str = "3f7e6865-9c27-4806-adfc-c991672d1207";

fn connection(name: &str, cluster: &str) -> ClusterConnection {
    ClusterConnection {
        id: format!("id-of-{name}"),
        cluster_id: Some(cluster.into()),
        name: name.into(),
        status: "connected".into(),
        ..ClusterConnection::default()
    }
}

fn facts(connections: &[ClusterConnection]) -> Facts {
    let server = ServerFacts {
        address: "https://meshery.example:9081".into(),
        session: ServerSession::LoggedIn,
        generation: Seen::Known(ApiGeneration::Controllers),
        connections: Seen::Known(Connections { items: connections.to_vec(), total: connections.len() as u64 }),
        ping: Seen::Known("v1.35.4".into()),
        ..ServerFacts::default()
    };
    Facts {
        cluster_id: Seen::Known(CLUSTER.into()),
        server: Some(Box::new(server)),
        target: Target {
            context: Some("prod".into()),
            server: Some("https://api.example:6443".into()),
            namespace: "meshery".into(),
            ..Target::default()
        },
        ..Facts::default()
    }
}

fn both() -> Facts {
    facts(&[connection("here", CLUSTER), connection("there", "other")])
}

fn tables(rows: &[(&str, u64)]) -> Seen<Tables> {
    let rows = rows.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
    Seen::Known(Tables { total: 3, rows })
}

fn planned(facts: &Facts, tables: &Seen<Tables>) -> Plan {
    plan(&ServerView::of(facts).expect("a session"), tables, None).expect("a plan")
}

fn verbs(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(Step::verb).collect()
}

#[test]
fn plan_says_what_is_lost_and_where_the_archive_is() {
    let filled = tables(&[("keys", 60), ("connections", 2), ("kubernetes_resources", 33)]);
    let plan = planned(&both(), &filled);
    assert_eq!(verbs(&plan), ["reset", "rediscover", "wait", "wait"]);
    assert!(plan.drops_database());
    let warnings = plan.warnings.join("\n");
    for text in [
        "3 tables with 95 rows (kubernetes_resources 33, connections 2, keys 60)",
        "for all its users",
        "here and there",
        "~/.meshery/config/.archive/mesherydbYYYYMMDDhhmm07.sql",
        "designs",
    ] {
        assert!(warnings.contains(text), "{text}: {warnings}");
    }
    let names: Vec<_> = plan.listed.iter().map(|item| item["metadata"]["name"].clone()).collect();
    assert_eq!(names, ["here", "there"]);
    assert_eq!(plan.otherwise, [Advice::command("server contexts upload FILE")]);
    // A database that cannot be read is reset all the same: that may be the reason for it.
    let unread = planned(&both(), &Seen::failed(Failure::new(Kind::ServerError, "database disk image is malformed")));
    assert!(unread.drops_database() && unread.warnings[0].contains("malformed"), "{unread:?}");
}

#[test]
fn word_is_the_host_or_context_and_namespace() {
    let empty = tables(&[]);
    assert_eq!(planned(&both(), &empty).confirm.as_deref(), Some("meshery.example"));
    let mut forwarded = both();
    let server = forwarded.server.as_deref_mut().expect("a server");
    (server.route, server.address) = (ServerRoute::PortForward, "pod/meshery-0:8080".into());
    assert_eq!(planned(&forwarded, &empty).confirm.as_deref(), Some("prod/meshery"));
    forwarded.target.context = None;
    assert_eq!(planned(&forwarded, &empty).confirm.as_deref(), Some("api.example/meshery"));
    forwarded.target.server = None;
    assert!(plan(&ServerView::of(&forwarded).expect("a session"), &empty, None).is_err());
}

#[test]
fn empty_database_is_not_dropped_again() {
    let empty = tables(&[("connections", 0), ("kubernetes_resources", 0), ("keys", 61), ("events", 4)]);
    let plan = planned(&facts(&[]), &empty);
    assert_eq!((verbs(&plan), plan.drops_database()), (vec!["rediscover", "wait", "wait"], false));
    // It must be confirmed in the same way, so that the same command continues.
    assert_eq!(plan.confirm.as_deref(), Some("meshery.example"));
    for rows in [
        &[("connections", 0), ("kubernetes_resources", 0), ("meshery_patterns", 1)][..],
        &[("connections", 0), ("kubernetes_resources", 1)],
        &[("connections", 1), ("kubernetes_resources", 0)],
        // Without its tables it is broken, not empty.
        &[("keys", 61)],
    ] {
        assert!(planned(&facts(&[]), &tables(rows)).drops_database(), "{rows:?}");
    }
    assert!(planned(&both(), &empty).drops_database());
}

#[test]
fn new_connections_after_an_earlier_run_are_not_dropped_again() {
    let at: Timestamp = "2026-11-23T00:48:28Z".parse().expect("a time");
    let old = connection("here", CLUSTER);
    let earlier = Earlier {
        file: "list.json".into(),
        server: "https://meshery.example:9081".into(),
        at,
        connections: [&old, &connection("there", "other")].map(|one| (one.into(), None)).into(),
    };
    let found = tables(&[("connections", 1), ("kubernetes_resources", 9), ("meshery_patterns", 0)]);
    let planned = |connection: &ClusterConnection, tables| {
        let facts = facts(std::slice::from_ref(connection));
        plan(&ServerView::of(&facts).expect("a session"), tables, Some(&earlier)).expect("a plan")
    };
    let new = ClusterConnection { updated: Some(at), ..old.clone() };
    let continued = planned(&new, &found);
    assert_eq!((verbs(&continued), continued.listed.len()), (vec!["rediscover", "wait", "wait"], 0));
    assert!(continued.warnings[0].contains("list.json"), "{continued:?}");
    // What was lost is still named.
    let Some(Action::Server(Operation::Wait { goal: Goal::Back(before), .. })) =
        continued.steps.last().map(|step| &step.action)
    else {
        panic!("{continued:?}");
    };
    assert_eq!((before.connections.len(), before.cluster.as_deref()), (2, Some(CLUSTER)));
    // The earlier run was killed before the reset, or somebody has used the server since.
    assert!(planned(&old, &found).drops_database());
    let used = tables(&[("connections", 1), ("kubernetes_resources", 9), ("meshery_patterns", 1)]);
    assert!(planned(&new, &used).drops_database());
}

#[test]
fn end_names_every_connection_that_is_missing() {
    let before = Before {
        cluster: Some(CLUSTER.into()),
        connections: [connection("here", CLUSTER), connection("there", "other")].iter().map(Into::into).collect(),
    };
    let not_yet = |text: &str| Err(text.to_owned());
    let none = facts(&[]);
    assert_eq!(judge(&before, true, &none), not_yet("the server lists no connection; missing: here and there"));
    let expected = "the server has no connection to this cluster; missing: here and there";
    assert_eq!(judge(&before, false, &none), not_yet(expected));
    // It came back under another ID.
    let back = facts(&[ClusterConnection { id: "new".into(), ..connection("in-cluster", CLUSTER) }]);
    let expected = "connection in-cluster to this cluster is connected; not there anymore: there";
    assert_eq!(judge(&before, false, &back), Ok(expected.to_owned()));
    let found = facts(&[ClusterConnection { status: "discovered".into(), ..connection("here", CLUSTER) }]);
    let expected = "connection here is discovered; missing: there";
    assert_eq!(judge(&before, false, &found), not_yet(expected));
    let mut unreached = both();
    unreached.server.as_deref_mut().expect("a server").ping = Seen::failed(Failure::new(Kind::ServerError, "no"));
    assert!(judge(&before, false, &unreached).is_err());
}

#[test]
fn evidence_names_the_archive_and_the_tables() {
    let at: Timestamp = "2026-11-23T00:48:28Z".parse().expect("a time");
    let drop =
        Drop { archive: "~/.meshplay/config/.archive/meshplaydb".into(), counted: Some((30, 95)), of_users: Some(2) };
    assert!(archived(&drop, at).contains("~/.meshplay/config/.archive/meshplaydb20261123004807.sql"));
    let after = emptied(&drop, &tables(&[("keys", 1)]));
    assert_eq!(after, "30 tables with 95 rows before the reset, 3 tables with 1 row after it");
    assert!(unchanged(&drop, &tables(&[("keys", 100), ("kubernetes_resources", 90)])).is_none());
    let why = unchanged(&drop, &tables(&[("connections", 2)])).expect("not dropped").to_string();
    assert!(why.contains("2 rows, 2 before"), "{why}");
}
