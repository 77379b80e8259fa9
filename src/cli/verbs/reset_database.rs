//! `system reset database`: drops every table of Meshery Server's database.

use std::time::Duration;

use tokio::time::Instant;

use super::change::{After, Consent, Run};
use crate::{
    cli::{
        args::{Global, Reset},
        exit::Exit,
        terminal::Terminal,
    },
    cluster::session::Session,
    observe,
    repair::server::{
        ServerView, database,
        earlier::{self, Earlier},
    },
    stack::{
        base::{reader, seen::Seen},
        profile,
    },
};

/// How long reading the lists of earlier runs may take, on a file system that may not answer.
const READS_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn run(args: &Reset, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let run = Run::new(global, terminal, &args.change, profile).in_server(false);
    run.keep_copies(args.backup.clone(), args.no_backup);
    let consent = Consent { given: args.confirm.clone(), ..Consent::default() };
    run.apply(&consent, After::Fixed, async |session| {
        let facts = observe::look_at_server_state(session).await;
        let view = ServerView::of(&facts)?;
        let (api, streams, choice) = (&session.api, &session.clients.streams, &session.scope.server);
        let tables = match observe::server::client(api, streams, choice, &facts) {
            Some(client) => client.every_table().await,
            None => Seen::NotLooked,
        };
        let earlier = earlier(args, session, &view).await;
        database::plan(&view, &tables, earlier.as_ref())
    })
    .await
}

/// What a run listed that this one may continue.
async fn earlier(args: &Reset, session: &Session<'_>, view: &ServerView<'_>) -> Option<Earlier> {
    let server = database::identity(view).filter(|_| !args.no_backup)?;
    let (file, namespace) = (args.backup.clone(), session.namespace().to_owned());
    let now = view.facts.taken_at;
    let find = move || earlier::find(file.as_deref(), &namespace, &server, now);
    reader::within(Instant::now() + READS_WITHIN, find).await.flatten()
}
