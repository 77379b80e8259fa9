//! `system redeploy`: look, try a dry run, plan, show, ask, deploy, and wait until MeshSync is connected.

use std::{collections::BTreeSet, path::Path, time::Duration};

use clap::ValueEnum;
use serde_json::Value;

use super::change::{After, Consent, Run};
use crate::{
    cli::{
        args::{Deployable, Global, Installation, Redeploy},
        exit::Exit,
        terminal::Terminal,
    },
    cluster::session::Session,
    diagnose::{self, Expectation},
    facts::{Facts, recording, stack},
    observe::{self, Depth},
    repair::{
        deployment::{self, Request},
        plan::{Advice, Cause, Plan, Refusal},
        restore::Backup,
    },
    report::{Action, Report, Source, Verdict},
    stack::{
        base::{failure::Failure, limits, reader, usage::UsageError},
        inventory::Part,
        manifests::{self, Object, Options},
        object::{self, Id},
        profile::{self, Profile},
        watch_list::WatchList,
    },
};

/// How long `MeshSync` may take to connect after it starts. It usually takes a few seconds.
const CONNECTS_WITHIN: Duration = Duration::from_secs(30);

/// The diagnosis of a `MeshSync` that is not connected.
const NOT_CONNECTED: &str = "meshsync-not-connected";

pub(crate) async fn run(args: &Redeploy, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    // Wrong files are reported before the cluster is asked.
    let options = super::installation::options(&args.options, profile, global, terminal).await?;
    if args.what == Deployable::Broker && options.broker.is_some() {
        return Err(UsageError::new("with --broker-url there is no broker to deploy")
            .instead("deploy MeshSync, or everything")
            .into());
    }
    if args.options.standalone && matches!(args.what, Deployable::Operator | Deployable::Broker) {
        return Err(UsageError::new("--standalone deploys only MeshSync").into());
    }
    let run = Run::new(global, terminal, &args.change, profile);
    let mut request = request(args);
    if options.standalone {
        // Its ServiceAccount is otherwise a part of the operator.
        request.parts = parts(Deployable::All);
    }
    let backup = match &args.from_backup {
        Some(file) => {
            let named = file.clone();
            let objects = super::read_within(global, file, move || read(&named)).await?;
            restored(file, &objects, args, profile, run.namespace(), &request.parts)?
        }
        None => Backup::default(),
    };
    request.restored = backup.kinds().collect();
    let consent = Consent { restored_from: backup.foreign.clone(), severe: false, given: None };
    let connects = request.parts.contains(&Part::Meshsync) || request.parts.contains(&Part::Broker);
    let after = if connects && !args.no_wait { After::Connected } else { After::Deployed };
    let applied = run.apply(&consent, after, async |session| {
        confirmed(args, &backup, session.namespace())?;
        let look = async {
            let facts = observe::look(session, Depth::Check).await;
            let report = diagnose::diagnose(&facts, &Expectation::default(), Source::live());
            let helm_server = diagnose::server_deploys_operator(&facts);
            Considered { report, starting: starting(&facts), helm_server }
        };
        let (mut plan, seen) = Box::pin(planned(session, profile, &request, &options, &backup, look)).await?;
        warn(&options, profile, &mut plan);
        if seen.helm_server && !plan.is_empty() && !options.standalone && options.helm_release.is_none() {
            plan.warnings.push(format!(
                "{} Server in operator mode deploys the operator with Helm, which fails on objects that its release \
                 does not own; add --helm-release {}",
                profile.product, profile.operator.deployment
            ));
        }
        plan.unhealthy = cause(&seen.report).filter(|_| plan.is_empty());
        if let Some(cause) = &mut plan.unhealthy
            && let Some(age) = seen.starting.filter(|_| cause.code == NOT_CONNECTED)
        {
            cause.title = format!("MeshSync started {} s ago and is not connected yet", age.as_secs());
        }
        if let Some(other) = &backup.foreign {
            plan.warnings.push(format!("the backup is from namespace {other}"));
        }
        Ok(plan)
    });
    Box::pin(applied).await
}

/// The plan that `check --fix` applies: a part is redeployed with the default options.
pub(super) async fn plan_of(
    session: &Session<'_>,
    action: &Action,
    force_conflicts: bool,
    report: &Report,
) -> Result<Plan, Refusal> {
    let what = match action {
        Action::NewToken => Deployable::Broker,
        Action::Redeploy(Some(part)) => Deployable::from_str(part, false).unwrap_or(Deployable::All),
        _ => Deployable::All,
    };
    let new_token = *action == Action::NewToken;
    let request = Request { parts: parts(what), force_conflicts, new_token, ..Request::default() };
    let look = async { Considered { report: report.clone(), starting: None, helm_server: false } };
    let profile = session.scope.profile;
    let (plan, _) = planned(session, profile, &request, &Options::default(), &Backup::default(), look).await?;
    Ok(plan)
}

/// What a redeploy considers besides the live state.
struct Considered {
    report: Report,
    /// How long `MeshSync` has been running, if it may still connect on its own.
    starting: Option<Duration>,
    /// Whether a server in the cluster deploys the operator with Helm.
    helm_server: bool,
}

