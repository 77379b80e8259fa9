use crate::{
    diagnose::rules::{
        meshsync::flow::{progress, said, span, tested, untried},
        prelude::*,
    },
    facts::Change,
    stack::watch_list::EVENTS,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-not-storing",
    title: "{product} Server does not store what the broker delivers",
    explanation: include_str!("not_storing.md"),
    cure: Cure::Person(because::CLIENT),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-stores",
    title: "the server's data follows the changes",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    if let Some(why) = untried(flow) {
        return Outcome::skip(why);
    }
    let followed: Vec<&Change> = flow.changes.iter().filter(|change| !change.stored.is_not_looked()).collect();
    let Some(missing) = followed.iter().find(|change| change.stored.is_absent()) else {
        if let Some(why) = followed.iter().find_map(|change| change.stored.why_unsettled()) {
            return Outcome::unknown(format!("the server's data could not be read: {why}"));
        }
        let Some(slowest) = followed.iter().filter_map(|change| change.stored.known()).max() else {
            return Outcome::skip("no event of the test arrived");
        };
        return Outcome::pass_with(format!("at most {} after a change", span(*slowest)));
    };
    let name = Component::Server.title(context.facts.profile);
    let created = missing.event == EVENTS[0];
    let wait = said(flow.wait);
    let arrived =
        missing.received.map(|micros| format!("the broker delivered {} after {}", missing.event, span(micros)));
    DIAGNOSIS
        .finding()
        .title(if created {
            format!("{name} does not store an object whose event the broker delivered")
        } else {
            format!("{name} keeps an object whose deletion the broker delivered")
        })
        .message(if created {
            "MeshSync and the broker work; the event is lost in {product} Server, which does not show new objects and \
             changes."
        } else {
            "MeshSync and the broker work; the event is lost in {product} Server, which still shows deleted objects."
        })
        .evidences(progress(flow))
        .evidences(arrived)
        .evidence(if created {
            format!("the server's data did not show the object within {wait}")
        } else {
            format!("the server's data still showed the object after {wait}")
        })
        .evidences(subscriber(context))
        .remedy("read the server's log for errors of its database, then restart the server, which connects to the broker again")
        .command(context.meshdoctor(Effect::Read, "test server"))
        .commands(context.server.known().is_some().then(|| context.logs(Component::Server, None)))
        .found()
}

/// The server's client at the broker.
fn subscriber(context: &RuleContext<'_>) -> Option<String> {
    if context.clients.server.is_empty() {
        return None;
    }
    let names: Vec<&str> = context.clients.server.iter().map(|(_, client)| client.name.as_str()).collect();
    Some(format!("connected to the broker: {}", names.join(", ")))
}
