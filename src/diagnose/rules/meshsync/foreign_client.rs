use crate::diagnose::rules::{
    broker::shared::{self, shared},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-foreign-client",
    title: "A client named meshsync is not this cluster's MeshSync",
    explanation: include_str!("foreign_client.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-clients",
    title: "every client named meshsync is this cluster's MeshSync",
    ..Check::of(&[&DIAGNOSIS, &shared::DIAGNOSIS], judge)
};

/// The maximum number of foreign clients in the evidence.
const LISTED: usize = 10;

fn judge(context: &RuleContext<'_>) -> Judgement {
    asked_servers(context)?;
    let foreign = &context.clients.foreign;
    if foreign.is_empty() {
        return Outcome::pass();
    }
    let draft = match shared(context) {
        Some(how) => shared::draft(foreign.len(), how),
        None => DIAGNOSIS
            .finding()
            .title(match foreign.len() {
                1 => "A client named meshsync is not this cluster's MeshSync".to_owned(),
                n => format!("{n} clients named meshsync are not this cluster's MeshSync"),
            })
            .message(
                "Another cluster publishes to this broker, or an unknown MeshSync runs in this cluster. meshdoctor \
                 ignores these clients when it determines the state.",
            ),
    };
    draft
        .evidences(foreign.iter().take(LISTED).map(|((server, client), why)| {
            let name = context.pod_of(server).unwrap_or("a broker server");
            let since = client.start.map(|start| format!(" since {start:.0}")).unwrap_or_default();
            format!("{name}: client {} from {}{since}: {why}", client.name, client.ip)
        }))
        .evidences((foreign.len() > LISTED).then(|| format!("and {} more", foreign.len() - LISTED)))
        .remedy(
            "find out what connects from these addresses; no action needed if several clusters share this broker on \
             purpose",
        )
        .found()
}
