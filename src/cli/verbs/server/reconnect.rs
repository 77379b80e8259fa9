//! `server reconnect`: look, plan the mildest means, show, ask, apply, and plan the next one if it did not help.

use std::cell::RefCell;

use super::super::change::{After, Consent, Run};
use crate::{
    cli::{
        args::{Global, ServerReconnect},
        exit::Exit,
        terminal::Terminal,
    },
    observe::{self, Depth},
    repair::server::reconnect::{self, Disconnect, Request, Tried},
    stack::profile,
};

pub(super) async fn run(args: &ServerReconnect, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::super::profile(global).unwrap_or(&profile::MESHERY);
    let run = Run::new(global, terminal, &args.change, profile).in_server(false);
    let disconnect = if args.disconnect {
        Disconnect::Allowed
    } else if terminal.interactive && !args.change.yes {
        Disconnect::Asked
    } else {
        Disconnect::Forbidden
    };
    let request = Request { disconnect, whole: args.change.dry_run, patience: args.change.wait };
    let tried = RefCell::new(Tried::default());
    run.apply(&Consent::default(), After::Fixed, async |session| {
        let facts = Box::pin(observe::look_with_server(session, Depth::Check)).await;
        let (plan, next) = reconnect::plan(&facts, &request, &tried.borrow())?;
        super::permitted(session, &plan).await?;
        *tried.borrow_mut() = next;
        Ok(plan)
    })
    .await
}
