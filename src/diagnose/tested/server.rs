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
