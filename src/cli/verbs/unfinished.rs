//! The documents of runs that did not finish: stopped by a signal, or ended by a panic.

use crate::{
    cli::{
        args::{Cli, Command, Contexts, Format, Server, System},
        exit::Exit,
        output::Redacted,
    },
    cluster,
    diagnose::{self, Expectation},
    facts::{Facts, Obstacle, Subject, Target, Test, recording},
    report::{
        Source,
        change::{ChangeReport, ChangeTarget, Outcome},
    },
    stack::profile::{self, Profile},
};

/// Which document a run must print.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Check,
    Preflight,
    Status,
    ServerStatus,
    ServerContexts,
    ServerConfig,
    Test(Subject),
    Record,
    WatchList,
    Change,
}

/// What is known of a run before it begins: enough for its document if it does not finish.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// `None` if no document is needed: for text output, and if a part of the output could be applied as if it were complete.
    kind: Option<Kind>,
    format: Format,
    profile: &'static Profile,
    target: Target,
    source: Source,
}

/// The document of a run that a signal stopped; `None` if no document is needed. `created` names the test objects to remove;
/// `removed` says whether their removal was completed.
pub(crate) fn interrupted(cli: &Cli, exit: Exit, created: &[String], removed: bool) -> Option<Redacted> {
    let signal = exit.signal().unwrap_or_default();
    let evidence = std::iter::once(format!("signal: {signal}"))
        .chain(created.iter().map(|name| {
            if removed {
                format!("removed the test object {name}")
            } else {
                format!("not removed: {name}; it expires on its own")
            }
        }))
        .collect();
    let obstacle = Obstacle {
        code: "interrupted".into(),
        message: format!("the run was stopped by a signal ({signal}) before it was finished"),
        evidence,
        remedy: None,
    };
    Unfinished::of(cli).document(obstacle, Outcome::Refused, exit)
}

/// What became of the test objects of a run that a signal stopped; `None` if there were none.
pub(crate) fn objects(created: &[String], removed: bool) -> Option<String> {
    let names = created.join(", ");
    match (created.is_empty(), removed) {
        (true, _) => None,
        (false, true) => Some(format!("Stopped. Removed the test object {names}.")),
        (false, false) => Some(format!("Stopped. The test object {names} was not removed; it expires on its own.")),
    }
}

impl Unfinished {
    /// Derives it from the command line.
    pub fn of(cli: &Cli) -> Self {
        let global = &cli.global;
        let profile = super::profile(global).unwrap_or(&profile::MESHERY);
        let (kind, from) = match &cli.command {
            Command::Check(args) | Command::System(System::Check(args)) if args.preflight => {
                (Some(Kind::Preflight), args.from.as_deref())
            }
            Command::Check(args) | Command::System(System::Check(args)) => (Some(Kind::Check), args.from.as_deref()),
            Command::Status(args) | Command::System(System::Status(args)) => (Some(Kind::Status), args.from.as_deref()),
            Command::Server(Server::Config(args)) => (Some(Kind::ServerConfig), args.from.as_deref()),
            Command::Server(Server::Status(args)) => (Some(Kind::ServerStatus), args.from.as_deref()),
            Command::Server(Server::Contexts(Contexts::List(args))) => {
                (Some(Kind::ServerContexts), args.from.as_deref())
            }
            Command::Server(Server::Contexts(Contexts::Ping(_))) => (Some(Kind::ServerContexts), None),
            Command::System(System::Redeploy(_) | System::Reset(_))
            | Command::Server(
                Server::Mode(_)
                | Server::Reconnect(_)
                | Server::Contexts(Contexts::Rediscover(_) | Contexts::Upload(_) | Contexts::Delete(_)),
            ) => (Some(Kind::Change), None),
            Command::Test(args) => (Some(Kind::Test(super::test::subject(args))), super::test::from(args)),
            Command::Record(args) if args.file.as_deref().unwrap_or("-") == "-" => (Some(Kind::Record), None),
            Command::WatchList(args) if !args.stock => (Some(Kind::WatchList), None),
            _ => (None, None),
        };
        let machine = matches!(global.output, Format::Json | Format::Yaml);
        // A recording on stdout is a document in every format.
        let kind = kind.filter(|kind| machine || matches!(kind, Kind::Record));
        Self {
            kind,
            format: match (global.output, kind) {
                (Format::Yaml, _) => Format::Yaml,
                _ => Format::Json,
            },
            profile,
            target: Target {
                context: global.access.context.clone(),
                namespace: global.namespace(profile).to_owned(),
                ..Target::default()
            },
            source: from.map_or_else(Source::live, super::recorded_in),
        }
    }

    /// The document and the exit code of a run that a panic ends, with its location in the code.
    pub fn fault(&self, place: &str, began: bool) -> (Option<Redacted>, Exit) {
        let obstacle = Obstacle {
            code: "internal-error".into(),
            message: format!("meshdoctor itself failed, at {place}"),
            evidence: vec![format!("version: {}", env!("CARGO_PKG_VERSION"))],
            remedy: None,
        };
        let (outcome, exit) =
            if began { (Outcome::Partial, Exit::Partial) } else { (Outcome::Undetermined, Exit::Undetermined) };
        (self.document(obstacle, outcome, exit), exit)
    }

    fn document(&self, obstacle: Obstacle, outcome: Outcome, exit: Exit) -> Option<Redacted> {
        let kind = self.kind?;
        if matches!(kind, Kind::Change) {
            return Some(self.render(&self.change(obstacle, outcome, exit)));
        }
        let mut facts = cluster::unseen(self.profile, self.target.clone(), obstacle);
        Some(match kind {
            Kind::Record => self.render(&recording::list(std::slice::from_ref(&facts))),
            Kind::WatchList => {
                let (mut report, _) = super::watch_list::judged(&facts, self.source.clone());
                report.exit_code = exit.code();
                self.render(&report)
            }
            _ => {
                let mut report = self.report(kind, &mut facts);
                report.exit_code = exit.code();
                self.render(&report)
            }
        })
    }

    fn report(&self, kind: Kind, facts: &mut Facts) -> crate::report::Report {
        let source = self.source.clone();
        match kind {
            Kind::Test(subject) => {
                facts.test = Some(Test { subject, ..Test::default() });
                diagnose::test(facts, source)
            }
            Kind::Preflight => match diagnose::preflight(facts, source.clone()) {
                Some(report) => report,
                None => diagnose::diagnose(facts, &Expectation::default(), source),
            },
            _ => {
                let mut report = diagnose::diagnose(facts, &Expectation::default(), source);
                match kind {
                    Kind::Status => super::status::reduce(&mut report),
                    Kind::ServerStatus => super::server::reduce(&mut report),
                    Kind::ServerContexts => super::server::reduce_to_contexts(&mut report),
                    Kind::ServerConfig => super::server::reduce_to_config(&mut report),
                    _ => {}
                }
                report
            }
        }
    }

    fn change(&self, obstacle: Obstacle, outcome: Outcome, exit: Exit) -> ChangeReport {
        let target = ChangeTarget {
            context: self.target.context.clone(),
            namespace: self.target.namespace.clone(),
            profile: self.profile.name,
            server: None,
        };
        ChangeReport {
            instead: vec!["run the same command again to continue".into()],
            ..ChangeReport::new(target, outcome, exit.code(), Some(obstacle.message))
        }
    }

    fn render<T: serde::Serialize>(&self, document: &T) -> Redacted {
        match self.format {
            Format::Yaml => Redacted::yaml(document),
            _ => Redacted::json(document),
        }
    }
}
