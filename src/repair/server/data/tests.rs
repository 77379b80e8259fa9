use super::*;
use crate::{
    facts::server::{Connections, Diagnostic, ServerFacts, ServerSession, StoredData},
    repair::{operation::data_end::Numbers, plan::Action},
    stack::{
        base::{failure::Failure, failure::Kind, seen::Seen},
        object::{self, Id},
    },
};

const CLUSTER: &str = "3f7e6865-9c27-4806-adfc-c991672d1207";
const ID: &str = "5415b350-896e-c511-743e-fcaecf3a9169";
const WAIT: Duration = Duration::from_secs(300);

/// A server with a connection to this cluster, in the mode that its connection sets. It stores so many Pods of the
/// cluster's 20.
fn facts(generation: ApiGeneration, mode: &str, stored: u64) -> Facts {
    let connection = ClusterConnection {
        id: ID.into(),
        cluster_id: Some(CLUSTER.into()),
        name: "prod".into(),
        status: "connected".into(),
        mode: Some(mode.into()),
        ..ClusterConnection::default()
    };
    let kinds = [("Pod".to_owned(), stored)].into();
    let server = ServerFacts {
        address: "http://localhost:9081".into(),
        session: ServerSession::Local,
        generation: Seen::Known(generation),
        connections: Seen::Known(Connections { items: vec![connection], total: 1 }),
        data: Seen::Known(StoredData { total: Some(stored), kinds, ..StoredData::default() }),
        served: [("Pod".to_owned(), Seen::Known(20))].into(),
        diagnostics: Seen::Known(Vec::new()),
        ..ServerFacts::default()
    };
    Facts { cluster_id: Seen::Known(CLUSTER.into()), server: Some(Box::new(server)), ..Facts::default() }
}

fn server(facts: &mut Facts) -> &mut ServerFacts {
    facts.server.as_deref_mut().expect("a server")
}

fn restart() -> Vec<Step> {
    let id = Id::of(object::DEPLOYMENT, Some("meshery"), "meshery-meshsync");
    vec![Step::new(id, Action::Restart)]
}

fn planned(facts: &Facts, stage: Stage, restart: Vec<Step>) -> Result<Plan, Refusal> {
    plan(&ServerView::of(facts)?, stage, restart, WAIT)
}

fn verbs(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(Step::verb).collect()
}

#[test]
fn meshsync_is_restarted_only_if_the_data_does_not_come_back() {
    let facts = facts(ApiGeneration::Controllers, "operator", 20);
    let first = planned(&facts, Stage::First, restart()).expect("a plan");
    assert_eq!((verbs(&first), first.continues), (vec!["flush", "wait"], true));
    assert!(first.warnings.iter().any(|text| text.contains("within 30 s, MeshSync is restarted")), "{first:?}");
    let wait = &first.steps[1].action;
    let goal = Goal::DataMatches(Some(20));
    let expected = Operation::Wait { goal, at_most: Some(GRACE), optional: true };
    assert_eq!(*wait, Action::Server(expected));
    assert!(planned(&facts, Stage::Restart, restart()).expect("a plan").is_empty());

    let facts = self::facts(ApiGeneration::Controllers, "operator", 3);
    let second = planned(&facts, Stage::Restart, restart()).expect("a plan");
    assert_eq!((verbs(&second), second.continues, second.announced), (vec!["restart", "wait"], false, true));
}

#[test]
fn embedded_meshsync_is_not_restarted() {
    let facts = facts(ApiGeneration::Controllers, "embedded", 20);
    let plan = planned(&facts, Stage::First, restart()).expect("a plan");
    assert_eq!((verbs(&plan), plan.continues), (vec!["flush", "wait"], false));
}

#[test]
fn older_servers_always_need_the_restart() {
    for generation in [ApiGeneration::Connections, ApiGeneration::Graphql] {
        let facts = facts(generation, "operator", 20);
        let plan = planned(&facts, Stage::First, restart()).expect("a plan");
        assert_eq!((verbs(&plan), plan.continues), (vec!["flush", "restart", "wait"], false));
        let refuses = plan.warnings.iter().any(|text| text.contains("keeps objects that are gone"));
        assert_eq!(refuses, generation == ApiGeneration::Graphql, "{plan:?}");
        assert!(fix(&ServerView::of(&facts).expect("a session")).is_err());
    }
}

