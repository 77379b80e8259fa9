//! `system reset`: look, plan, show, ask, remove.

use std::{collections::BTreeSet, time::Duration};

use super::change::{Consent, Run};
use crate::{
    cli::{
        args::{Global, Removable, Reset},
        exit::Exit,
        terminal::Terminal,
    },
    repair::removal::{self, Request},
    stack::{inventory::Part, profile},
};

/// How often, and after what time, it is looked again at what a changed definition will make readable.
const LOOKS: usize = 40;
const PAUSE: Duration = Duration::from_millis(250);

pub(crate) async fn run(args: &Reset, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let request = request(args);
    let severe = args.crds || args.delete_namespace || args.clear_finalizers;
    let run = Run::new(global, terminal, &args.change, profile);
    run.keep_copies(args.backup.clone(), args.no_backup);
    let consent = Consent { question: format!("Remove this from namespace {}?", run.namespace()), severe };
    run.carry(&consent, false, async |session| {
        let namespace = session.namespace();
        let definitions = request.parts.contains(&Part::Definitions);
        let mut found = session.belongings(profile, definitions).await;
        // A definition that has just been changed is not in force at once.
        for _ in 0..LOOKS {
            if !found.is_conversion_under_way() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            found = session.belongings(profile, definitions).await;
        }
        let plan = removal::plan(profile, namespace, &request, &found)?;
        let rights = removal::rights(profile, namespace, &request, &found, &plan);
        removal::permit(namespace, &request, &session.lacking(rights).await)?;
        Ok(plan)
    })
    .await
}

fn request(args: &Reset) -> Request {
    Request {
        parts: parts(args.what, args.crds, args.delete_namespace),
        keep_custom_resources: args.keep_crs,
        clear_finalizers: args.clear_finalizers,
    }
}

/// What goes.
pub(crate) fn parts(what: Removable, definitions: bool, namespace: bool) -> BTreeSet<Part> {
    let mut parts: BTreeSet<Part> = match what {
        Removable::Stack => [Part::Meshsync, Part::Broker, Part::Operator].into(),
        Removable::Operator => [Part::Operator].into(),
        Removable::Broker => [Part::Broker].into(),
        Removable::Meshsync => [Part::Meshsync].into(),
    };
    if definitions {
        parts.insert(Part::Definitions);
    }
    if namespace {
        parts.insert(Part::Namespace);
    }
    parts
}
