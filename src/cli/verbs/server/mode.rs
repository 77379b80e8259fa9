//! `server mode`: look, plan, show, ask, switch, and wait until the mode is in effect.

use super::super::change::{After, Consent, Run};
use crate::{
    cli::{
        args::{Global, Mode, ServerMode},
        exit::Exit,
        terminal::Terminal,
    },
    observe::{self, Depth},
    repair::server::{ServerView, mode},
    stack::profile,
};

pub(super) async fn run(args: &ServerMode, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::super::profile(global).unwrap_or(&profile::MESHERY);
    let run = Run::new(global, terminal, &args.change, profile).in_server(false);
    let embedded = args.mode == Mode::Embedded;
    run.apply(&Consent::default(), After::Fixed, async |session| {
        let facts = Box::pin(observe::look_with_server(session, Depth::Check)).await;
        mode::plan(&ServerView::of(&facts)?, embedded)
    })
    .await
}
