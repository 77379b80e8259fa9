use super::severity;
use crate::diagnose::rules::server_commands::{ask, command_line};
use crate::{
    diagnose::rules::prelude::*,
    facts::server::{ServerFacts, ServerSession},
    stack::base::words::age,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-not-logged-in",
    title: "{product} Server does not accept the session",
    explanation: include_str!("not_logged_in.md"),
    cure: Cure::Person("only you can log in"),
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check =
    Check { id: "server-session", title: "the server accepts the session", ..Check::of_server(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_facts()?;
    if server.unreachable.is_some() {
        return Outcome::skip("the server is unreachable");
    }
    let why = match &server.session {
        ServerSession::LoggedIn | ServerSession::Local => {
            let provider = server.provider.as_deref().map(|provider| format!("provider {provider}"));
            return Ok(Outcome::Pass(provider));
        }
        ServerSession::NotAsked => return Outcome::unknown("the server was not asked for a session"),
        ServerSession::Unknown(why) => return Outcome::unknown(why.clone()),
        ServerSession::NoToken => "it wants a login, and no token was sent".to_owned(),
        ServerSession::Expired => "it did not accept the token, which has expired".to_owned(),
        ServerSession::Rejected(to) if to.is_empty() => "it did not accept the session".to_owned(),
        ServerSession::Rejected(to) => format!("it did not accept the session, and redirects to {to}"),
        ServerSession::ProviderDown => "it cannot reach the provider".to_owned(),
    };
    let message = match &server.session {
        ServerSession::ProviderDown => {
            "The server answers, but it cannot reach the provider that knows its users, so nobody has a session."
        }
        ServerSession::Rejected(_) => {
            "The session was not accepted, or the server cannot reach the provider: the server answers both in the \
             same way. Its connections, its view of the cluster and its data cannot be read."
        }
        _ => {
            "Its connections, its view of the cluster and its data can be read only after a login. The cluster's \
             states are not affected."
        }
    };
    let lacks_login = server.session != ServerSession::ProviderDown && server.token_withheld.is_none();
    let login = format!("{} system login", command_line(context));
    DIAGNOSIS
        .finding()
        .severity(severity(context))
        .title(match server.session {
            ServerSession::ProviderDown => "{product} Server cannot reach its provider",
            ServerSession::NoToken => "{product} Server requires a login",
            ServerSession::Expired => "The session at {product} Server has expired",
            _ => "{product} Server does not accept the session",
        })
        .message(message)
        .evidence(format!("{}: {why}", server.address))
        .evidences(token(context, server))
        .evidences(server.token_withheld.as_ref().map(|why| format!("a token was not sent: {why}")))
        .remedy(match (&server.session, &server.token_withheld) {
            (ServerSession::ProviderDown, _) => "check that the server reaches its provider, then repeat",
            (_, Some(_)) => "name the context whose token this server may get, with --meshery-context",
            _ => "log in, then repeat; meshdoctor reads the token that the login writes",
        })
        // It changes only the files of that command.
        .commands(lacks_login.then(|| other(Effect::Read, login)))
        .command(ask(context, "server status"))
        .found()
}

/// The token that was sent, and since when it has expired.
fn token(context: &RuleContext<'_>, server: &ServerFacts) -> Option<String> {
    let token = server.token.as_ref()?;
    let expiry = token.expires.map(|expires| {
        let since = context.facts.taken_at.duration_since(expires);
        if since.is_negative() {
            format!(", valid until {expires:.0}")
        } else {
            format!(", expired {} ago", age(since))
        }
    });
    Some(format!("token of {}{}", token.source, expiry.unwrap_or_default()))
}
