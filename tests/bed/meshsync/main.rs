//! A MeshSync for the tests: it watches the cluster and publishes what happens there, as MeshSync 1.0.3 does.
//!
//! A process of its own, so that it can be frozen and killed. What it can do wrong is asked for by flag, since the real
//! one cannot be asked. Beside the real one's health endpoints it answers `/settled`: 200 once all that was there at its
//! start has been published.

// The table of kinds is the bed's, which has a use for all of it.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::doc_markdown)]
// Its output is its log.
#![allow(clippy::print_stderr)]

#[path = "../client.rs"]
mod client;
mod connection;
mod health;
mod outbox;
mod requests;
mod resource;
mod store;
mod sync;
#[path = "../watch_list.rs"]
mod table;
mod watch;
mod watch_list;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use health::Health;
use outbox::Outbox;
use sync::Sync;
use watch_list::Plan;

/// The version that it says it has.
const VERSION: &str = "v1.0.3";

/// Plays MeshSync.
#[derive(Debug, Parser)]
struct Args {
    /// The namespace of its custom resource.
    #[arg(long, default_value = "meshery")]
    namespace: String,
    /// What names and subjects begin with.
    #[arg(long, default_value = "meshery")]
    prefix: String,
    /// The group of its custom resource.
    #[arg(long, default_value = "meshery.io")]
    group: String,
    /// Where its health endpoints listen.
    #[arg(long, default_value = "127.0.0.1:11000")]
    health: SocketAddr,
    /// Be of the time before watch-lists: watch every kind of the table, whatever the custom resource says.
    #[arg(long)]
    before_watch_lists: bool,
    /// Also watch the kinds that CRDs define, and publish everything anew five seconds after the last one came.
    #[arg(long)]
    follow_crds: bool,
    /// Publish each event that much later, such as 300ms or 2s.
    #[arg(long, value_parser = duration, default_value = "0s")]
    delay: Duration,
    /// Publish under this cluster's identity.
    #[arg(long)]
    cluster_id: Option<String>,
    /// Publish to this subject.
    #[arg(long)]
    subject: Option<String>,
    /// Never publish events of this type.
    #[arg(long)]
    drop: Vec<String>,
    /// Be connected and subscribed, and never publish or answer.
    #[arg(long)]
    mute: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is no number"));
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(milliseconds), _) => Ok(Duration::from_millis(number(milliseconds)?)),
        (None, Some(seconds)) => Ok(Duration::from_secs(number(seconds)?)),
        _ => Err("give it as 300ms or 2s".to_owned()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("meshsync: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<()> {
    let health = Arc::new(Health::default());
    health::serve(args.health, Arc::clone(&health)).await?;

    let kubeconfig = std::env::var("KUBECONFIG").context("KUBECONFIG is not set")?;
    let kubeconfig = std::fs::read_to_string(&kubeconfig).with_context(|| format!("cannot read {kubeconfig}"))?;
    let client = client::connect(&kubeconfig).await?;
    let plan = if args.before_watch_lists {
        Plan::whole_table()
    } else {
        watch_list::read(&client, &args.namespace, &args.prefix, &args.group).await
    };

    let url = std::env::var("BROKER_URL").context("BROKER_URL is not set")?;
    let nats = connection::connect(&url).await?;
    let request = format!("{}.meshsync.request", args.prefix);
    // Before it is ready: who waits for that may ask at once.
    let asked = nats.queue_subscribe(request, "meshsync-request-stream".to_owned()).await?;
    nats.flush().await?;
    health.set_ready();

    let cluster_id = match args.cluster_id {
        Some(id) => id,
        None => sync::cluster_id(&client).await,
    };
    let subject = args.subject.unwrap_or_else(|| format!("{}.meshsync.core", args.prefix));
    let voice = (!args.mute).then(|| nats.clone());
    let outbox = Outbox::new(voice.clone(), subject, args.delay, args.drop, health);
    let sync = Sync::new(client, plan, cluster_id, outbox, args.follow_crds);
    sync.start();
    eprintln!("meshsync: run started");
    requests::answer(asked, voice, sync).await;
    Ok(())
}
