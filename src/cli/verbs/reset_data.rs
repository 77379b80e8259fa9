//! `system reset data`: empties what Meshery Server stores of this cluster, so that it is received again.

use std::cell::Cell;

use super::{
    change::{After, Consent, Run},
    server,
};
use crate::{
    cli::{
        args::{Global, Reset},
        exit::Exit,
        terminal::Terminal,
    },
    cluster::session::Session,
    facts::{Facts, stack},
    observe,
    repair::{
        plan::{Refusal, Step},
        server::{
            ServerView,
            data::{self, Stage},
        },
    },
    report::{Action, WorkloadRef},
    stack::profile,
};

pub(super) async fn run(args: &Reset, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    // Every watched kind is counted.
    let run = Run::new(global, terminal, &args.change, profile).in_server(true);
    let stage = Cell::new(Stage::First);
    run.apply(&Consent::default(), After::Fixed, async |session| {
        let facts = observe::look_at_server_state(session).await;
        let view = ServerView::of(&facts)?;
        let restart = restart(session, &facts).await?;
        let plan = data::plan(&view, stage.replace(Stage::Restart), restart, args.change.wait)?;
        server::permitted(session, &plan).await?;
        Ok(plan)
    })
    .await
}

/// The restart of `MeshSync`. Empty if there is none in the cluster.
async fn restart(session: &Session<'_>, facts: &Facts) -> Result<Vec<Step>, Refusal> {
    let Some(deployment) = stack::meshsync_deployment(facts).known().copied() else { return Ok(Vec::new()) };
    let workload = WorkloadRef::deployment(stack::name(&deployment.metadata));
    session.steps_of(&Action::Restart(workload)).await
}
