//! One short file for each verb; each only connects the stages.

mod change;
mod check;
mod checks;
mod completion;
mod explain;
mod fix;
mod hub;
mod installation;
mod manifests;
mod network_probe;
mod options;
mod rbac;
mod record;
mod redeploy;
mod reset;
mod reset_data;
mod reset_database;
mod server;
mod status;
mod test;
pub mod unfinished;
mod version;
mod watch_list;

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::{
    cli::{
        args::{self, Cli, Command, FailOn, Format, Global, System},
        exit::Exit,
        output::{self, Redacted},
        terminal::Terminal,
    },
    cluster::{
        Scope,
        cleanup::Cleanup,
        kubeconfig::Access,
        server_access::{ServerAccess, ServerChoice},
        session::{Opened, Session},
    },
    facts::{Facts, recording, redact},
    observe::{
        self, Depth, TestPlan,
        progress::{StepEvent, Steps},
        stacks,
    },
    report::{Kind, Report, ReportList, Severity, Source},
    stack::{
        base::{invocation::Invocation, reader, usage::UsageError, words},
        profile::{self, Profile},
    },
};

/// Runs a command.
///
/// # Errors
///
/// A [`UsageError`] for a mistake on the command line; any other error is internal.
pub async fn run(cli: &Cli, terminal: &Terminal, cleanup: &Cleanup) -> anyhow::Result<Exit> {
    let global = &cli.global;
    hub::refuse_unsupported(cli)?;
    match &cli.command {
        Command::Check(args) | Command::System(System::Check(args)) => {
            check::run(args, global, terminal, cleanup).await
        }
        Command::Status(args) | Command::System(System::Status(args)) => status::run(args, global, terminal).await,
        Command::System(System::Redeploy(args)) => redeploy::run(args, global, terminal).await,
        Command::System(System::Reset(args)) => reset::run(args, global, terminal).await,
        Command::Test(args) => test::run(args, global, terminal, cleanup).await,
        Command::Server(args) => server::run(args, global, terminal).await,
        Command::Record(args) => record::run(args, global, terminal, cleanup).await,
        Command::WatchList(args) => watch_list::run(args, global, terminal).await,
        Command::Manifests(args) => manifests::run(args, global, terminal).await,
        Command::Explain { code } => explain::run(code, global, terminal),
        Command::Checks => checks::run(global, terminal),
        Command::Rbac(args) => rbac::run(args, global, terminal).await,
        Command::NetworkProbe(args) => network_probe::run(args, terminal).await,
        Command::Options => options::run(terminal),
        Command::Completion { shell } => completion::run(*shell, terminal),
        Command::Version => version::run(global, terminal),
    }
}

fn profile(global: &Global) -> Option<&'static Profile> {
    global.profile.as_deref().and_then(Profile::named)
}

/// How much to query.
#[derive(Clone, Copy)]
struct Extent {
    /// Of the cluster.
    depth: Depth,
    /// Whether everything is asked of Meshery Server. Otherwise what a diagnosis needs.
    whole_server: bool,
}

impl From<Depth> for Extent {
    fn from(depth: Depth) -> Self {
        Self { depth, whole_server: false }
    }
}

/// Observes every stack of the cluster, which are at least one, and these registered clusters of Gloo Mesh. An
/// installation concerns one profile.
async fn look(
    global: &Global,
    extent: impl Into<Extent>,
    terminal: &Terminal,
    remotes: &[String],
) -> Result<Vec<Facts>, UsageError> {
    let Extent { depth, whole_server } = extent.into();
    let look = async |opened: Opened<'_>| match opened {
        Opened::Session(session) if depth == Depth::Preflight => Ok(vec![observe::look(&session, depth).await]),
        Opened::Session(session) if remotes.is_empty() => Ok(stacks::look_at_all(&session, depth).await),
        Opened::Session(session) => hub::look(&session, depth, &global.access, remotes).await,
        Opened::Obstacle(facts) => Ok(vec![*facts]),
    };
    // Neither concerns Meshery Server, so flags about it are ignored.
    let stacks = if matches!(depth, Depth::Preflight | Depth::WatchList) {
        connected_beside(ServerChoice::default(), global, terminal, global.timeout, look).await??
    } else {
        connected_whole(global, terminal, global.timeout, whole_server, look).await??
    };
    Ok(stacks.into_iter().map(|facts| invoked(facts, global)).collect())
}

