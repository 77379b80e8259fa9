use serde_json::{Value, json};

use super::*;
use crate::{
    facts::{
        BrokerFacts, BrokerServer, Connection, Varz,
        server::{Connections, ServerFacts},
    },
    stack::base::seen::Seen,
};

const ID: &str = "535bca23-d3bd-af3e-2c7d-d5dc00000001";
const CLUSTER: &str = "a773e1e1-573a-43f6-81d3-08a4da5064cf";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

/// A client of the server that connected at this second.
fn client(cid: u64, second: i64, subject: &str) -> Connection {
    let name = "meshery-server".into();
    Connection { cid, name, start: Some(at(second)), subscriptions: vec![subject.into()], ..Connection::default() }
}

struct Scene {
    status: &'static str,
    /// How long the connection was changed before the facts.
    changed: i64,
    clients: Vec<Connection>,
    named_by: NamedBy,
    generation: Seen<ApiGeneration>,
    deployments: Vec<Value>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            status: "connected",
            changed: 3600,
            clients: Vec::new(),
            named_by: NamedBy::Flag,
            generation: Seen::Known(ApiGeneration::Controllers),
            deployments: vec![operator("Helm")],
        }
    }
}

fn operator(manager: &str) -> Value {
    json!({
        "metadata": {
            "name": "meshery-operator",
            "labels": { "app.kubernetes.io/managed-by": manager },
            "annotations": { "meta.helm.sh/release-name": "meshery-operator" },
        },
        "spec": { "selector": {}, "template": {} },
        "status": {},
    })
}

