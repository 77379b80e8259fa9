use crate::diagnose::rules::prelude::*;
use crate::diagnose::rules::server_commands::ask;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-outdated",
    title: "{product} Server is outdated",
    explanation: include_str!("outdated.md"),
    cure: Cure::Person(because::RELEASE),
    ..Diagnosis::info(Component::Server)
};

pub(crate) static CHECK: Check =
    Check { id: "server-current", title: "the server is up to date", ..Check::of_server(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_facts()?;
    if server.unreachable.is_some() {
        return Outcome::skip("the server is unreachable");
    }
    let release = server.version.known_or_skip("the server does not tell its version")?;
    match release.outdated {
        None => Outcome::skip(format!("{}: the server does not know the newest version", release.build)),
        Some(false) => Outcome::pass_with(release.build.clone()),
        Some(true) => DIAGNOSIS
            .finding()
            .message(
                "A newer release exists. Many faults of the server and its view of the cluster depend on the release.",
            )
            .evidence(match &release.latest {
                Some(latest) => format!("/api/system/version: {}, newest {latest}", release.build),
                None => format!("/api/system/version: {} is outdated", release.build),
            })
            .remedy("upgrade it when it suits you; nothing is broken by that alone")
            .command(ask(context, "server status"))
            .found(),
    }
}
