//! The benchmark: measures the tool on a real control plane and compares it with `kubectl get pods` in the same run.
//!
//! `cargo bench --bench budgets` starts the test cluster with a healthy stack and prints each figure with its budget.
//! It only reports: a missed budget is shown, but the benchmark does not fail.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../bed/mod.rs"]
mod bed;
#[path = "../fixture/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses only a part of it")]
mod fixture;

mod idle_pods;
mod latency;
mod measure;
mod products;
mod requests;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;

use self::{
    measure::{Cost, Run},
    table::{Report, Row, Unit},
};

/// Measure the budgets on a test cluster.
#[derive(Debug, Parser)]
struct Args {
    /// Number of runs for each median.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Number of pods to create in other namespaces; 0 skips that part.
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// Measure only the cluster with three products.
    #[arg(long)]
    products: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
    /// Passed by cargo to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The added round-trip time of the remote cluster.
const LATENCY: Duration = Duration::from_millis(20);

/// The timeout of a run on a cluster that never answers.
const TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|first| first == measure::LAUNCH).is_some() {
        return measure::launch(args);
    }
    let args = Args::parse();
    let report = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(report(&args)));
    match report {
        Ok(report) if args.json => match serde_json::to_string_pretty(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("{error}"),
        },
        Ok(report) => print!("{report}"),
        Err(error) => {
            eprintln!("the benchmark failed: {error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The programs that are compared, on one cluster.
struct Peers {
    version: Run,
    check: Run,
    status: Run,
    kubectl: Run,
    /// `test dataflow`, from start to the object removed.
    dataflow: Run,
    /// `system check -v`, for the timings of its requests.
    verbose: Run,
}

impl Peers {
    fn on(kubeconfig: &Path, home: &Path) -> Result<Self> {
        let tool = |args| {
            let program = Path::new(env!("CARGO_BIN_EXE_meshdoctor"));
            Run::of(program, args, kubeconfig, home)
        };
        Ok(Self {
            version: tool("--version"),
            check: tool("system check"),
            status: tool("system status"),
            dataflow: tool("test dataflow"),
            verbose: tool("system check -v"),
            kubectl: Run::of(&bed::program("kubectl")?, "get pods -n meshery", kubeconfig, home),
        })
    }
}

async fn report(args: &Args) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    if args.products {
        let figures = products::figures(&requests::options(folder.path())?, folder.path(), args.runs).await?;
        return Ok(Report { machine: machine(), runs: args.runs, figures });
    }
    eprintln!("starting a cluster with a healthy stack");
    let cluster = bed::Cluster::start_with(&requests::options(folder.path())?).await?;
    cluster.create_namespace("meshery").await?;
    let mut stack = bed::Stack::of(bed::Line::Current).start(&cluster).await?;
    let meshsync = stack.meshsync(0).await?;
    stack.keep(meshsync);
    let server = stack.server(0)?;
    stack.keep(server);
    let kubeconfig = cluster_admin(&cluster).await?;
    let home = folder.path();
    let local = Peers::on(&kubeconfig, home)?;

    let mut figures = size()?;
    eprintln!("measuring on loopback");
    figures.extend(loopback_figures(&local, args.runs)?);

    eprintln!("measuring with {} ms of added round-trip time", LATENCY.as_millis());
    let remote = Peers::on(&with_latency(&cluster, &kubeconfig, home)?, home)?;
    figures.extend(remote_figures(&local, &remote, args.runs)?);

    let quiet = requests::of(&local.check, &cluster)?;
    figures.push(count("check: API requests", quiet).at_most(30.0));
    figures.push(count("status: API requests", requests::of(&local.status, &cluster)?));
    if args.pods > 0 {
        eprintln!("creating {} pods in other namespaces", args.pods);
        idle_pods::create(&cluster, args.pods).await?;
        let with_pods = requests::of(&local.check, &cluster)?;
        let condition = format!("{} pods in other namespaces", args.pods);
        figures.push(count(&format!("check: API requests, {condition}"), with_pods).at_most(to_f64(quiet.requests)));
        let [check, kubectl] = measure::compare([&local.check, &local.kubectl], args.runs)?;
        figures.push(ratio(&format!("check: wall, {condition}"), &check, &kubectl).at_most(0.6));
    }

    eprintln!("measuring test dataflow");
    // Only now start a MeshSync that publishes: its own work would distort the figures above.
    stack.disconnect_kept();
    let publisher = stack.start_publisher(0, &bed::Faults::default()).await?;
    figures.extend(dataflow_figures(&local, args.runs)?);
    drop(publisher);

    eprintln!("measuring on a cluster that never answers");
    cluster.pause_api_server()?;
    figures.push(unresponsive(&kubeconfig, home)?);
    cluster.resume_api_server()?;
    drop(stack);
    drop(cluster);

    eprintln!("measuring on a cluster with three products");
    figures.extend(products::figures(&requests::options(home)?, home, args.runs).await?);
    Ok(Report { machine: machine(), runs: args.runs, figures })
}

/// A user with all permissions whose requests, unlike the administrator's, can be told apart from the cluster's own.
async fn cluster_admin(cluster: &bed::Cluster) -> Result<PathBuf> {
    let user = cluster.user()?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "bench"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    cluster.apply(bed::rest::BED, &[binding]).await?;
    cluster.kubeconfig_for(&user)
}

/// The size of the binary.
fn size() -> Result<Vec<Row>> {
    let bytes = fs::metadata(env!("CARGO_BIN_EXE_meshdoctor"))?.len();
    Ok(vec![Row::new("binary", mib(bytes), Unit::MiB).at_most(12.0)])
}

fn loopback_figures(peers: &Peers, runs: usize) -> Result<Vec<Row>> {
    let [version, check, status, kubectl] =
        measure::compare([&peers.version, &peers.check, &peers.status, &peers.kubectl], runs)?;
    Ok(vec![
        Row::new("start (--version): wall", ms(version.wall), Unit::Ms).at_most(5.0).note(format!(
            "CPU {:.1} ms, memory {:.1} MiB",
            ms(version.cpu),
            mib(version.memory)
        )),
        ratio("check: wall", &check, &kubectl).at_most(0.6),
        cpu_ratio("check: CPU", &check, &kubectl).at_most(0.4),
        Row::new("check: peak memory", mib(check.memory), Unit::MiB)
            .at_most(16.0)
            .note(format!("kubectl {:.1} MiB", mib(kubectl.memory))),
        ratio("status: wall", &status, &kubectl),
        cpu_ratio("status: CPU", &status, &kubectl),
        Row::new("status: peak memory", mib(status.memory), Unit::MiB),
    ])
}

/// `test dataflow` (one object created, its three events received, the object removed) compared with one list of pods.
fn dataflow_figures(peers: &Peers, runs: usize) -> Result<Vec<Row>> {
    let [dataflow, kubectl] = measure::compare([&peers.dataflow, &peers.kubectl], runs)?;
    Ok(vec![
        ratio("test dataflow: wall", &dataflow, &kubectl).at_most(1.0),
        cpu_ratio("test dataflow: CPU", &dataflow, &kubectl),
        Row::new("test dataflow: peak memory", mib(dataflow.memory), Unit::MiB),
    ])
}

/// The figures of the remote cluster, and the number of sequential round trips derived from the difference.
fn remote_figures(local: &Peers, remote: &Peers, runs: usize) -> Result<Vec<Row>> {
    let [local_check, remote_check, local_kubectl, remote_kubectl] =
        measure::compare([&local.check, &remote.check, &local.kubectl, &remote.kubectl], runs)?;
    let latency = LATENCY.as_millis();
    let trips = |remote: Duration, local: Duration| ms(remote.saturating_sub(local)) / ms(LATENCY);
    let check_trips = trips(remote_check.wall, local_check.wall);
    let kubectl_trips = trips(remote_kubectl.wall, local_kubectl.wall);
    let mut rows = vec![
        ratio(&format!("check: wall, +{latency} ms round trip"), &remote_check, &remote_kubectl),
        Row::new("check: sequential round trips", check_trips.round(), Unit::Count)
            .note(format!("{check_trips:.1} measured; kubectl {kubectl_trips:.1}")),
    ];
    let (local, remote) = (Phases::of(&local.verbose)?, Phases::of(&remote.verbose)?);
    let before = (remote.before - local.before) / ms(LATENCY);
    rows.push(
        Row::new("check: round trips before the broker", before.round(), Unit::Count)
            .at_most(3.0)
            .note(format!("{before:.1} measured: TCP, TLS, one batch of requests")),
    );
    Ok(rows)
}

/// Timings of a run in milliseconds, from the output of `-v`.
struct Phases {
    /// The time before the port-forward to the broker.
    before: f64,
}

impl Phases {
    /// The median of five runs.
    fn of(verbose: &Run) -> Result<Self> {
        let mut all = Vec::new();
        for _ in 0..5 {
            let text = verbose.stderr()?;
            let probe = text
                .lines()
                .find(|line| line.contains("port-forward "))
                .and_then(|line| number_before(line, " ms)"))
                .context("the output of -v has no port-forward")?;
            let total = text
                .lines()
                .find_map(|line| number_before(line, " ms in all"))
                .context("the output of -v has no total")?;
            all.push(total - probe);
        }
        all.sort_by(f64::total_cmp);
        Ok(Self { before: all[all.len() / 2] })
    }
}

/// The number in front of a text.
fn number_before(line: &str, text: &str) -> Option<f64> {
    let (front, _) = line.rsplit_once(text)?;
    let digits = front.rsplit(['(', ' ']).next()?;
    digits.parse().ok()
}

/// The report must be complete within the timeout plus 200 ms.
fn unresponsive(kubeconfig: &Path, home: &Path) -> Result<Row> {
    let args = format!("system check --timeout {}s", TIMEOUT.as_secs());
    let program = Path::new(env!("CARGO_BIN_EXE_meshdoctor"));
    let cost = Run::of(program, &args, kubeconfig, home).exits(3).once()?;
    Ok(Row::new("check: wall, a cluster that never answers", ms(cost.wall), Unit::Ms)
        .at_most(ms(TIMEOUT) + 200.0)
        .note(format!("with {}", args.trim_start_matches("system check "))))
}

/// A kubeconfig that connects to the cluster through the relay.
fn with_latency(cluster: &bed::Cluster, kubeconfig: &Path, folder: &Path) -> Result<PathBuf> {
    let address = cluster.server().strip_prefix("https://").context("the cluster's address is not an https URL")?;
    let port = latency::relay(address.parse()?, LATENCY)?;
    let path = folder.join("kubeconfig-with-latency");
    let text = fs::read_to_string(kubeconfig)?.replace(cluster.server(), &format!("https://127.0.0.1:{port}"));
    fs::write(&path, text)?;
    Ok(path)
}

fn ratio(what: &str, ours: &Cost, peer: &Cost) -> Row {
    let (ours, peer) = (ms(ours.wall), ms(peer.wall));
    Row::new(what, ours / peer, Unit::Times).note(format!("{ours:.1} ms, kubectl {peer:.1} ms"))
}

fn cpu_ratio(what: &str, ours: &Cost, peer: &Cost) -> Row {
    let (ours, peer) = (ms(ours.cpu), ms(peer.cpu));
    Row::new(what, ours / peer, Unit::Times).note(format!("{ours:.1} ms, kubectl {peer:.1} ms"))
}

fn count(what: &str, requests: requests::Count) -> Row {
    Row::new(what, to_f64(requests.requests), Unit::Count).note(format!("and {} access reviews", requests.reviews))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "all values here are small enough")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn to_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let build = if cfg!(debug_assertions) { "DEBUG BUILD, figures are meaningless" } else { "release build" };
    format!("{cores} cores, {model}; {build}")
}
