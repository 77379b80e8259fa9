//! What is special for Service Mesh Hub: its registered clusters, and what its profile does not support.

use crate::{
    cli::args::{Check, Cli, Command, Rbac, Record, System, Test},
    cluster::{kubeconfig::Access, session::Session},
    facts::Facts,
    observe::{
        Depth,
        remotes::{Remote, look_at_remotes},
        stacks,
    },
    stack::{
        base::usage::UsageError,
        profile::{Profile, SERVICE_MESH_HUB},
    },
};

/// Observes every stack of the management cluster, and the registered clusters with these contexts.
///
/// # Errors
///
/// A [`UsageError`] if the kubeconfig lacks a context, or if Service Mesh Hub is not installed.
pub(super) async fn look(
    session: &Session<'_>,
    depth: Depth,
    access: &Access,
    contexts: &[String],
) -> Result<Vec<Facts>, UsageError> {
    let scope = session.scope.of(&SERVICE_MESH_HUB);
    let mut remotes = Vec::new();
    for name in contexts {
        if !remotes.iter().any(|remote: &Remote<'_>| remote.context == *name) {
            // One after the other, because a credential plugin may ask questions.
            let opened = Session::open(&access.to_context(name), &scope).await?;
            remotes.push(Remote { context: name.clone(), opened });
        }
    }
    let mut facts = stacks::look_at_all(session, depth).await;
    if facts.iter().any(|facts| facts.obstacle.is_some()) {
        return Ok(facts);
    }
    let Some(hub) = facts.iter_mut().find(|facts| facts.profile.is_hub()) else {
        return Err(UsageError::new("--remote-context has no meaning without Gloo Mesh, which is not in this cluster")
            .instead(
                "use the context of the management cluster, and those of registered clusters as --remote-context",
            ));
    };
    look_at_remotes(session, hub, remotes, depth).await;
    Ok(facts)
}

/// Refuses a command that has no meaning for Service Mesh Hub, before anything is looked at.
///
/// # Errors
///
/// A [`UsageError`] that names the command.
pub(super) fn refuse_unsupported(cli: &Cli) -> Result<(), UsageError> {
    let Some(profile) = super::profile(&cli.global).filter(|profile| profile.is_hub()) else {
        return Ok(());
    };
    match unsupported(&cli.command) {
        Some(what) => Err(refusal(what, profile)),
        None => Ok(()),
    }
}

fn refusal(what: &str, profile: &Profile) -> UsageError {
    UsageError::new(format!("{what} is not supported for {}, which meshdoctor does not install", profile.product))
        .instead("use `system check`, `system status`, `record`, `explain` or `rbac check` with this profile")
}

fn unsupported(command: &Command) -> Option<&'static str> {
    match command {
        Command::Check(args) | Command::System(System::Check(args)) => of_check(args),
        Command::System(System::Redeploy(_)) => Some("system redeploy"),
        Command::System(System::Reset(_)) => Some("system reset"),
        Command::Test(Test::Kubernetes(_)) | Command::Rbac(Rbac::Check(_) | Rbac::Status(_)) => None,
        Command::Test(_) => Some("test"),
        Command::Server(_) => Some("server"),
        Command::Record(args) => of_record(args),
        Command::WatchList(_) => Some("watch-list"),
        Command::Manifests(_) => Some("manifests"),
        Command::Rbac(_) => Some("this role"),
        _ => None,
    }
}

fn of_check(args: &Check) -> Option<&'static str> {
    if args.preflight {
        Some("system check --preflight")
    } else if args.synthetic {
        Some("system check --synthetic")
    } else {
        None
    }
}

fn of_record(args: &Record) -> Option<&'static str> {
    (args.preflight || args.synthetic).then_some("this recording")
}