/// The server's Deployment, restarted at this second.
fn server_deployment(restarted: Option<i64>) -> Value {
    let marks = restarted.map(|second| json!({ RESTARTED: at(second).to_string() }));
    json!({
        "metadata": { "name": "meshery", "generation": 1 },
        "spec": { "replicas": 1, "selector": {}, "template": { "metadata": { "annotations": marks.unwrap_or_default() } } },
        "status": { "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1 },
    })
}

impl Scene {
    fn facts(&self) -> Facts {
        let connection = ClusterConnection {
            id: ID.into(),
            cluster_id: Some(CLUSTER.into()),
            name: "prod".into(),
            status: self.status.into(),
            updated: Some(at(-self.changed)),
            ..ClusterConnection::default()
        };
        let server = ServerFacts {
            address: "http://localhost:9081".into(),
            named_by: self.named_by,
            session: ServerSession::LoggedIn,
            generation: self.generation.clone(),
            connections: Seen::Known(Connections { items: vec![connection], total: 1 }),
            ..ServerFacts::default()
        };
        let broker = BrokerServer {
            pod: Some("meshery-nats-0".into()),
            varz: Varz { server_id: "ONE".into(), now: Some(at(0)), ..Varz::default() },
            connections: Seen::Known(self.clients.clone()),
            complete: true,
            ..BrokerServer::default()
        };
        let deployments = self.deployments.iter().map(|it| serde_json::from_value(it.clone()).expect("a Deployment"));
        Facts {
            taken_at: at(0),
            cluster_id: Seen::Known(CLUSTER.into()),
            server: Some(Box::new(server)),
            broker: BrokerFacts { looked: true, servers: vec![broker], ..BrokerFacts::default() },
            pods: Seen::Known(Vec::new()),
            deployments: Seen::Known(deployments.collect()),
            ..Facts::default()
        }
    }

    fn plan(&self, disconnect: Disconnect, tried: &Tried) -> Result<(Plan, Tried), Refusal> {
        let request = Request { disconnect, whole: false, patience: Duration::from_secs(300) };
        plan(&self.facts(), &request, tried)
    }

    /// The verbs of the plans of one run in which nothing helps, and why it ends.
    fn run(&self, disconnect: Disconnect) -> (Vec<Vec<&'static str>>, Option<Refusal>) {
        let mut tried = Tried::default();
        let mut plans = Vec::new();
        loop {
            match self.plan(disconnect, &tried) {
                Ok((plan, next)) => {
                    plans.push(plan.steps.iter().map(Step::verb).collect());
                    tried = next;
                    if !plan.continues {
                        return (plans, None);
                    }
                }
                Err(refusal) => return (plans, Some(refusal)),
            }
        }
    }
}

const WAIT: &[&str] = &["wait"];
const RESTART: &[&str] = &["restart", "wait", "wait", "rediscover", "wait"];
const RENEW: &[&str] = &["disconnect", "wait", "wait", "connect", "wait"];

#[test]
fn server_that_receives_is_left_alone() {
    let scene = Scene { clients: vec![client(7, -900, "meshery.meshsync.core")], ..Scene::default() };
    let (plan, _) = scene.plan(Disconnect::Asked, &Tried::default()).expect("a plan");
    assert!(plan.is_empty() && !plan.only_waits() && !plan.continues, "{plan:?}");
    assert!(plan.seen[0].contains("client 7 of meshery-nats-0") && plan.seen[0].contains("since 2027"), "{plan:?}");
}

#[test]
fn stages_follow_each_other_from_the_mildest() {
    let outside = Scene::default();
    assert_eq!(outside.run(Disconnect::Allowed), (vec![WAIT.to_vec(), RENEW.to_vec()], None));
    let inside = Scene {
        named_by: NamedBy::Service,
        deployments: vec![server_deployment(None), operator("Helm")],
        ..Scene::default()
    };
    assert_eq!(inside.run(Disconnect::Asked), (vec![WAIT.to_vec(), RESTART.to_vec(), RENEW.to_vec()], None));
    let (plans, refusal) = inside.run(Disconnect::Forbidden);
    assert_eq!(plans, [WAIT, RESTART]);
    assert!(format!("{refusal:?}").contains("--disconnect"), "{refusal:?}");
    // A server elsewhere is not that of the Deployment.
    let other = Scene { deployments: inside.deployments.clone(), ..Scene::default() };
    assert_eq!(other.run(Disconnect::Forbidden).0, [WAIT]);
}

#[test]
fn whole_plan_is_shown_at_once() {
    let scene = Scene {
        named_by: NamedBy::Service,
        deployments: vec![server_deployment(None), operator("Helm")],
        ..Scene::default()
    };
    let whole = |disconnect| {
        let request = Request { disconnect, whole: true, patience: Duration::from_secs(10) };
        plan(&scene.facts(), &request, &Tried::default()).expect("a plan").0
    };
    let all = whole(Disconnect::Allowed);
    let verbs: Vec<&str> = all.steps.iter().map(Step::verb).collect();
    assert_eq!(verbs, [WAIT, RESTART, RENEW].concat());
    let some = whole(Disconnect::Forbidden);
    assert_eq!(some.steps.len(), WAIT.len() + RESTART.len());
    assert!(some.warnings.iter().any(|warning| warning.contains("--disconnect")), "{some:?}");
}

#[test]
fn disconnected_connection_is_connected_first() {
    for clients in [Vec::new(), vec![client(7, -900, "meshery.meshsync.core")]] {
        let scene = Scene { status: "disconnected", changed: 1, clients, ..Scene::default() };
        let (plan, _) = scene.plan(Disconnect::Forbidden, &Tried::default()).expect("a plan");
        assert_eq!(plan.steps.iter().map(Step::verb).collect::<Vec<_>>(), ["connect", "wait"]);
        assert!(!plan.continues);
    }
}

#[test]
fn what_may_still_take_effect_is_not_repeated() {
    // The connection was changed a moment ago, perhaps by a run that was stopped.
    let changed = Scene { changed: 60, ..Scene::default() };
    let (plans, refusal) = changed.run(Disconnect::Allowed);
    assert_eq!(plans, [WAIT]);
    assert!(format!("{refusal:?}").contains("may still take effect"), "{refusal:?}");
    let (plan, _) = changed.plan(Disconnect::Allowed, &Tried::default()).expect("a plan");
    let wait = format!("{:?}", plan.steps[0].action);
    assert!(wait.contains("at_most: Some(240s)"), "{wait}");
    // The server was restarted a moment ago.
    let deployments = vec![server_deployment(Some(-60)), operator("Helm")];
    let restarted = Scene { named_by: NamedBy::Service, deployments, ..Scene::default() };
    assert_eq!(restarted.run(Disconnect::Forbidden).0, [WAIT, &RESTART[1..]]);
    // It has a young connection to the broker.
    let young = Scene { clients: vec![client(7, -10, "meshery.>")], ..Scene::default() };
    assert_eq!(young.run(Disconnect::Allowed), (vec![vec![]], None));
}

#[test]
fn old_connection_to_the_broker_is_renewed_only_on_request() {
    let clients = vec![client(7, -900, "meshery.meshsync.core")];
    let scene = Scene { clients, ..Scene::default() };
    assert_eq!(scene.run(Disconnect::Asked), (vec![vec![]], None));
    let (plans, refusal) = scene.run(Disconnect::Allowed);
    assert_eq!((plans, refusal), (vec![RENEW.to_vec()], None));
    let (plan, _) = scene.plan(Disconnect::Allowed, &Tried::default()).expect("a plan");
    let last = plan.steps.last().map(|step| step.action.clone());
    let goal = Goal::Link(vec![("ONE".into(), 7)]);
    assert_eq!(last, Some(Action::Server(Operation::wait(goal.clone()))));
    // The same connection is no proof, and another one is.
    assert!(matches!(goal.judge(&scene.facts()), crate::repair::operation::Reached::NotYet(_)));
    let clients = vec![client(7, -900, "meshery.meshsync.core"), client(8, -1, "meshery.meshsync.core")];
    let renewed = Scene { clients, ..Scene::default() };
    assert!(matches!(goal.judge(&renewed.facts()), crate::repair::operation::Reached::Yes(_)));
}

#[test]
fn client_that_does_not_subscribe_is_no_connection() {
    let scene = Scene { clients: vec![client(7, -900, "other")], ..Scene::default() };
    assert_eq!(scene.run(Disconnect::Forbidden).0, [WAIT]);
    let missing = format!("{:?}", Goal::Link(Vec::new()).judge(&scene.facts()));
    assert!(missing.contains("does not subscribe to meshery.meshsync.core yet"), "{missing}");
}

#[test]
fn what_is_not_installed_by_helm_is_not_waited_for() {
    let scene = Scene { deployments: vec![operator("kubectl")], ..Scene::default() };
    let (plans, _) = scene.run(Disconnect::Allowed);
    assert_eq!(plans[1], ["disconnect", "wait", "connect", "wait"]);
    let tried = Tried { stage: Stage::Waited, ..Tried::default() };
    let (plan, _) = scene.plan(Disconnect::Allowed, &tried).expect("a plan");
    assert!(plan.warnings.iter().any(|warning| warning.contains("meshery-operator stays")), "{:?}", plan.warnings);
}

#[test]
fn unusable_servers_are_refused() {
    let refusal = |scene: &Scene| scene.run(Disconnect::Allowed).1.map(|refusal| refusal.why).unwrap_or_default();
    let registered = Scene { status: "registered", ..Scene::default() };
    assert!(refusal(&registered).contains("is registered, not connected"));
    let without = Scene { generation: Seen::Absent, ..Scene::default() };
    assert!(refusal(&without).contains("no request that is known"));
    let mut facts = Scene::default().facts();
    facts.broker.looked = false;
    let request = Request { disconnect: Disconnect::Allowed, whole: false, patience: Duration::from_secs(1) };
    let unseen = plan(&facts, &request, &Tried::default()).expect_err("a refusal");
    assert!(unseen.undetermined && unseen.why.contains("cannot be seen"), "{unseen:?}");
    facts.server.as_mut().expect("a server").connections = Seen::Known(Connections::default());
    let missing = plan(&facts, &request, &Tried::default()).expect_err("a refusal");
    assert!(missing.why.contains("no connection to this cluster"), "{missing:?}");
}

#[test]
fn server_that_starts_is_waited_for() {
    let mut starting = server_deployment(None);
    starting["status"]["updatedReplicas"] = 0.into();
    starting["status"]["readyReplicas"] = 0.into();
    let mut facts = Scene { deployments: vec![starting], ..Scene::default() }.facts();
    facts.server = None;
    let request = Request { disconnect: Disconnect::Forbidden, whole: false, patience: Duration::from_secs(1) };
    let (waits, tried) = plan(&facts, &request, &Tried::default()).expect("a plan");
    assert!(waits.continues && waits.only_waits(), "{waits:?}");
    assert!(plan(&facts, &request, &tried).is_err());
}

#[test]
fn services_addresses_name_the_server_in_the_cluster() {
    let service = json!({
        "metadata": { "name": "meshery" },
        "spec": { "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"] },
        "status": { "loadBalancer": { "ingress": [{ "ip": "192.0.2.7" }] } },
    });
    let mut facts = Facts::default();
    facts.target.namespace = "meshery".into();
    facts.services = Seen::Known(vec![serde_json::from_value(service).expect("a Service")]);
    for (address, named) in [
        ("http://10.96.0.7:9081", true),
        ("https://192.0.2.7", true),
        ("http://meshery.meshery.svc:9081", true),
        ("http://meshery.meshery.svc.cluster.local:9081", true),
        ("http://meshery.meshery.example:9081", false),
        ("http://localhost:9081", false),
        ("http://[::1]:9081", false),
        ("pod/meshery-0:8080", false),
    ] {
        assert_eq!(names_service(&facts, address), named, "{address}");
    }
}
