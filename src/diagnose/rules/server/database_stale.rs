use super::{database_corrupt, database_empty::stored};
use crate::diagnose::{
    rules::server_commands::{ask, change},
    stored_data::DataComparison,
};
use crate::{diagnose::rules::prelude::*, stack::base::words::list};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "database-stale",
    title: "The data of {product} Server differs from the cluster",
    explanation: include_str!("database_stale.md"),
    cure: Cure::Automatic,
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "database-current",
    title: "the server's data has as many objects as the cluster",
    after: &[&database_corrupt::CHECK],
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let data = server.data.known_or_skip("the server does not tell what it stored")?;
    if stored(data) == Some(0) {
        return Outcome::skip("the server stored nothing of this cluster");
    }
    let DataComparison { compared, missing, ghosts, .. } = DataComparison::of(context);
    if compared == 0 {
        return Outcome::skip("no kind was counted both in the server and in the cluster");
    }
    if missing.is_empty() && ghosts.is_empty() {
        return Outcome::pass_with(format!("{compared} kinds compared"));
    }
    if context.server_may_be_syncing() {
        return Outcome::skip("the server may still be receiving its first data");
    }
    let what: Vec<&str> = [(!missing.is_empty(), "lacks objects"), (!ghosts.is_empty(), "keeps objects that are gone")]
        .into_iter()
        .filter_map(|(is, words)| is.then_some(words))
        .collect();
    let embedded = context.server_is_embedded() == Some(true);
    let draft = DIAGNOSIS
        .finding()
        .title(format!("The data of {{product}} Server {}", list(&what)))
        .message(match (missing.is_empty(), ghosts.is_empty()) {
            (false, true) => {
                "Objects were created while something between the cluster and the server was down, or \
                              MeshSync may not read them."
            }
            (true, false) => {
                "Objects were deleted while something between the cluster and the server was down. No \
                              restart removes them from the server."
            }
            _ => {
                "Something between the cluster and the server was down while objects were created and deleted. Each \
                  change is delivered at most once."
            }
        })
        .evidences(missing.iter().chain(&ghosts));
    let restart = (!embedded && context.meshsync.known().is_some()).then(|| context.restart(Component::Meshsync));
    let draft = if ghosts.is_empty() && restart.is_some() {
        let flush = change(context, ServerChange::FlushData);
        draft
            .remedy(
                "restart MeshSync, which publishes every object again; or flush the data, which requests every object",
            )
            .fixes(restart)
            .command(flush)
    } else {
        draft
            .remedy("flush the data, which also requests every object again")
            .fix(change(context, ServerChange::FlushData))
    };
    draft.command(ask(context, "server status")).found()
}
