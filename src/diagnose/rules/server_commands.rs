//! Commands about the server, with the flags that name it.

use crate::{
    diagnose::rules::prelude::*,
    facts::server::{NamedBy, ServerFacts},
    report::ServerChange,
    stack::base::words::quoted,
};

/// A command of this program that asks the same server: `server status`. The flags of this run name it already. Those of
/// a recording do not.
pub(in crate::diagnose::rules) fn ask(context: &RuleContext<'_>, words: &str) -> Command {
    context.meshdoctor(Effect::Read, &format!("{words}{}", own_flags(context)))
}

/// A command of this program that changes something in the same server.
pub(in crate::diagnose::rules) fn change(context: &RuleContext<'_>, change: ServerChange) -> Command {
    context.own(Action::Server(change, own_flags(context)))
}

fn own_flags(context: &RuleContext<'_>) -> String {
    let server = context.facts.server.as_deref().filter(|_| !context.facts.target.invocation.names_server());
    server.map(flags).unwrap_or_default()
}

/// The flags that name the server. The environment names it again by itself.
fn flags(server: &ServerFacts) -> String {
    let address = match server.named_by {
        NamedBy::Flag => format!(" --meshery-server {}", quoted(&server.address)),
        NamedBy::Context | NamedBy::Environment | NamedBy::Service => String::new(),
    };
    let context = server.context.as_ref().map(|context| format!(" --meshery-context {}", quoted(context)));
    format!("{address}{}", context.unwrap_or_default())
}

/// The command line of the product: `mesheryctl`.
pub(in crate::diagnose::rules) fn command_line(context: &RuleContext<'_>) -> String {
    format!("{}ctl", context.facts.profile.name)
}

/// Uploads a kubeconfig that the user must name.
pub(in crate::diagnose::rules) fn upload(context: &RuleContext<'_>) -> Command {
    change(context, ServerChange::Upload)
}

/// Restarts the server, if it runs in this namespace.
pub(in crate::diagnose::rules) fn restart_server(context: &RuleContext<'_>) -> Option<Command> {
    context.server.known().map(|_| context.restart(Component::Server))
}
