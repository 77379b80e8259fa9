//! `system reset database`: drops every table of Meshery Server's database.

use super::change::{After, Consent, Run};
use crate::{
    cli::{
        args::{Global, Reset},
        exit::Exit,
        terminal::Terminal,
    },
    observe,
    repair::server::{ServerView, database},
    stack::{base::seen::Seen, profile},
};

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
        database::plan(&view, &tables)
    })
    .await
}
