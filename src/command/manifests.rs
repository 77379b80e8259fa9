//! `manifests`: what `system redeploy` applies to an empty cluster, for those who apply it by other means.

use serde_json::json;

use crate::{
    cli::{Format, Global, Installation},
    exit::Exit,
    profile, render,
    repair::manifests,
    terminal::Terminal,
};

pub(super) fn run(
    args: &Installation,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let namespace = global.namespace.as_deref().unwrap_or(profile.namespace);
    let options = super::installation::options(args, profile, terminal)?;
    let bodies: Vec<_> = manifests::manifests(profile, namespace, &options)
        .into_iter()
        .map(|object| object.body)
        .collect();
    let text = match global.output {
        Format::Json => {
            render::json(&json!({ "apiVersion": "v1", "kind": "List", "items": bodies }))
        }
        _ => bodies
            .iter()
            .map(render::yaml)
            .collect::<Vec<_>>()
            .join("---\n"),
    };
    terminal.answer(&text)?;
    Ok(Exit::Ok)
}
