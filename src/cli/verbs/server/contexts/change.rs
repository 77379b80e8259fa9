//! `server contexts rediscover|upload|delete`: look, plan, show, ask, change, and wait for the end.

use crate::{
    cli::{
        args::{Change, ContextsDelete, ContextsRediscover, ContextsUpload, Global},
        exit::Exit,
        terminal::Terminal,
        verbs::change::{After, Consent, Run},
    },
    cluster::kubeconfig::portable,
    observe::{self, Depth},
    repair::server::{ServerView, contexts},
    stack::profile,
};

fn run<'a>(change: &'a Change, global: &'a Global, terminal: &'a Terminal) -> Run<'a> {
    let profile = crate::cli::verbs::profile(global).unwrap_or(&profile::MESHERY);
    Run::new(global, terminal, change, profile).in_server(false)
}

pub(super) async fn rediscover(
    args: &ContextsRediscover,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let run = run(&args.change, global, terminal);
    run.apply(&Consent::default(), After::Fixed, async |session| {
        let facts = observe::look_with_server(session, Depth::Check).await;
        contexts::rediscover(&ServerView::of(&facts)?)
    })
    .await
}

pub(super) async fn upload(args: &ContextsUpload, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let (file, only) = (args.file.clone(), args.only.clone());
    // A file that is wrong is noticed before anything is asked.
    let kubeconfig = crate::cli::verbs::read_within(global, &args.file, move || portable::read(&file, &only)).await?;
    let run = run(&args.change, global, terminal);
    run.apply(&Consent::default(), After::Fixed, async |session| {
        let facts = observe::look_with_server(session, Depth::Check).await;
        contexts::upload(&ServerView::of(&facts)?, &args.file, &kubeconfig)
    })
    .await
}

pub(super) async fn delete(args: &ContextsDelete, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let run = run(&args.change, global, terminal);
    run.apply(&Consent::default(), After::Fixed, async |session| {
        let mut facts = observe::look_with_server(session, Depth::Check).await;
        let asked = contexts::asked_for_deletion(&facts, &args.wanted);
        observe::server::more(session, &mut facts, &asked).await;
        contexts::delete(&ServerView::of(&facts)?, &args.wanted)
    })
    .await
}
