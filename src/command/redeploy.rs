//! `system redeploy`: look, try, plan, show, ask, deploy, and wait until MeshSync is connected.

use std::collections::BTreeSet;

use crate::{
    cli::{Deployable, Global, Installation, Redeploy},
    diagnose::{self, Expectation},
    exit::Exit,
    profile,
    repair::{
        deployment::{self, Request},
        inventory::Part,
        manifests::{self, Options},
    },
    report::Source,
    terminal::Terminal,
};

use super::change::{Consent, Run};

pub(super) async fn run(
    args: &Redeploy,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let options = options(&args.options);
    let request = request(args);
    let run = Run::new(global, terminal, &args.change, profile);
    let consent = Consent {
        question: format!("Do this in namespace {}?", run.namespace()),
        severe: false,
    };
    let until_connected = request.parts.contains(&Part::Meshsync) && !args.no_wait;
    run.carry(&consent, until_connected, async |session| {
        let objects = manifests::manifests(profile, session.namespace(), &options);
        let (mut standing, facts) =
            tokio::join!(session.standing(profile, objects), session.look());
        let source = Source {
            kind: "live",
            path: None,
        };
        let report = diagnose::diagnose(&facts, &Expectation::default(), source);
        standing.findings = report
            .findings()
            .iter()
            .map(|finding| finding.code.clone())
            .collect();
        let mut plan = deployment::plan(profile, &request, &standing)?;
        if options.broker_size > 1 {
            plan.warnings.push(
                "several broker servers do not share messages: who reads from one misses what comes to another".into(),
            );
        }
        if options.image_registry.is_some() {
            plan.warnings.push(
                "the operator itself names the images of Broker and MeshSync: the nodes must find these elsewhere"
                    .into(),
            );
        }
        Ok(plan)
    })
    .await
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
        new_token: args.new_token,
    }
}

fn options(args: &Installation) -> Options {
    let default = Options::default();
    Options {
        operator_version: args.operator_version.clone(),
        image_registry: args.image_registry.clone(),
        broker_service: args
            .broker_service_type
            .clone()
            .unwrap_or(default.broker_service),
        broker_size: args.broker_size.unwrap_or(default.broker_size),
        watch_everything: args.watch_everything,
    }
}
