//! Starts the test cluster by hand, to try the tool on it.
//!
//! `cargo run --example bed -- healthy` starts a cluster with the stack in that state, prints how to use it, and runs
//! until Ctrl-C. In the states `healthy` and `nothing-installed`, everything in the README works.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "mod.rs"]
mod bed;
#[path = "../node/by_hand.rs"]
mod by_hand;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use bed::states::{self, Running};
use clap::Parser;
use tokio::sync::oneshot;

/// Start a temporary cluster with Meshery's stack in a given state.
#[derive(Debug, Parser)]
#[command(after_help = "\
Environment variables:
  MESHERY_OPERATOR_BIN  path of the real operator 1.0.5, to run it instead of the fake one
  MESHSYNC_BIN          path of the real MeshSync 1.0.3, likewise; needs port 11000
  MESHDOCTOR_BED_KEEP   keep the cluster's files")]
struct Args {
    /// State of the stack; --list prints all states.
    #[arg(default_value = "healthy")]
    state: String,
    /// Namespace [default: meshery; meshplay for the state meshplay].
    #[arg(short, long)]
    namespace: Option<String>,
    /// Run containers on a real node; in the states healthy and nothing-installed. Needs root. Opens a shell, and stops
    /// at its end.
    #[arg(long)]
    node: bool,
    /// Also stop at the end of standard input.
    #[arg(long)]
    until_eof: bool,
    /// Print the states and exit.
    #[arg(long)]
    list: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match start(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(args: &Args) -> Result<()> {
    if args.list {
        for states::Situation { name, summary, .. } in states::ALL {
            println!("{name:40} {summary}");
        }
        return Ok(());
    }
    if args.node {
        return by_hand::start(&args.state, args.namespace.as_deref().unwrap_or("meshery")).await;
    }
    tokio::select! {
        result = run(args) => result?,
        result = tokio::signal::ctrl_c() => result?,
    }
    println!("\nThe cluster is stopped and its files are removed.");
    Ok(())
}

/// Runs the cluster. When this future is dropped, the cluster is stopped and its files are removed.
async fn run(args: &Args) -> Result<()> {
    let situation = states::named(&args.state)?;
    let namespace = args.namespace.as_deref().unwrap_or(situation.profile());
    let programs = bed::folder_of_meshdoctor()?;
    let start = Instant::now();
    let cluster = bed::Cluster::start().await?;
    println!("The cluster is ready after {:.1} s.", start.elapsed().as_secs_f32());
    cluster.create_namespace(namespace).await?;
    let start = Instant::now();
    let running = states::run(&args.state, &cluster, namespace).await?;
    println!("The stack is in state {} after another {:.1} s.", args.state, start.elapsed().as_secs_f32());
    println!("{}", reactions(&running, &args.state));
    println!("\nIn another terminal, run:\n");
    println!("  export KUBECONFIG={}", cluster.kubeconfig().display());
    println!("  export PATH=\"{}:$PATH:{}\"", programs.display(), bed::folder()?.display());
    let mut options = String::new();
    if situation.profile() != "meshery" {
        options.push_str(&format!(" --profile {}", situation.profile()));
    }
    if namespace != situation.profile() {
        options.push_str(&format!(" --namespace {namespace}"));
    }
    println!("\n{}", usage(&running, &args.state, &options));
    println!("Ctrl-C stops the cluster and removes its files.");
    if args.until_eof {
        // A thread that is never joined, because a read from standard input cannot be canceled.
        let (sender, receiver) = oneshot::channel();
        std::thread::spawn(move || sender.send(std::io::copy(&mut std::io::stdin(), &mut std::io::sink())));
        receiver.await??;
    } else {
        std::future::pending::<()>().await;
    }
    drop(running);
    Ok(())
}

/// What reacts to changes in a state.
fn reactions(running: &Running, state: &str) -> &'static str {
    match (running, state) {
        (Running::Static(_), _) => {
            "Nothing reacts to changes: no operator reconciles, and MeshSync publishes no events.\n\
             To try redeploy, reset and the test of the data flow, use the state healthy."
        }
        (_, "healthy") => "The operator reconciles, MeshSync publishes events, and a Meshery Server receives them.",
        _ => {
            "After a redeploy, the operator reconciles, MeshSync publishes events, and a Meshery Server receives them."
        }
    }
}

/// What to try in a state, with the effect of each command.
fn usage(running: &Running, state: &str, options: &str) -> String {
    if matches!(running, Running::Static(_)) {
        return format!(
            "Then try:

  meshdoctor check{options}
  meshdoctor status{options}
  meshdoctor record recording.json{options}
"
        );
    }
    let (check, redeploy) = match state {
        "healthy" => ("The stack is healthy.", "There is nothing to do."),
        "nothing-installed" => ("Nothing is installed.", "This deploys the stack."),
        _ => ("This shows the root cause.", "This fixes the state."),
    };
    format!(
        "Then try the five tasks of the README, for example in this order:

  Find out what is wrong. {check}
    meshdoctor check{options}

  Deploy the stack, or restore its desired state. {redeploy}
    meshdoctor check --preflight{options}
    meshdoctor system redeploy{options}

  Prove that events flow.
    meshdoctor test dataflow{options}

  Have someone else diagnose it.
    meshdoctor record recording.json{options}
    meshdoctor check --from recording.json

  Remove the stack, with a backup. Then deploy it again.
    meshdoctor system reset stack{options}
    meshdoctor system redeploy{options}
"
    )
}
