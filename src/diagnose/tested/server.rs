//! The steps of the test of Meshery Server.

use super::hops::{hop, hop_named, once};
use crate::{
    diagnose::RuleContext,
    facts::{
        Facts, FlowTest, Step, TestStep,
        server::{AdapterTest, MesheryServerTest, ServerRoute},
    },
    report::{Hop, Status, Timing},
    stack::{base::seen::Seen, component::Component},
};

/// The steps, in order.
pub(super) fn of(context: &RuleContext<'_>, test: Option<&MesheryServerTest>) -> Vec<Hop> {
    let facts = context.facts;
    let (Some(server), Some(test)) = (&facts.server, test) else {
        let name = Component::Server.title(facts.profile);
        let why = format!("no {name} was named with --meshery-server, and none was found in the cluster");
        return vec![hop(TestStep::Reach, Status::Unknown, Some(why), None)];
    };
    let mut hops = match server.route {
        ServerRoute::PortForward => vec![once(TestStep::PortForward, &test.port_forward)],
        ServerRoute::Direct => vec![
            once(TestStep::Resolve, &test.resolve),
            once(TestStep::Connect, &test.connect),
            once(TestStep::Tls, &test.tls),
        ],
    };
    hops.extend([
        once(TestStep::Ready, &test.ready),
        requests(test),
        once(TestStep::Version, &test.version),
        once(TestStep::Session, &test.session),
        once(TestStep::Ping, &test.ping),
        once(TestStep::Controllers, &test.controllers),
        once(TestStep::Adapters, &test.adapter_list),
    ]);
    hops.extend(test.adapters.iter().flat_map(adapter));
    hops.push(once(TestStep::Counts, &test.counts));
    hops
}

/// The small request that is repeated.
fn requests(test: &MesheryServerTest) -> Hop {
    let answered = test.requests.len() as u64;
    let (status, detail) = match (answered, test.failed) {
        (0, 0) => (Status::Skip, Some("not tested".to_owned())),
        (_, 0) => (Status::Pass, None),
        (answered, failed) => {
            let status = if answered == 0 { Status::Fail } else { Status::Warn };
            (status, Some(format!("{failed} of {} got no response", answered + failed)))
        }
    };
    hop(TestStep::Request, status, detail, Timing::of(test.requests.iter().copied()))
}

/// The two ways to an adapter.
fn adapter(test: &AdapterTest) -> [Hop; 2] {
    [(TestStep::Adapter, &test.ping), (TestStep::AdapterPort, &test.port)].map(|(step, result)| {
        let of_step = once(step, result);
        let title = format!("{}: {}", test.location, step.title());
        Hop {
            server: Some(test.location.clone()),
            ..hop_named(step.id(), &title, of_step.status, of_step.detail, of_step.timing)
        }
    })
}

/// Whether the server answered and accepted us, and each of its answers that every release gives is known.
pub(super) fn is_determined(facts: &Facts) -> bool {
    let test = facts.test.as_ref().and_then(|test| test.server.as_ref());
    let (Some(server), Some(test)) = (&facts.server, test) else { return false };
    let known = |step: &Step| matches!(step.micros, Seen::Known(_) | Seen::Absent | Seen::NotLooked);
    let steps = [&test.resolve, &test.connect, &test.tls, &test.port_forward, &test.session, &test.counts];
    server.unreachable.is_none() && server.has_session() && steps.into_iter().all(known)
}

/// Whether it is known of every change that reached the broker what the server's data showed.
pub(super) fn is_followed(flow: &FlowTest) -> bool {
    flow.changes.iter().all(|change| matches!(change.stored, Seen::Known(_) | Seen::Absent | Seen::NotLooked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose,
        facts::{
            Subject, Test,
            server::{ServerFacts, ServerSession, Unreachable},
        },
        report::{Report, Source},
        stack::base::failure::{Failure, Kind},
    };

    fn report(server: Option<ServerFacts>, test: MesheryServerTest) -> Report {
        let test = server.is_some().then(|| Box::new(test));
        let test = Test { subject: Subject::Server, server: test, ..Test::default() };
        let facts = Facts { test: Some(test), server: server.map(Box::new), ..Facts::default() };
        diagnose::test(&facts, Source::live())
    }

    fn hops(report: &Report) -> Vec<(&'static str, Status)> {
        report.test.iter().flat_map(|test| &test.hops).map(|hop| (hop.id, hop.status)).collect()
    }

    fn answering() -> MesheryServerTest {
        let done = || Step::done(1000, "");
        MesheryServerTest {
            port_forward: done(),
            session: done(),
            ping: done(),
            counts: done(),
            requests: vec![900, 1100],
            ready: Step::not_tried("this release does not offer it"),
            ..MesheryServerTest::default()
        }
    }

    #[test]
    fn without_a_server_or_a_session_nothing_is_determined() {
        let none = report(None, MesheryServerTest::default());
        assert_eq!(hops(&none), [("reach", Status::Unknown)]);
        assert!(!none.determined);
        let local =
            ServerFacts { route: ServerRoute::PortForward, session: ServerSession::Local, ..ServerFacts::default() };
        assert!(report(Some(local.clone()), answering()).determined);
        let outside = ServerFacts { session: ServerSession::NoToken, ..local.clone() };
        assert!(!report(Some(outside), answering()).determined);
        let gone = ServerFacts { unreachable: Some(Unreachable::default()), ..local };
        assert!(!report(Some(gone), answering()).determined);
    }

    #[test]
    fn steps_follow_the_route_and_only_a_refusal_closes_an_adapters_port() {
        let failed = |kind| Step { micros: Seen::Unreachable(Failure::new(kind, "so")), detail: String::new() };
        let adapter = |port| AdapterTest { location: "meshery-istio:10000".into(), ping: Step::default(), port };
        let test = MesheryServerTest {
            adapters: vec![adapter(failed(Kind::ConnectionRefused)), adapter(failed(Kind::TimedOut))],
            ..answering()
        };
        let server =
            ServerFacts { route: ServerRoute::PortForward, session: ServerSession::Local, ..ServerFacts::default() };
        let report = report(Some(server), test);
        let hops = hops(&report);
        assert_eq!(hops[..3], [("port-forward", Status::Pass), ("ready", Status::Skip), ("request", Status::Pass)]);
        let ports: Vec<Status> =
            hops.iter().filter(|(id, _)| *id == "adapter-port").map(|(_, status)| *status).collect();
        assert_eq!(ports, [Status::Fail, Status::Unknown]);
    }
}