/// The plan for the live state, and what else it considers.
async fn planned(
    session: &Session<'_>,
    profile: &Profile,
    request: &Request,
    options: &Options,
    backup: &Backup,
    look: impl Future<Output = Considered>,
) -> Result<(Plan, Considered), Refusal> {
    let objects = desired(session, profile, request, options, backup).await?;
    let (mut live_state, seen) = tokio::join!(session.live_state(profile, objects, request.take_over), look);
    live_state.owners.retain(|owner| !options.helm_release.as_ref().is_some_and(|release| owner.is_release(release)));
    let codes = seen.report.findings().iter().map(|finding| finding.code.clone());
    live_state.findings = codes.filter(|code| seen.starting.is_none() || code != NOT_CONNECTED).collect();
    let plan = deployment::plan(profile, request, &live_state)?;
    permitted(session, &plan).await?;
    Ok((plan, seen))
}

/// How long `MeshSync` has been running, if it may still connect on its own. A restart would only delay that.
fn starting(facts: &Facts) -> Option<Duration> {
    let container = facts.profile.meshsync.container;
    let pods = stack::meshsync_pods(facts).into_iter();
    let since = pods.filter_map(|pod| stack::running_since(pod, container)).max()?;
    let age = Duration::try_from(facts.taken_at.duration_since(since)).unwrap_or_default();
    (age < CONNECTS_WITHIN).then_some(age)
}

/// The desired objects. The role lets `MeshSync` read the kinds of the effective watch-list: that of an existing CR, unless
/// it is overwritten.
async fn desired(
    session: &Session<'_>,
    profile: &Profile,
    request: &Request,
    options: &Options,
    backup: &Backup,
) -> Result<Vec<Object>, Refusal> {
    let namespace = session.namespace();
    let (custom, unread) = session.custom_resources(profile).await;
    if options.standalone {
        alone(&custom, &unread)?;
    }
    let mut objects = manifests::manifests(profile, namespace, options);
    specify(&mut objects, &custom, backup)?;
    let meshsync = objects.iter().find(|object| object.id.kind == "MeshSync");
    if let Some(meshsync) = meshsync.filter(|_| !options.watch_everything) {
        let in_force = custom
            .iter()
            .find(|(id, _)| id.kind == "MeshSync" && id.name == meshsync.id.name)
            .map(|(_, live)| live)
            .filter(|_| !request.overwrites("MeshSync"))
            .unwrap_or(&meshsync.body);
        let data = in_force.pointer("/spec/watch-list/data");
        let list = WatchList::of_data(data, "spec.watch-list.data", profile);
        let kinds = list.effective(profile);
        manifests::let_read(profile, &mut objects, &kinds);
    }
    Ok(objects)
}

/// A standalone `MeshSync` must not run beside one of the operator's.
fn alone(custom: &[(Id, Value)], unread: &[Failure]) -> Result<(), Refusal> {
    if let Some(why) = unread.first() {
        return Err(Refusal {
            undetermined: unread.iter().all(|why| why.kind.leaves_open()),
            ..Refusal::new("it is not known whether custom resources exist", [why.message.clone().into()])
        });
    }
    let Some((id, _)) = custom.first() else {
        return Ok(());
    };
    Err(Refusal::new(
        format!("{id} exists, and a standalone MeshSync has no custom resources"),
        [Advice::command("system reset stack"), "or redeploy without --standalone".into()],
    ))
}

/// Sets the names of existing custom resources, because two of a kind would conflict over the names of their workloads,
/// and the specs of the backup.
fn specify(objects: &mut [Object], custom: &[(Id, Value)], backup: &Backup) -> Result<(), Refusal> {
    let mut broker = None;
    for object in objects {
        let copy = backup.copy(&object.id.kind);
        let same_kind: Vec<&str> =
            custom.iter().filter(|(id, _)| id.kind == object.id.kind).map(|(id, _)| id.name.as_str()).collect();
        let name = match copy {
            Some(copy) => {
                if let Some(other) = same_kind.first()
                    && !same_kind.contains(&copy.name.as_str())
                {
                    return Err(Refusal::new(
                        format!(
                            "the backup contains {kind} {}, but {kind} {other} exists, and two would conflict",
                            copy.name,
                            kind = object.id.kind
                        ),
                        [format!("delete {} {other}, or change the name in the backup", object.id.kind).into()],
                    ));
                }
                copy.name.clone()
            }
            None if same_kind.contains(&object.id.name.as_str()) => object.id.name.clone(),
            None => match same_kind.first() {
                Some(name) => (*name).to_owned(),
                None => object.id.name.clone(),
            },
        };
        object.body["metadata"]["name"] = name.as_str().into();
        object.id.name = name;
        match object.id.kind.as_str() {
            "Broker" => broker = Some(object.id.name.clone()),
            "MeshSync" => {
                if let Some(broker) = &broker {
                    object.body["spec"]["broker"]["native"]["name"] = broker.as_str().into();
                }
            }
            _ => {}
        }
        if let Some(copy) = copy {
            object.body["spec"] = copy.spec.clone();
        }
    }
    Ok(())
}

