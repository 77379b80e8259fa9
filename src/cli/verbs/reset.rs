//! `system reset`: look, plan, show, ask, remove.

use std::{collections::BTreeSet, time::Duration};

use super::change::{After, Consent, Run};
use crate::{
    cli::{
        args::{Global, Removable, Reset},
        exit::Exit,
        terminal::Terminal,
    },
    repair::removal::{self, Request},
    stack::{base::usage::UsageError, inventory::Part, profile},
};

/// How often, and at what interval, custom resources are read again after their CRD has changed.
const LOOKS: usize = 40;
const PAUSE: Duration = Duration::from_millis(250);

pub(crate) async fn run(args: &Reset, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    fits(args, super::profile(global).unwrap_or(&profile::MESHERY).product)?;
    match args.what {
        Removable::Data => return super::reset_data::run(args, global, terminal).await,
        Removable::Database => return super::reset_database::run(args, global, terminal).await,
        _ => {}
    }
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let request = request(args);
    let severe = args.crds || args.delete_namespace || args.clear_finalizers;
    let run = Run::new(global, terminal, &args.change, profile);
    run.keep_copies(args.backup.clone(), args.no_backup);
    let consent = Consent { restored_from: None, severe, given: None };
    run.apply(&consent, After::Removed, async |session| {
        let namespace = session.namespace();
        let crds = request.parts.contains(&Part::Definitions);
        let mut found = session.existing(profile, crds, args.take_over).await;
        // A changed CRD takes effect after a moment.
        for _ in 0..LOOKS {
            if !found.is_conversion_under_way() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            found = session.existing(profile, crds, args.take_over).await;
        }
        let plan = removal::plan(profile, namespace, &request, &found)?;
        let permissions = removal::permissions(profile, namespace, &request, &found, &plan);
        removal::permit(&request, &session.lacking(permissions).await)?;
        Ok(plan)
    })
    .await
}

/// Whether the flags concern what is reset.
fn fits(args: &Reset, product: &str) -> Result<(), UsageError> {
    let of_cluster = [
        ("--crds", args.crds),
        ("--keep-crs", args.keep_crs),
        ("--clear-finalizers", args.clear_finalizers),
        ("--take-over", args.take_over),
        ("--delete-namespace", args.delete_namespace),
    ];
    let of_backup = [("--backup", args.backup.is_some()), ("--no-backup", args.no_backup)];
    let confirm = ("--confirm", args.confirm.is_some());
    let (what, wrong) = match args.what {
        Removable::Data => ("data", of_cluster.into_iter().chain(of_backup).chain([confirm]).collect::<Vec<_>>()),
        Removable::Database => ("database", of_cluster.to_vec()),
        _ => ("what is in the cluster", vec![confirm]),
    };
    match wrong.iter().find(|(_, given)| *given) {
        Some((flag, _)) => {
            let of = match args.what {
                Removable::Data | Removable::Database => format!("the reset of {product} Server's "),
                _ => "the removal of ".into(),
            };
            Err(UsageError::new(format!("{flag} does not concern {of}{what}")))
        }
        None => Ok(()),
    }
}

fn request(args: &Reset) -> Request {
    Request {
        parts: parts(args.what, args.crds, args.delete_namespace),
        keep_custom_resources: args.keep_crs,
        clear_finalizers: args.clear_finalizers,
        take_over: args.take_over,
    }
}

/// The parts to remove.
pub(crate) fn parts(what: Removable, crds: bool, namespace: bool) -> BTreeSet<Part> {
    let mut parts: BTreeSet<Part> = match what {
        Removable::Stack => [Part::Meshsync, Part::Broker, Part::Operator].into(),
        Removable::Operator => [Part::Operator].into(),
        Removable::Broker => [Part::Broker].into(),
        Removable::Meshsync => [Part::Meshsync].into(),
        Removable::Data | Removable::Database => BTreeSet::new(),
    };
    if crds {
        parts.insert(Part::Definitions);
    }
    if namespace {
        parts.insert(Part::Namespace);
    }
    parts
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command, System};

    #[test]
    fn flags_that_do_not_concern_what_is_reset_are_refused() {
        let said = |arguments: &str| {
            let words = format!("meshdoctor system reset {arguments}");
            let cli = Cli::try_parse_from(words.split(' ')).expect("arguments");
            let Command::System(System::Reset(args)) = cli.command else { panic!("{arguments}") };
            fits(&args, "Meshery").err().map(|error| error.to_string())
        };
        for good in ["stack --crds --backup F", "data", "database --confirm a --backup F", "database --no-backup"] {
            assert_eq!(said(good), None, "{good}");
        }
        for flag in ["--crds", "--keep-crs", "--clear-finalizers", "--take-over", "--delete-namespace"] {
            for (what, of) in [("data", "data"), ("database", "database")] {
                let expected = format!("{flag} does not concern the reset of Meshery Server's {of}");
                assert_eq!(said(&format!("{what} {flag}")).as_deref(), Some(expected.as_str()));
            }
        }
        for flag in ["--backup F", "--no-backup", "--confirm a"] {
            assert!(said(&format!("data {flag}")).is_some(), "{flag}");
        }
        let expected = "--confirm does not concern the removal of what is in the cluster";
        assert_eq!(said("stack --confirm a").as_deref(), Some(expected));
    }
}
