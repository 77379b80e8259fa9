//! `manifests`: the objects that `system redeploy` applies to an empty cluster, to apply them with other tools.

use crate::{
    cli::{
        args::{Global, Installation},
        exit::Exit,
        terminal::Terminal,
    },
    stack::{manifests, profile},
};

pub(crate) async fn run(args: &Installation, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let namespace = global.namespace(profile);
    let options = super::installation::options(args, profile, global, terminal).await?;
    let bodies: Vec<_> =
        manifests::manifests(profile, namespace, &options).into_iter().map(|object| object.body).collect();
    terminal.answer(&super::stream(&bodies, global.output))?;
    Ok(Exit::Ok)
}