/// A backup of another namespace is restored only if the user names the namespace or confirms it.
fn confirmed(args: &Redeploy, backup: &Backup, namespace: &str) -> Result<(), Refusal> {
    match &backup.foreign {
        Some(other) if args.change.yes && !args.change.dry_run && args.backup_namespace.is_none() => Err(Refusal::new(
            format!("the backup is from namespace {other}, not {namespace}"),
            [format!("add --backup-namespace {other} to restore it anyway").into()],
        )),
        _ => Ok(()),
    }
}

/// The dry runs cover every object that is applied. The permissions to delete and restart are reviewed here.
pub(super) async fn permitted(session: &Session<'_>, plan: &Plan) -> Result<(), Refusal> {
    let lacking = session.lacking(plan.permissions()).await;
    if lacking.is_empty() {
        return Ok(());
    }
    Err(deployment::lacking(lacking.iter().map(|permission| format!("cannot {permission}"))))
}

fn warn(options: &Options, profile: &Profile, plan: &mut Plan) {
    let writes = |kind: &str| plan.steps.iter().any(|step| step.id.kind == kind && step.is_change());
    let mut warnings = Vec::new();
    if options.broker.as_ref().is_some_and(|broker| broker.token.is_some()) {
        let places = [
            ("MeshSync", "spec.broker.custom.url of the MeshSync CR, and MeshSync's Deployment,", "them"),
            ("Deployment", "BROKER_URL in MeshSync's Deployment", "it"),
        ];
        let (kind, place, it) = places[usize::from(options.standalone)];
        if writes(kind) {
            let all = "contain the token in plain text: everyone who can read";
            warnings.push(format!("{place} will {all} {it} can read the token"));
        }
    }
    if options.network_policy && writes(object::NETWORK_POLICY.kind) {
        warnings.push(format!(
            "NetworkPolicy {} lets only MeshSync, {} Server and meshdoctor in this namespace connect to the broker, \
             and no client outside the cluster, if the cluster's network enforces NetworkPolicies",
            profile.broker_policy(),
            profile.product,
        ));
    }
    plan.warnings.extend(warnings);
    if options.broker_size > 1 {
        plan.warnings.push(
            "broker servers are not clustered: a client of one server misses the messages sent to another".into(),
        );
    }
    if options.image_registry.is_some() {
        plan.warnings.push(
            "the operator chooses the images of Broker and MeshSync itself, so nodes must pull these from elsewhere"
                .into(),
        );
    }
}

/// The first root cause of an unhealthy stack.
fn cause(report: &Report) -> Option<Cause> {
    let root = report.root_causes().next().filter(|_| report.verdict == Some(Verdict::Unhealthy))?;
    Some(Cause { code: root.code.clone(), title: root.title.clone() })
}

/// The objects of a backup that `system reset` wrote.
fn read(file: &str) -> Result<Vec<Value>, UsageError> {
    let text = reader::text(Path::new(file), limits::RECORDING).map_err(|why| UsageError::unreadable(file, why))?;
    recording::objects(file, &text)
}

/// The custom resources among them that are to be restored.
fn restored(
    file: &str,
    objects: &[Value],
    args: &Redeploy,
    profile: &Profile,
    namespace: &str,
    parts: &BTreeSet<Part>,
) -> Result<Backup, UsageError> {
    let backup = Backup::of(objects, profile, namespace, args.backup_namespace.as_deref())
        .map_err(|error| UsageError::new(format!("cannot restore {file}: {error}")).instead(error.hint()))?;
    if backup.kinds().any(|kind| parts.contains(&Part::of_custom_resource(kind))) {
        Ok(backup)
    } else {
        Err(UsageError::new(format!("cannot restore {file}: it contains no custom resource of the parts to deploy")))
    }
}

fn parts(what: Deployable) -> BTreeSet<Part> {
    match what {
        Deployable::All => [Part::Operator, Part::Broker, Part::Meshsync].into(),
        Deployable::Operator => [Part::Operator].into(),
        Deployable::Broker => [Part::Broker].into(),
        Deployable::Meshsync => [Part::Meshsync].into(),
    }
}

fn request(args: &Redeploy) -> Request {
    Request {
        parts: parts(args.what),
        force_conflicts: args.force_conflicts,
        take_over: args.take_over,
        overwrite: args.overwrite_crs,
        restored: BTreeSet::new(),
        new_token: args.new_token,
        given: given(&args.options),
    }
}

/// The kinds of custom resources that these options specify.
fn given(options: &Installation) -> BTreeSet<&'static str> {
    let broker = options.broker_size.is_some() || options.broker_service_type.is_some();
    let meshsync = options.broker_url.is_some() || options.meshsync_version.is_some() || options.watch_list.is_some();
    [("Broker", broker), ("MeshSync", meshsync)].into_iter().filter(|(_, is)| *is).map(|(kind, _)| kind).collect()
}
