use crate::diagnose::rules::server_commands::ask;
use crate::{
    diagnose::{rules::prelude::*, server_view::Comparison},
    facts::server::{Controlled, ControllerView},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-view-differs",
    title: "{product} Server shows another state than the cluster has",
    explanation: include_str!("view_differs.md"),
    cure: Cure::Person(because::CLIENT),
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-view",
    title: "the server shows the states that the cluster has",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    context.server_connection()?;
    if context.server_is_embedded() == Some(true) {
        return Outcome::skip("the server runs MeshSync itself and shows no states");
    }
    server.generation.known_or_skip("the server shows no states")?;
    let controllers = server.controllers.known_or_skip("the server shows no states")?;
    if context.server_is_active() == Some(false) {
        return Outcome::skip(
            "the server does not work with its connection yet: after a restart it starts when somebody uses it",
        );
    }
    let compared = controllers.iter().map(|view| (view, context.compared(view, context.states())));
    let (mut differ, mut expected) = (Vec::new(), Vec::new());
    for (view, comparison) in compared {
        match comparison {
            Comparison::Same => {}
            Comparison::Expected(why) => expected.push(format!("{}, as expected: {why}", line(context, view))),
            Comparison::Differs => differ.push(line(context, view)),
        }
    }
    if differ.is_empty() {
        return match expected.into_iter().next() {
            Some(known) => Outcome::pass_with(known),
            None => Outcome::pass(),
        };
    }
    let apart = context.clients.server.is_empty();
    DIAGNOSIS
        .finding()
        .message(if apart {
            "The cluster itself proves another state at that moment. The server reads the states on its own way and \
             may look at an address that it does not reach."
        } else {
            "The cluster itself proves another state at that moment. Trust the cluster's state."
        })
        .evidences(differ)
        .evidences(expected)
        .remedy("repeat in a minute; if it stays, find out what the server reaches")
        .command(ask(context, "test server"))
        .command(ask(context, "server status"))
        .found()
}

/// Both states of a controller.
fn line(context: &RuleContext<'_>, view: &ControllerView) -> String {
    let states = context.states();
    let (name, judgement) = match view.controller {
        Controlled::Operator => ("operator", &states.operator),
        Controlled::Broker => ("broker", &states.broker),
        Controlled::Meshsync => ("MeshSync", &states.meshsync),
    };
    format!("{name}: the server shows {}, and it is {}", view.state(), judgement.report.state)
}
