//! Arguments of `manifests`.

use clap::Args;

use super::{Installation, image};
use crate::stack::base::cron;

/// The arguments of `manifests`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor manifests | kubectl apply --server-side -f -
  meshdoctor manifests --broker-service-type NodePort
  meshdoctor manifests --job --image registry.example/meshdoctor:1.0 | kubectl apply -f -
  meshdoctor manifests --cronjob --image registry.example/meshdoctor:1.0 --schedule '*/5 * * * *'")]
pub struct Manifests {
    /// The desired stack
    #[command(flatten)]
    pub installation: Installation,
    /// A Job that runs `check` in the cluster, and its permissions, instead of the stack
    #[arg(long, group = "monitor", conflicts_with_all = ["cronjob", "Installation"])]
    pub job: bool,
    /// A CronJob that runs `check` in the cluster, and its permissions, instead of the stack
    #[arg(long, group = "monitor", conflicts_with = "Installation")]
    pub cronjob: bool,
    /// Image of meshdoctor for --job and --cronjob; none is published, `.ci/image` builds one
    #[arg(long, value_name = "IMAGE", value_parser = image, requires = "monitor")]
    pub image: Option<String>,
    /// When the CronJob runs [default: every 15 minutes]
    #[arg(long, value_name = "CRON", value_parser = schedule, requires = "cronjob", conflicts_with = "job")]
    pub schedule: Option<String>,
    /// Run `check --synthetic`, which also tests the data flow
    #[arg(long, requires = "monitor")]
    pub synthetic: bool,
}

/// A schedule. Anything else would be rejected by the API server.
fn schedule(text: &str) -> Result<String, &'static str> {
    if cron::is_schedule(text) {
        Ok(text.to_owned())
    } else {
        Err(
            "a schedule has the five fields minute, hour, day, month and weekday, as in '*/15 * * * *', or is @hourly, \
             @daily, @weekly, @monthly or @yearly",
        )
    }
}
