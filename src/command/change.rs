//! What every changing command does: look, plan, show, ask, carry out, tell; and to look again where that is needed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    path::PathBuf,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    cli::{Change, Global},
    diagnose::{self, Expectation},
    exit::Exit,
    observe::{Depth, Opened, Scope, Session},
    profile::Profile,
    render,
    repair::{
        apply::{Progress, Writer},
        backup,
        object::Id,
        plan::{Action, Plan, Refusal, Step, Until},
        report::{ChangeReport, ChangeTarget, ChangedField, Outcome, StepReport},
    },
    report::{Source, State, Tool},
    seen::Seen,
    terminal::Terminal,
};

/// What is asked before anything is changed.
pub(super) struct Consent {
    /// The question.
    pub(super) question: String,
    /// Whether yes is not enough, and the namespace's name must be typed.
    pub(super) severe: bool,
}

/// Where copies of what is removed go.
#[derive(Clone, Debug)]
enum Copies {
    /// Nobody wants any.
    None,
    /// Into this file, or one of our choosing.
    In(Option<PathBuf>),
}

/// How long MeshSync may take to come back to a broker that was restarted, unless not even that long is waited.
const GRACE: Duration = Duration::from_secs(30);

/// One run of a changing command.
pub(super) struct Run<'a> {
    global: &'a Global,
    terminal: &'a Terminal,
    change: &'a Change,
    profile: &'static Profile,
    /// Where copies of what is removed go; none when nobody wants them.
    copies: RefCell<Copies>,
    kept: RefCell<Option<String>>,
    /// The context, once it is known.
    context: RefCell<Option<String>>,
    /// What was done before it was looked at anew.
    earlier: RefCell<Vec<StepReport>>,
}