#[test]
fn nothing_is_deleted_that_would_not_come_back() {
    let refused = |facts: &Facts| planned(facts, Stage::First, restart()).expect_err("a refusal");
    let mut facts = facts(ApiGeneration::Controllers, "operator", 20);
    server(&mut facts).diagnostics =
        Seen::Known(vec![Diagnostic { code: "connection_inactive".into(), ..Diagnostic::default() }]);
    let refusal = refused(&facts);
    assert!(!refusal.undetermined && refusal.why.contains("no active session"), "{refusal}");
    assert_eq!(refusal.instead, [Advice::command("server contexts rediscover")]);

    server(&mut facts).diagnostics =
        Seen::Known(vec![Diagnostic { code: "broker_unreachable".into(), ..Diagnostic::default() }]);
    let refusal = refused(&facts);
    assert_eq!(refusal.instead, [Advice::command("server reconnect")]);
    assert!(refusal.why.contains("nothing would fill the data again"), "{refusal}");

    let mut facts = self::facts(ApiGeneration::Controllers, "operator", 20);
    let Seen::Known(connections) = &mut server(&mut facts).connections else { panic!("connections") };
    connections.items[0].status = "disconnected".into();
    assert!(refused(&facts).why.contains("is disconnected"));

    let mut facts = self::facts(ApiGeneration::Controllers, "operator", 20);
    facts.cluster_id = Seen::Known("another".into());
    assert!(refused(&facts).why.contains("no connection to this cluster"));

    let mut facts = self::facts(ApiGeneration::Controllers, "operator", 20);
    server(&mut facts).generation = Seen::Absent;
    let refusal = refused(&facts);
    assert!(!refusal.undetermined && refusal.why.contains("no request that deletes"), "{refusal}");
    server(&mut facts).generation = Seen::failed(Failure::new(Kind::TimedOut, "late"));
    assert!(refused(&facts).undetermined);
}

#[test]
fn each_generation_has_its_own_request() {
    let sent = |generation| {
        let facts = facts(generation, "operator", 20);
        let connection =
            facts.server.as_deref().and_then(|server| server.connection_to(CLUSTER)).expect("a connection");
        let ask = request(&reference(connection, generation).expect("IDs"), generation);
        let payload = ask.payload.expect("a change");
        assert!(payload.changes && ask.patience == FLUSHES_WITHIN);
        (payload.method, ask.path, String::from_utf8_lossy(&payload.bytes).into_owned())
    };
    let context = ID.replace('-', "");
    let (method, path, body) = sent(ApiGeneration::Controllers);
    assert_eq!((method, path), ("POST", format!("/api/integrations/connections/{ID}/actions")));
    assert_eq!(body, r#"{"action":"flushMeshsync"}"#);
    let (method, path, body) = sent(ApiGeneration::Connections);
    assert_eq!((method, path), ("POST", format!("/api/system/kubernetes/contexts/{context}/resync")));
    assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON")["clearDb"], true);
    let (_, path, body) = sent(ApiGeneration::Graphql);
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(path, "/api/system/graphql/query");
    // Booleans are rejected.
    let selector = json!({ "clearDB": "true", "ReSync": "true", "hardReset": "false" });
    assert_eq!((&body["variables"]["s"], &body["variables"]["c"]), (&selector, &json!(context)));
}

#[test]
fn answers_prove_no_more_than_they_say() {
    let graphql = |answer: &str| evidence(ApiGeneration::Graphql, answer);
    let accepted = graphql(r#"{"data":{"resyncCluster":"PROCESSING"}}"#).expect("evidence");
    assert!(accepted.is_some_and(|text| text.contains("accepted")));
    let known = r#"{"errors":[{"message":"Meshplay is not able to get the current kubernetes context"}],"data":null}"#;
    let known = graphql(known).expect("evidence");
    assert!(known.is_some_and(|text| text.starts_with("the server deleted nothing (")));
    let other = graphql(r#"{"errors":[{"message":"internal system error"}],"data":null}"#).expect_err("an error");
    assert!(other.to_string().contains("internal system error"));
    let inactive = refusal(ApiGeneration::Controllers, 409, "no active session for connection x");
    let advice = Advice::command("server contexts rediscover");
    assert!(matches!(inactive, Some(StepError::Advised(_, own)) if own == advice));
    assert!(refusal(ApiGeneration::Controllers, 500, "").is_none());
}

#[test]
fn end_is_reached_only_after_the_deletion_was_seen_or_had_its_time() {
    let see =
        |numbers: &mut Numbers, stored| numbers.judge(Some(20), &facts(ApiGeneration::Controllers, "operator", stored));
    let mut numbers = Numbers::default();
    assert!(see(&mut numbers, 20).is_err());
    assert_eq!(see(&mut numbers, 2), Err("Pod: 2 stored, 20 in the cluster".into()));
    assert_eq!(numbers.evidence(Some(20)).as_deref(), Some("20 objects stored before, 2 at the lowest since then"));
    let evidence = see(&mut numbers, 20).expect("evidence");
    assert!(evidence.starts_with("20 objects stored before, 20 now, and 20 in the cluster"), "{evidence}");
    assert!(evidence.ends_with("2 at the lowest in between"), "{evidence}");

    let mut numbers = Numbers::default();
    let looks = std::iter::repeat_with(|| see(&mut numbers, 20)).take_while(Result::is_err).count();
    assert!((2..10).contains(&looks), "{looks}");
    assert!(see(&mut numbers, 20).is_ok_and(|evidence| evidence.ends_with("never seen lower in between")));
    // A server without any object is not complete, even if the cluster has only a few.
    let mut few = facts(ApiGeneration::Controllers, "embedded", 0);
    server(&mut few).served = [("Pod".to_owned(), Seen::Known(3))].into();
    assert_eq!(numbers.judge(None, &few), Err("0 objects stored, 3 in the cluster".into()));
    // Objects that are gone count too.
    assert_eq!(see(&mut numbers, 40), Err("Pod: 40 stored, 20 in the cluster".into()));
}
