//! `manifests`: the objects that `system redeploy` applies to an empty cluster, to apply them with other tools; or those
//! of meshdoctor's own Job or `CronJob`.

use serde_json::Value;

use super::rbac;
use crate::{
    cli::{
        args::{Global, Manifests},
        exit::Exit,
        terminal::Terminal,
    },
    stack::{
        base::usage::UsageError,
        manifests::{
            self,
            monitor::{self, Monitor},
        },
        profile::{self, Profile},
    },
};

/// How often a `CronJob` runs by default.
const SCHEDULE: &str = "*/15 * * * *";

pub(crate) async fn run(args: &Manifests, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let namespace = global.namespace(profile);
    let bodies = if args.job || args.cronjob {
        own(args, profile, namespace)?
    } else {
        let options = super::installation::options(&args.installation, profile, global, terminal).await?;
        manifests::manifests(profile, namespace, &options).into_iter().map(|object| object.body).collect()
    };
    terminal.answer(&super::stream(&bodies, global.output))?;
    Ok(Exit::Ok)
}

/// The objects with which meshdoctor runs in the cluster.
fn own(args: &Manifests, profile: &Profile, namespace: &str) -> Result<Vec<Value>, UsageError> {
    let monitor = Monitor {
        image: super::image(args.image.as_deref())?.to_owned(),
        schedule: args.cronjob.then(|| args.schedule.clone().unwrap_or_else(|| SCHEDULE.into())),
        synthetic: args.synthetic,
    };
    let mut objects = vec![monitor::service_account(namespace)];
    objects.extend(rbac::of_monitor(profile, namespace, monitor.synthetic, monitor::NAME));
    objects.push(monitor::workload(profile, namespace, &monitor));
    Ok(objects)
}
