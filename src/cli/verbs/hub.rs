//! What the profile of Service Mesh Hub does not support.

use crate::{
    cli::args::{Check, Cli, Command, Rbac, Record, System, Test},
    stack::{base::usage::UsageError, profile::Profile},
};

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