/// Observes the cluster and runs a test.
async fn look_and_test(
    global: &Global,
    depth: Depth,
    terminal: &Terminal,
    plan: &TestPlan,
    cleanup: &Cleanup,
) -> Result<Facts, UsageError> {
    let step = |event: &StepEvent<'_>| terminal.show_test_step(event);
    let look = async |opened: Opened<'_>| match opened {
        Opened::Session(session) => Box::pin(observe::test(&session, depth, plan, cleanup, Steps(&step))).await,
        Opened::Obstacle(facts) => *facts,
    };
    // The time to listen is added to the timeout.
    let longest = global.timeout + plan.passive.unwrap_or_default();
    let facts = if plan.asks_server() {
        connected_whole(global, terminal, longest, plan.is_about_server(), look).await?
    } else {
        // The test does not concern Meshery Server, so flags about it are ignored.
        connected_beside(ServerChoice::default(), global, terminal, longest, look).await?
    };
    Ok(invoked(facts, global))
}

/// The facts with the name and the flags of this call, which the commands of remedies repeat.
fn invoked(mut facts: Facts, global: &Global) -> Facts {
    let mut invocation = invocation(&global.access);
    invocation.add("--context", facts.target.context.clone());
    if !facts.profile.is_hub() {
        add_server(&mut invocation, &global.server);
    }
    facts.target.invocation = invocation;
    for remote in facts.hub.iter_mut().flat_map(|hub| &mut hub.remotes) {
        let context = remote.target.context.as_deref().unwrap_or_default();
        remote.target.invocation = self::invocation(&global.access.to_context(context));
    }
    facts
}

/// How this program was called, without tokens and without the user part of an address.
fn invocation(access: &Access) -> Invocation {
    let mut invocation = Invocation::of(args::program());
    invocation.add("--kubeconfig", access.kubeconfig.as_ref().map(|path| path.display().to_string()));
    invocation.add("--context", access.context.clone());
    invocation.add("--cluster", access.cluster.clone());
    invocation.add("--user", access.user.clone());
    invocation.add("--server", access.server.as_deref().map(redact::without_user));
    invocation.add("--tls-server-name", access.tls_server_name.clone());
    invocation.add_switch("--insecure-skip-tls-verify", access.insecure_skip_tls_verify);
    invocation.add("--as", access.impersonate.clone());
    invocation.add_each("--as-group", &access.impersonate_groups);
    invocation
}

/// Adds the flags that name Meshery Server. The environment is the same for the next command.
fn add_server(invocation: &mut Invocation, server: &ServerAccess) {
    invocation.add("--meshery-server", server.meshery_server.as_deref().map(redact::without_user));
    invocation.add("--meshery-context", server.meshery_context.clone());
    invocation.add("--meshery-config", server.meshery_config.as_ref().map(|path| path.display().to_string()));
}

/// A command of this program for the same cluster, namespace and profile, or for another namespace.
fn own_command(global: &Global, context: Option<&str>, arguments: &str, namespace: Option<&str>) -> String {
    let mut invocation = invocation(&global.access);
    invocation.add("--context", context);
    let profile = profile(global).unwrap_or(&profile::MESHERY);
    if !profile.is_hub() {
        add_server(&mut invocation, &global.server);
    }
    let namespace = namespace.unwrap_or_else(|| global.namespace(profile));
    let mut command = format!("{} {arguments}{}", invocation.program, invocation.flags_for(arguments));
    if namespace != profile.namespace {
        command.push_str(&format!(" -n {}", words::quoted(namespace)));
    }
    if profile.name != profile::MESHERY.name {
        command.push_str(&format!(" --profile {}", profile.name));
    }
    command
}

