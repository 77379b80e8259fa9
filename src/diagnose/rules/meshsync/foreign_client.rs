use crate::diagnose::rules::{
    broker::shared::{self, shared},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-foreign-client",
    title: "A client of MeshSync's name is not ours",
    explanation: include_str!("foreign_client.md"),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-clients",
    title: "every client of MeshSync's name is ours",
    ..Check::of(&[&DIAGNOSIS, &shared::DIAGNOSIS], judge)
};

/// How many clients of others are listed as evidence.
const LISTED: usize = 10;

fn judge(context: &RuleContext<'_>) -> Judgement {
    asked_servers(context)?;
    let foreign = &context.clients.foreign;
    if foreign.is_empty() {
        return Outcome::pass();
    }
    let draft = match shared(context) {
        Some(how) => shared::draft(foreign.len(), how),
        None => DIAGNOSIS.finding()
            .title(match foreign.len() {
                1 => "A client named meshsync is not ours".to_owned(),
                n => format!("{n} clients named meshsync are not ours"),
            })
            .message("Another cluster publishes to this broker, or a MeshSync of ours runs that we do not know. Neither counts for our state."),
    };
    draft
        .evidences(foreign.iter().take(LISTED).map(|((server, client), why)| {
            let name = context.pod_of(server).unwrap_or("a broker server");
            let since = client.start.map(|start| format!(" since {start:.0}")).unwrap_or_default();
            format!("{name}: client {} from {}{since}: {why}", client.name, client.ip)
        }))
        .evidences((foreign.len() > LISTED).then(|| format!("and {} more", foreign.len() - LISTED)))
        .remedy("if several clusters are to share this broker, all is well; else find out who connects from there")
        .found()
}
