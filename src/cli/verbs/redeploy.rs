//! `system redeploy`: look, try, plan, show, ask, deploy, and wait until MeshSync is connected.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::change::{Consent, Run};
use crate::{
    cli::{
        args::{Deployable, Global, Redeploy},
        exit::Exit,
        terminal::Terminal,
    },
    cluster::session::Session,
    diagnose::{self, Expectation},
    facts::recording,
    observe::{self, Depth},
    repair::{
        deployment::{self, Request},
        plan::{Plan, Refusal},
        restore::Backup,
    },
    report::{Report, Severity, Source},
    stack::{
        base::{limits, reader, usage::UsageError},
        inventory::Part,
        manifests::{self, Object, Options},
        object::Id,
        profile::{self, Profile},
        watch_list::WatchList,
    },
};

pub(crate) async fn run(args: &Redeploy, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    // Wrong files are told before anybody waits for a cluster.
    let options = super::installation::options(&args.options, profile, global, terminal).await?;
    let run = Run::new(global, terminal, &args.change, profile);
    let mut request = request(args);
    let backup = match &args.from_backup {
        Some(file) => {
            let named = file.clone();
            let objects = super::read_within(global, file, move || read(&named)).await?;
            restored(file, &objects, args, profile, run.namespace(), &request.parts)?
        }
        None => Backup::default(),
    };
    request.restored = backup.kinds().collect();
    let consent = Consent {
        question: match &backup.foreign {
            Some(other) => {
                format!("Restore the custom resources of namespace {other} into namespace {}?", run.namespace())
            }
            None => format!("Do this in namespace {}?", run.namespace()),
        },
        severe: false,
    };
    let connects = request.parts.contains(&Part::Meshsync) || request.parts.contains(&Part::Broker);
    let carried = run.carry(&consent, connects && !args.no_wait, async |session| {
        confirmed(args, &backup, session.namespace())?;
        let objects = wanted(session, profile, &request, &options, &backup).await?;
        let (mut standing, facts) =
            tokio::join!(session.standing(profile, objects, request.take_over), observe::look(session, Depth::Check));
        let report = diagnose::diagnose(&facts, &Expectation::default(), Source::live());
        standing.findings = report.findings().iter().map(|finding| finding.code.clone()).collect();
        let mut plan = deployment::plan(profile, &request, &standing)?;
        permitted(session, &plan).await?;
        warn(&options, &report, &mut plan);
        if let Some(other) = &backup.foreign {
            plan.warnings.push(format!("the backup is of namespace {other}"));
        }
        Ok(plan)
    });
    Box::pin(carried).await
}

/// The objects as they should be. The role lets `MeshSync` read what the list in force names: the list of an object that
/// is there stays, unless it is to be written.
async fn wanted(
    session: &Session<'_>,
    profile: &Profile,
    request: &Request,
    options: &Options,
    backup: &Backup,
) -> Result<Vec<Object>, Refusal> {
    let namespace = session.namespace();
    let (custom, _) = session.custom_resources(profile).await;
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

/// Gives the custom resources the names under which they exist, since two of a kind would conflict over the names of
/// what is made of them, and the specifications of the backup.
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
                            "the backup holds {kind} {}, and {kind} {other} exists: two would conflict",
                            copy.name,
                            kind = object.id.kind
                        ),
                        [format!("delete {} {other}, or change the name in the backup", object.id.kind)],
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

/// A backup of another namespace is restored only where that was said or is asked about.
fn confirmed(args: &Redeploy, backup: &Backup, namespace: &str) -> Result<(), Refusal> {
    match &backup.foreign {
        Some(other) if args.change.yes && !args.change.dry_run && args.backup_namespace.is_none() => Err(Refusal::new(
            format!("the backup is of namespace {other}, not {namespace}"),
            [format!("the same command with --backup-namespace {other} restores it all the same")],
        )),
        _ => Ok(()),
    }
}

/// The dry runs tell of every object that is applied; what is deleted or restarted is asked about here.
async fn permitted(session: &Session<'_>, plan: &Plan) -> Result<(), Refusal> {
    let lacking = session.lacking(plan.rights()).await;
    if lacking.is_empty() {
        return Ok(());
    }
    Err(deployment::lacking(lacking.iter().map(|right| format!("we may not {right}"))))
}

fn warn(options: &Options, report: &Report, plan: &mut Plan) {
    if options.broker_size > 1 {
        plan.warnings.push(
            "several broker servers do not share messages: who reads from one misses what comes to another".into(),
        );
    }
    if options.image_registry.is_some() {
        plan.warnings.push(
            "the operator itself names the images of Broker and MeshSync: the nodes must find these elsewhere".into(),
        );
    }
    let worst = report.findings().iter().find(|finding| finding.severity == Severity::Error);
    if let Some(worst) = worst.filter(|_| plan.is_empty()) {
        plan.warnings
            .push(format!("the stack is not well all the same: {}; meshdoctor explain {}", worst.title, worst.code));
    }
}

/// The objects of a file that `system reset` wrote.
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
        Err(UsageError::new(format!("cannot restore {file}: it holds nothing of what is to be deployed")))
    }
}

fn request(args: &Redeploy) -> Request {
    let parts: BTreeSet<Part> = match args.what {
        Deployable::All => [Part::Operator, Part::Broker, Part::Meshsync].into(),
        Deployable::Operator => [Part::Operator].into(),
        Deployable::Broker => [Part::Broker].into(),
        Deployable::Meshsync => [Part::Meshsync].into(),
    };
    Request {
        parts,
        force_conflicts: args.force_conflicts,
        take_over: args.take_over,
        overwrite: args.overwrite_crs,
        restored: BTreeSet::new(),
        new_token: args.new_token,
    }
}