/// Opens a session with this time limit for a command that asks Meshery Server, and works with it.
async fn connected<T>(
    global: &Global,
    terminal: &Terminal,
    longest: Duration,
    work: impl AsyncFnOnce(Opened<'_>) -> T,
) -> Result<T, UsageError> {
    connected_whole(global, terminal, longest, false, work).await
}

/// The same, and says whether everything is asked of Meshery Server.
async fn connected_whole<T>(
    global: &Global,
    terminal: &Terminal,
    longest: Duration,
    whole_server: bool,
    work: impl AsyncFnOnce(Opened<'_>) -> T,
) -> Result<T, UsageError> {
    let profile = profile(global).unwrap_or(&profile::MESHERY);
    let server = global.server.choose_within(profile, Instant::now() + longest).await?;
    let server = ServerChoice { whole: whole_server, ..server };
    connected_beside(server, global, terminal, longest, work).await
}

/// Opens a session with this time limit, which reports its requests and waits to the terminal, and works with it.
async fn connected_beside<T>(
    server: ServerChoice,
    global: &Global,
    terminal: &Terminal,
    longest: Duration,
    work: impl AsyncFnOnce(Opened<'_>) -> T,
) -> Result<T, UsageError> {
    let trace = |line: &str| terminal.trace(line);
    let progress = |what: &str| terminal.wait_for(what);
    let named = profile(global);
    let profile = named.unwrap_or(&profile::MESHERY);
    let scope = Scope {
        profile,
        profile_is_named: named.is_some(),
        namespace: global.namespace(profile).to_owned(),
        namespace_is_named: global.access.namespace.is_some(),
        request_timeout: global.request_timeout,
        deadline: Instant::now() + longest,
        server,
        interactive: terminal.interactive,
        log: terminal.verbose.then_some(&trace),
        progress: &progress,
    };
    Ok(work(Session::open(&global.access, &scope).await?).await)
}

/// The facts of every stack of a recording or of the cluster, which are at least one, and their source.
async fn facts(
    from: Option<&str>,
    global: &Global,
    extent: impl Into<Extent>,
    terminal: &Terminal,
    remotes: &[String],
) -> Result<(Vec<Facts>, Source), UsageError> {
    match from {
        Some(path) => {
            let stacks = recorded(path, global).await?;
            Ok((stacks, recorded_in(path)))
        }
        None => {
            let stacks = look(global, extent, terminal, remotes).await?;
            Ok((stacks, Source::live()))
        }
    }
}

/// The facts of every stack of a recording, which are at least one.
async fn recorded(path: &str, global: &Global) -> Result<Vec<Facts>, UsageError> {
    let profile = profile(global);
    let namespace = global.access.namespace.clone();
    let named = path.to_owned();
    let mut stacks = read_within(global, path, move || recording::read(&named, profile, namespace.as_deref())).await?;
    for facts in &mut stacks {
        recorded_invocation(facts);
        facts.hub.iter_mut().flat_map(|hub| &mut hub.remotes).for_each(recorded_invocation);
    }
    Ok(stacks)
}

/// The commands for a recording refer to the recorded context.
fn recorded_invocation(facts: &mut Facts) {
    let mut invocation = Invocation::of(args::program());
    invocation.add("--context", facts.target.context.clone());
    facts.target.invocation = invocation;
}

/// Reads a file from the command line in a separate thread, so that a pipe without a writer ends with the timeout and can
/// be interrupted.
async fn read_within<T: Send + 'static>(
    global: &Global,
    path: &str,
    read: impl FnOnce() -> Result<T, UsageError> + Send + 'static,
) -> Result<T, UsageError> {
    let deadline = Instant::now() + global.timeout;
    let read = reader::within(deadline, read).await;
    read.unwrap_or_else(|| {
        Err(UsageError::unreadable(
            if path == "-" { "standard input" } else { path },
            format!("reading did not finish within {} (--timeout)", words::span(global.timeout)),
        ))
    })
}

/// A recording as the source of facts.
fn recorded_in(path: &str) -> Source {
    Source { kind: "recording", path: Some(if path == "-" { "standard input".into() } else { path.to_owned() }) }
}

/// The image of meshdoctor for a pod, which must be named.
fn image(named: Option<&str>) -> Result<&str, UsageError> {
    named.ok_or_else(|| {
        UsageError::new("--image IMAGE is required, because no image of meshdoctor is published")
            .instead("build one with `.ci/image NAME:TAG OUT.tar` or the Dockerfile, and load it on the nodes")
    })
}

/// Objects as a stream that kubectl applies: YAML documents, or a List in JSON.
fn stream<T: serde::Serialize>(objects: &[T], format: Format) -> Redacted {
    match format {
        Format::Json => output::exact_json(&json!({ "apiVersion": "v1", "kind": "List", "items": objects })),
        _ => Redacted::own(
            objects.iter().map(|object| output::exact_yaml(object).to_string()).collect::<Vec<_>>().join("---\n"),
        ),
    }
}

/// Renders a document in the requested format.
fn rendered<T: serde::Serialize>(document: &T, format: Format, text: impl FnOnce(bool) -> String) -> Redacted {
    match format {
        Format::Table => Redacted::text(text(false)),
        Format::Wide => Redacted::text(text(true)),
        Format::Json => Redacted::json(document),
        Format::Yaml => Redacted::yaml(document),
    }
}

/// The reports of a run, and its exit code: the worst of all.
struct Judged {
    reports: Vec<Report>,
    exit: Exit,
}

impl Judged {
    /// Sets the exit code of each report.
    fn new(mut reports: Vec<Report>, mut exit_of: impl FnMut(&Report) -> Exit) -> Self {
        let mut exits = Vec::new();
        for report in &mut reports {
            let exit = exit_of(report);
            report.exit_code = exit.code();
            exits.push(exit);
        }
        Self { reports, exit: Exit::worst(exits) }
    }

    /// Renders one report on its own, and several as a list.
    fn rendered(
        self,
        format: Format,
        one: impl FnOnce(&Report, bool) -> String,
        several: impl FnOnce(&ReportList, bool) -> String,
    ) -> Redacted {
        if let [report] = self.reports.as_slice() {
            return rendered(report, format, |wide| one(report, wide));
        }
        let list = ReportList::of(self.reports, self.exit.code());
        rendered(&list, format, |wide| list.as_ref().map_or_else(String::new, |list| several(list, wide)))
    }
}

/// The exit code: findings take precedence over undetermined states.
fn exit_of(report: &Report, fail_on: FailOn) -> Exit {
    let limit = match fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    let fails = limit.is_some_and(|limit| {
        report.findings().iter().any(|finding| finding.kind == Kind::Fault && finding.severity <= limit)
    });
    if fails {
        Exit::Findings
    } else if report.determined {
        Exit::Ok
    } else {
        Exit::Undetermined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_commands_repeat_the_flags_about_the_server_without_a_user() {
        let mut invocation = Invocation::default();
        add_server(&mut invocation, &ServerAccess::default());
        assert_eq!(invocation.flags(), "");
        let server = ServerAccess {
            meshery_server: Some("http://me:secret@localhost:9081".into()),
            meshery_context: Some("my context".into()),
            meshery_config: Some("config.yaml".into()),
        };
        add_server(&mut invocation, &server);
        let expected =
            " --meshery-server http://localhost:9081 --meshery-context 'my context' --meshery-config config.yaml";
        assert_eq!(invocation.flags(), expected);
        assert_eq!(invocation.kubectl_flags(), "");
    }
}