/// Tells what is done and what is not when a run ends before its plan does, whatever ends it.
struct Unfinished<'a> {
    writer: &'a Writer<'a>,
    terminal: &'a Terminal,
    over: Cell<bool>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.over.get() {
            return;
        }
        self.terminal.restore();
        let list = |steps: &[Step]| {
            steps
                .iter()
                .map(|step| format!("{} {}", step.verb(), step.id))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let done = self.writer.done();
        if !done.is_empty() {
            self.terminal.say(&format!("Done: {}.", list(done)));
        }
        self.terminal.say(&format!(
            "Not done: {}. The same command goes on from there.",
            list(self.writer.remaining())
        ));
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        global: &'a Global,
        terminal: &'a Terminal,
        change: &'a Change,
        profile: &'static Profile,
    ) -> Self {
        Self {
            global,
            terminal,
            change,
            profile,
            copies: RefCell::new(Copies::None),
            kept: RefCell::new(None),
            context: RefCell::new(global.context.clone()),
            earlier: RefCell::new(Vec::new()),
        }
    }

    /// Has a copy of everything written before it is removed.
    pub(super) fn keep_copies(&self, file: Option<PathBuf>, never: bool) {
        *self.copies.borrow_mut() = if never {
            Copies::None
        } else {
            Copies::In(file)
        };
    }

    /// The namespace.
    pub(super) fn namespace(&self) -> &str {
        self.global
            .namespace
            .as_deref()
            .unwrap_or(self.profile.namespace)
    }

    /// Looks and plans, shows the plan, asks, and carries it out.
    pub(super) async fn carry(
        &self,
        consent: &Consent,
        until_connected: bool,
        plan: impl AsyncFn(&Session<'_>) -> Result<Plan, Refusal>,
    ) -> anyhow::Result<Exit> {
        let trace = |line: &str| self.terminal.trace(line);
        let progress = |what: &str| self.terminal.wait_for(what);
        // Waits are limited one by one; this only ends a run that nothing else ends.
        let longest = self
            .global
            .timeout
            .saturating_add(self.change.wait.saturating_mul(20));
        let scope = Scope {
            profile: self.profile,
            namespace: self.global.namespace.clone(),
            depth: Depth::Check,
            request_timeout: self.global.request_timeout,
            deadline: Instant::now() + longest.min(Duration::from_secs(24 * 3600)),
            interactive: self.terminal.is_interactive(),
            log: self.terminal.is_verbose().then_some(&trace),
            progress: &progress,
        };
        let session = match Session::open(&super::access(self.global), &scope).await? {
            Opened::Session(session) => session,
            Opened::Obstacle(facts) => {
                let why = facts.obstacle.map(|obstacle| obstacle.message);
                return self.answer(&self.report(Outcome::Undetermined, why, &Plan::default(), 0));
            }
        };
        *self.context.borrow_mut() = session.context().map(str::to_owned);
        if let Err(why) = session.greet().await {
            return self.answer(&self.report(
                Outcome::Undetermined,
                Some(why),
                &Plan::default(),
                0,
            ));
        }
        loop {
            (scope.progress)("looking at what there is");
            let planned = match plan(&session).await {
                Ok(planned) => planned,
                Err(refusal) => {
                    let outcome = self.refused();
                    let mut report = self.report(outcome, Some(refusal.why), &Plan::default(), 0);
                    report.instead = refusal.instead;
                    return self.answer(&report);
                }
            };
            if let Some(report) = self.before(&planned, consent, &session).await? {
                return self.answer(&report);
            }
            let mut report = Box::pin(self.write(&session, &planned)).await;
            if report.outcome == Outcome::Done && until_connected && !planned.continues {
                Box::pin(self.settle(&session, &planned, &mut report)).await;
            }
            if report.outcome != Outcome::Done || !planned.continues {
                return self.answer(&report);
            }
            *self.earlier.borrow_mut() = report.steps;
            self.terminal.say("Done so far; looking again.");
        }
    }

    /// Whether a refusal means that nothing was done, or nothing more.
    fn refused(&self) -> Outcome {
        if self.earlier.borrow().is_empty() {
            Outcome::Refused
        } else {
            Outcome::Partial
        }
    }

    /// Shows the plan and asks; a report when it ends there.
    async fn before(
        &self,
        plan: &Plan,
        consent: &Consent,
        session: &Session<'_>,
    ) -> anyhow::Result<Option<ChangeReport>> {
        if plan.is_empty() {
            let outcome = if self.earlier.borrow().is_empty() {
                Outcome::Unchanged
            } else {
                Outcome::Done
            };
            return Ok(Some(self.report(outcome, None, plan, 0)));
        }
        if self.change.dry_run {
            return Ok(Some(self.report(Outcome::DryRun, None, plan, 0)));
        }
        let refused = |why: &str| Ok(Some(self.report(self.refused(), Some(why.into()), plan, 0)));
        if !self.change.yes {
            let shown = self.report(Outcome::DryRun, None, plan, 0);
            let look = self.terminal.look(false);
            if self.terminal.is_interactive() {
                self.terminal.say(&render::plan(&shown, &look));
            }
            let agreed = if consent.severe {
                let question = format!(
                    "{} It cannot be undone: type {} to go on",
                    consent.question,
                    session.namespace()
                );
                self.terminal
                    .confirm_by_typing(&question, session.namespace())
                    .await
            } else {
                self.terminal.confirm(&consent.question).await
            };
            match agreed {
                Some(true) => {}
                Some(false) => return refused("it was not confirmed"),
                None => return refused("nobody can be asked here, and --yes was not given"),
            }
        }
        if let Err(why) = self.copy(plan, session).await {
            return refused(&why);
        }
        Ok(None)
    }

    /// Writes a copy of everything that the plan removes.
    async fn copy(&self, plan: &Plan, session: &Session<'_>) -> Result<(), String> {
        let Copies::In(file) = self.copies.borrow().clone() else {
            return Ok(());
        };
        let mut objects: Vec<Value> = Vec::new();
        let going = plan.steps.iter().filter(|step| {
            // What is going already is removed by nobody but the finalizers that are waited for.
            matches!(step.action, Action::Wait(Until::Gone)) || step.removes()
        });
        let ids: BTreeSet<&Id> = going.map(|step| &step.id).chain(&plan.takes).collect();
        for id in ids {
            match session.object(id).await {
                Seen::Known(live) => objects.push(live),
                Seen::Absent => {}
                other => {
                    return Err(format!(
                        "no copy can be made of {id}: {}",
                        other.why_unsettled().unwrap_or_default()
                    ));
                }
            }
        }
        let path = backup::free_path(file, session.namespace());
        if objects.is_empty() {
            // It must not turn out halfway that the copy of what goes later cannot be written.
            return if plan.continues {
                backup::try_out(&path)
            } else {
                Ok(())
            };
        }
        backup::write(&path, objects)?;
        *self.kept.borrow_mut() = Some(path.display().to_string());
        Ok(())
    }

    /// Waits until MeshSync is connected; what the plan has for one that does not come back is done after a while.
    async fn settle(&self, session: &Session<'_>, plan: &Plan, report: &mut ChangeReport) {
        let begun = Instant::now();
        let end = begun + self.change.wait;
        let mut nudge = plan.nudge.clone();
        let mut progress = Progress::default();
        loop {
            let facts = session.look().await;
            let seen = diagnose::diagnose(&facts, &Expectation::default(), Source::live());
            let meshsync = &seen.components.meshsync;
            if meshsync.state == State::Connected {
                return;
            }
            let mut lacks = format!("MeshSync is {}, not CONNECTED", meshsync.state);
            if let Some(root) = seen.root_causes().next() {
                lacks.push_str(&format!(" ({})", root.code));
            }
            if Instant::now() >= end {
                report.outcome = Outcome::Partial;
                report.exit_code = exit_of(Outcome::Partial).code();
                report.reason = Some(format!(
                    "everything was written, and {lacks} after {} s",
                    self.change.wait.as_secs()
                ));
                report.instead = vec!["meshdoctor system check".into()];
                return;
            }
            if begun.elapsed() >= GRACE.min(self.change.wait / 2)
                && let Some(step) = nudge.take()
            {
                let more = Plan {
                    steps: vec![step.clone()],
                    ..Plan::default()
                };
                let done = self.write(session, &more).await;
                report.steps.extend(done.steps);
                continue;
            }
            self.terminal.wait_for(&progress.tell(&lacks));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Carries the plan out.
    async fn write(&self, session: &Session<'_>, plan: &Plan) -> ChangeReport {
        let writer = Writer::new(session, plan, self.change.wait);
        let unfinished = Unfinished {
            writer: &writer,
            terminal: self.terminal,
            over: Cell::new(false),
        };
        let progress = RefCell::new(Progress::default());
        let tell = |step: &Step, lacks: Option<&str>| {
            let what = format!("{} {}", step.verb(), step.id);
            let line = lacks.map_or(what.clone(), |lacks| format!("{what}: {lacks}"));
            self.terminal.wait_for(&progress.borrow_mut().tell(&line));
        };
        let result = writer.run(&tell).await;
        unfinished.over.set(true);
        let done = writer.done().len();
        match result {
            Ok(()) => self.report(Outcome::Done, None, plan, done),
            Err(broken) => self.report(Outcome::Partial, Some(broken.why), plan, done),
        }
    }

    fn report(
        &self,
        outcome: Outcome,
        reason: Option<String>,
        plan: &Plan,
        done: usize,
    ) -> ChangeReport {
        ChangeReport {
            api_version: "meshdoctor/v1",
            kind: "Change",
            tool: Tool::this(),
            target: ChangeTarget {
                context: self.context.borrow().clone(),
                namespace: self.namespace().to_owned(),
                profile: self.profile.name,
            },
            outcome,
            exit_code: exit_of(outcome).code(),
            reason,
            instead: Vec::new(),
            warnings: plan.warnings.clone(),
            steps: self
                .earlier
                .borrow()
                .iter()
                .cloned()
                .chain(
                    plan.steps
                        .iter()
                        .enumerate()
                        .map(|(number, step)| step_report(step, number < done)),
                )
                .collect(),
            unchanged: plan.unchanged.iter().map(ToString::to_string).collect(),
            backup: self.kept.borrow().clone(),
        }
    }

    fn answer(&self, report: &ChangeReport) -> anyhow::Result<Exit> {
        let text = super::rendered(report, self.global.output, |wide| {
            render::change(report, &self.terminal.look(wide))
        });
        self.terminal.answer(&text)?;
        Ok(exit_of(report.outcome))
    }
}

fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Unchanged | Outcome::DryRun | Outcome::Done => Exit::Ok,
        Outcome::Refused => Exit::Refused,
        Outcome::Undetermined => Exit::Undetermined,
        Outcome::Partial => Exit::Partial,
    }
}

fn step_report(step: &Step, done: bool) -> StepReport {
    StepReport {
        action: step.verb(),
        api_version: step.id.api_version.clone(),
        object_kind: step.id.kind.clone(),
        namespace: step.id.namespace.clone(),
        name: step.id.name.clone(),
        why: match &step.action {
            Action::Wait(until) => Some(format!("until it is {until}")),
            _ => step.why.clone(),
        },
        changes: step
            .changes()
            .iter()
            .map(|field| ChangedField {
                path: field.path.clone(),
                before: field.before.clone(),
                after: field.after.clone(),
            })
            .collect(),
        done,
    }
}
