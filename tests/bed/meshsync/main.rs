//! A fake MeshSync for tests: it watches the cluster and publishes its changes, as MeshSync 1.0.3 does.
//!
//! It is a separate process, so that tests can pause and kill it. Flags make it misbehave, which the real MeshSync does
//! not offer. In addition to the real health endpoints it serves `/settled`, which returns 200 when all objects that
//! existed at its start were published.

// The table of kinds belongs to the test bed, which uses all of it.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::doc_markdown)]
// Its stderr is its log.
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

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use health::Health;
use outbox::Outbox;
use sync::Sync;
use watch_list::Defaults;

/// The version that it reports.
const VERSION: &str = "v1.0.3";

/// Fake MeshSync.
#[derive(Debug, Parser)]
struct Args {
    /// Namespace of the MeshSync CR.
    #[arg(long, default_value = "meshery")]
    namespace: String,
    /// Prefix of names and subjects.
    #[arg(long, default_value = "meshery")]
    prefix: String,
    /// API group of the MeshSync CR.
    #[arg(long, default_value = "meshery.io")]
    group: String,
    /// Address of the health endpoints [default: port 11000, of every address in a pod and of 127.0.0.1 elsewhere].
    #[arg(long)]
    health: Option<SocketAddr>,
    /// Address from which it connects to the broker.
    #[arg(long)]
    source: Option<Ipv4Addr>,
    /// Behave like Meshplay's MeshSync: without a readable whitelist it publishes nothing, since its default kinds have
    /// no event types, or none that exist.
    #[arg(long)]
    defaults_without_events: bool,
    /// Also watch the kinds that CRDs define; publish everything again five seconds after the last new one.
    #[arg(long)]
    follow_crds: bool,
    /// Delay each event by this time, such as 300ms or 2s.
    #[arg(long, value_parser = duration, default_value = "0s")]
    delay: Duration,
    /// Publish with this cluster ID.
    #[arg(long)]
    cluster_id: Option<String>,
    /// Publish to this subject.
    #[arg(long)]
    subject: Option<String>,
    /// Do not publish events of this type.
    #[arg(long)]
    drop: Vec<String>,
    /// Connect and subscribe, but never publish or answer.
    #[arg(long)]
    mute: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number"));
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(milliseconds), _) => Ok(Duration::from_millis(number(milliseconds)?)),
        (None, Some(seconds)) => Ok(Duration::from_secs(number(seconds)?)),
        _ => Err("use a form like 300ms or 2s".to_owned()),
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
    let kubeconfig = std::env::var("KUBECONFIG").ok();
    let address = if kubeconfig.is_some() { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
    health::serve(args.health.unwrap_or((address, 11000).into()), Arc::clone(&health)).await?;

    let client = match kubeconfig {
        Some(path) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
            client::connect(&text).await?
        }
        None => client::connect_in_cluster().context("KUBECONFIG is not set, and this is not a pod")?,
    };
    let defaults = if args.defaults_without_events { Defaults::WithoutEvents } else { Defaults::Invalid };
    let selection = watch_list::read(&client, &args.namespace, &args.prefix, &args.group, defaults).await;

    let url = std::env::var("BROKER_URL").context("BROKER_URL is not set")?;
    let nats = connection::connect(&url, args.source).await?;
    let request = format!("{}.meshsync.request", args.prefix);
    // Subscribe before reporting ready: a client that waits for that may send a request immediately.
    let requests = nats.queue_subscribe(request, "meshsync-request-stream".to_owned()).await?;
    nats.flush().await?;
    health.set_ready();

    let cluster_id = match args.cluster_id {
        Some(id) => id,
        None => sync::cluster_id(&client).await,
    };
    let subject = args.subject.unwrap_or_else(|| format!("{}.meshsync.core", args.prefix));
    let publisher = (!args.mute).then(|| nats.clone());
    let outbox = Outbox::new(publisher.clone(), subject, args.delay, args.drop, health);
    let sync = Sync::new(client, selection, cluster_id, outbox, args.follow_crds);
    sync.start();
    eprintln!("meshsync: run started");
    requests::answer(requests, publisher, sync).await;
    Ok(())
}
