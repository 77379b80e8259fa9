//! What every changing command does: look, plan, show the plan, ask, apply, report; and plan again if needed.

mod answer;
mod consent;
mod question;
mod settle;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    path::PathBuf,
    time::Duration,
};

use serde_json::Value;

pub(crate) use self::consent::Consent;
use crate::{
    cli::{
        args::{Change, Format, Global},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    cluster::{
        server_access::ServerChoice,
        session::{Opened, Session},
    },
    observe::served,
    repair::{
        apply::Writer,
        backup::{self, BackupError},
        plan::{Action, Advice, Plan, Refusal, Step, Until},
        progress::{Event, Progress, Stage, StepError},
    },
    report::change::{ChangeReport, Outcome, StepReport},
    stack::{
        base::{seen::Seen, usage::UsageError, words},
        inventory,
        object::Id,
        profile::Profile,
    },
};
use answer::exit_of;

/// What follows the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Wait until MeshSync is connected.
    Connected,
    /// Nothing, after a deployment.
    Deployed,
    /// Nothing, after a removal.
    Removed,
    /// Nothing: the next check tells.
    Fixed,
}

/// Where the backup of removed objects is written.
#[derive(Clone, Debug)]
enum Copies {
    /// No backup.
    None,
    /// To this file, or to one with a default name.
    In(Option<PathBuf>),
}

/// One run of a changing command.
pub(crate) struct Run<'a> {
    global: &'a Global,
    terminal: &'a Terminal,
    change: &'a Change,
    profile: &'static Profile,
    /// If the plan asks and changes Meshery Server: whether it asks everything.
    server_extent: Option<bool>,
    /// Where the backup of removed objects is written.
    copies: RefCell<Copies>,
    /// The backup that was written.
    kept: RefCell<Option<String>>,
    /// Whether it contains custom resources, which can be restored.
    restorable: Cell<bool>,
    /// Warnings about the backup.
    notes: RefCell<Vec<String>>,
    /// The plan that was shown, with the question or before the first change.
    shown: RefCell<Option<ChangeReport>>,
    /// The context, once it is known.
    context: RefCell<Option<String>>,
    /// The steps of earlier plans of this run.
    earlier: RefCell<Vec<StepReport>>,
    /// The steps of the plan that was applied last; `None` before the first change.
    steps: RefCell<Option<Vec<StepReport>>>,
    /// How far the run is: `at step 16 of 17 (waiting for StatefulSet meshery-nats)`; `None` before the first change.
    place: RefCell<Option<String>>,
    /// The address of Meshery Server, if the plan changes something there.
    server: RefCell<Option<String>>,
    /// What was seen there.
    evidence: RefCell<Vec<String>>,
}

/// If a signal stops the run, says how far it came, and prints the document for programs.
impl Drop for Run<'_> {
    fn drop(&mut self) {
        let Some(exit) = self.terminal.stopped().filter(|_| !self.terminal.has_answered()) else {
            return;
        };
        self.terminal.restore();
        let place = self.place.take();
        self.terminal.say(&match &place {
            Some(place) => format!("Stopped {place}. Run the same command again to continue."),
            None => "Stopped. Nothing was changed.".to_owned(),
        });
        if !self.is_machine() {
            return;
        }
        let signal = exit.signal().unwrap_or_default();
        let steps = self.steps.take();
        let outcome = if steps.is_some() { Outcome::Partial } else { self.refused() };
        let place = place.map(|place| format!(" {place}")).unwrap_or_default();
        let mut report = self.report(outcome, Some(format!("stopped by {signal}{place}")), &Plan::default(), 0);
        if let Some(steps) = steps {
            report.steps = steps;
        }
        report.instead = vec!["run the same command again to continue".into()];
        report.exit_code = exit.code();
        let text = super::rendered(&report, self.global.output, |_| String::new());
        // If stdout cannot be written either, the failure cannot be reported.
        let _ = self.terminal.answer(&text);
    }
}

/// Notes which steps are done, whether the plan ends or a signal stops it.
struct Noted<'a> {
    writer: &'a Writer<'a>,
    run: &'a Run<'a>,
    plan: &'a Plan,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let report = self.run.report(Outcome::Partial, None, self.plan, self.writer.done());
        *self.run.steps.borrow_mut() = Some(report.steps);
    }
}

impl<'a> Run<'a> {
    pub(crate) fn new(
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
            server_extent: None,
            copies: RefCell::new(Copies::None),
            kept: RefCell::new(None),
            restorable: Cell::new(false),
            notes: RefCell::new(Vec::new()),
            shown: RefCell::new(None),
            context: RefCell::new(global.access.context.clone()),
            earlier: RefCell::new(Vec::new()),
            steps: RefCell::new(None),
            place: RefCell::new(None),
            server: RefCell::new(None),
            evidence: RefCell::new(Vec::new()),
        }
    }

    /// The same for a change of Meshery Server. `whole` if everything is asked of it, otherwise what a diagnosis needs.
    #[must_use]
    pub(crate) fn in_server(mut self, whole: bool) -> Self {
        self.server_extent = Some(whole);
        self
    }

    /// Writes a backup of everything before it is removed.
    pub(crate) fn keep_copies(&self, file: Option<PathBuf>, never: bool) {
        *self.copies.borrow_mut() = if never { Copies::None } else { Copies::In(file) };
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> &str {
        self.global.namespace(self.profile)
    }

    /// Whether the answer is a document for programs.
    fn is_machine(&self) -> bool {
        matches!(self.global.output, Format::Json | Format::Yaml)
    }

    /// A command of this program that reaches the same stack.
    fn command(&self, arguments: &str) -> String {
        super::own_command(self.global, self.context.borrow().as_deref(), arguments, None)
    }

    /// Advice as a line to print.
    fn advice(&self, advice: Advice) -> String {
        match advice {
            Advice::Text(text) => text,
            Advice::Command { arguments, namespace } => {
                super::own_command(self.global, self.context.borrow().as_deref(), &arguments, namespace.as_deref())
            }
        }
    }

    /// Looks and plans, shows the plan, asks, and applies it.
    pub(crate) async fn apply(
        &self,
        consent: &Consent,
        after: After,
        plan: impl AsyncFn(&Session<'_>) -> Result<Plan, Refusal>,
    ) -> anyhow::Result<Exit> {
        // Each wait has its own timeout; this one only ends a run that nothing else ends.
        let longest = self.global.timeout.saturating_add(self.change.wait.saturating_mul(20));
        let longest = longest.min(Duration::from_secs(24 * 3600));
        let apply = async |opened: Opened<'_>| match opened {
            Opened::Session(session) => Box::pin(self.apply_with(&session, consent, after, plan)).await,
            Opened::Obstacle(facts) => {
                let why = facts.obstacle.map(|obstacle| obstacle.message);
                Ok(self.answer(&self.report(Outcome::Undetermined, why, &Plan::default(), 0)))
            }
        };
        if let Some(whole) = self.server_extent {
            super::connected_whole(self.global, self.terminal, longest, whole, apply).await?
        } else {
            super::connected_beside(ServerChoice::default(), self.global, self.terminal, longest, apply).await?
        }
    }

    async fn apply_with(
        &self,
        session: &Session<'_>,
        consent: &Consent,
        after: After,
        plan: impl AsyncFn(&Session<'_>) -> Result<Plan, Refusal>,
    ) -> anyhow::Result<Exit> {
        self.context.borrow_mut().clone_from(&session.target.context);
        if let Err(why) = session.check_reachable().await {
            return Ok(self.answer(&self.report(Outcome::Undetermined, Some(why.message), &Plan::default(), 0)));
        }
        if let Some(other) = served::only_other(session).await {
            return Ok(self.answer(&self.of_another_profile(other)));
        }
        let report = self.carry_out(session, consent, after, plan).await?;
        Ok(self.answer(&report))
    }

    /// The refusal to change a cluster that has only a stack of another profile, unless the user names one.
    fn of_another_profile(&self, other: &Profile) -> ChangeReport {
        let (own, product) = (self.profile.product, other.product);
        let why = format!("this cluster has {product} and no custom resources of {own}, and no profile was named");
        ChangeReport {
            instead: vec![
                format!("to change {product}, add --profile {}", other.name),
                format!("to change {own} nevertheless, add --profile {}", self.profile.name),
            ],
            ..self.report(Outcome::Refused, Some(why), &Plan::default(), 0)
        }
    }

    /// Plans, shows the plan, asks, and applies it; and plans again if needed. The answer is not printed.
    pub(crate) async fn carry_out(
        &self,
        session: &Session<'_>,
        consent: &Consent,
        after: After,
        plan: impl AsyncFn(&Session<'_>) -> Result<Plan, Refusal>,
    ) -> anyhow::Result<ChangeReport> {
        loop {
            (session.scope.progress)("reading the live state");
            let planned = match plan(session).await {
                Ok(planned) => planned,
                Err(refusal) if refusal.misuse => return Err(UsageError::new(refusal.why).into()),
                Err(refusal) => {
                    let outcome = match self.refused() {
                        Outcome::Refused if refusal.undetermined => Outcome::Undetermined,
                        outcome => outcome,
                    };
                    let mut report = self.report(outcome, Some(refusal.why), &Plan::default(), 0);
                    report.instead = refusal.instead.into_iter().map(|advice| self.advice(advice)).collect();
                    return Ok(report);
                }
            };
            if let Some(server) = &planned.server {
                *self.server.borrow_mut() = Some(server.address.clone());
            }
            self.evidence.borrow_mut().extend(planned.seen.iter().cloned());
            if let Some(report) = self.before(&planned, consent, session).await? {
                return Ok(report);
            }
            let before = self.earlier.borrow().len();
            let mut report = Box::pin(self.write(session, &planned, before)).await;
            if report.outcome == Outcome::Done && !planned.continues {
                if after == After::Connected {
                    Box::pin(self.settle(session, &planned, &mut report)).await;
                }
                self.conclude(after, &planned, &mut report);
            }
            if report.outcome != Outcome::Done || !planned.continues {
                return Ok(report);
            }
            *self.earlier.borrow_mut() = report.steps;
            self.terminal.say("Planning the remaining steps.");
        }
    }

    /// The outcome of a refusal: partial if something was changed before.
    fn refused(&self) -> Outcome {
        let is_wait = |step: &StepReport| step.action == "wait";
        if self.earlier.borrow().iter().all(is_wait) { Outcome::Refused } else { Outcome::Partial }
    }

    /// Shows the plan and asks; a report if the run ends here.
    async fn before(
        &self,
        plan: &Plan,
        consent: &Consent,
        session: &Session<'_>,
    ) -> anyhow::Result<Option<ChangeReport>> {
        if let Some(why) = plan.steps.iter().chain(&plan.nudge).find_map(Step::redacted) {
            return Ok(Some(self.report(self.refused(), Some(why), &Plan::default(), 0)));
        }
        let only_waits = plan.only_waits();
        if plan.is_empty() && !only_waits {
            let outcome = if self.earlier.borrow().is_empty() { Outcome::Unchanged } else { Outcome::Done };
            let mut report = self.report(outcome, None, plan, 0);
            if let Some(cause) = plan.unhealthy.as_ref().filter(|_| outcome == Outcome::Unchanged) {
                report.reason = Some(format!("the stack is unhealthy: {} ({})", cause.title, cause.code));
                report.instead = vec![self.command("check")];
                report.exit_code = exit_of(&report).code();
            }
            return Ok(Some(report));
        }
        if self.change.dry_run {
            return Ok(Some(self.report(Outcome::DryRun, None, plan, 0)));
        }
        let refused = |why: &str| Ok(Some(self.report(self.refused(), Some(why.into()), plan, 0)));
        // A wait needs no consent.
        let agreed = if only_waits { Ok(false) } else { self.agree(plan, consent, session).await };
        let asked = match agreed {
            Ok(asked) => asked,
            Err(report) => return Ok(Some(*report)),
        };
        if let Err(error) = self.show_plan(plan, asked) {
            return refused(&error.to_string());
        }
        if let Err(why) = self.copy(plan, session).await {
            return refused(&why.to_string());
        }
        Ok(None)
    }

    /// Writes a backup of everything that the plan removes.
    async fn copy(&self, plan: &Plan, session: &Session<'_>) -> anyhow::Result<()> {
        let Copies::In(file) = self.copies.borrow().clone() else {
            return Ok(());
        };
        let mut objects: Vec<Value> = Vec::new();
        let going = plan.steps.iter().filter(|step| {
            // An object that is terminating already has no step of its own except the wait.
            matches!(step.action, Action::Wait(Until::Gone)) || step.removes()
        });
        let ids: BTreeSet<&Id> = going.map(|step| &step.id).chain(&plan.takes).collect();
        for id in ids {
            match session.object(id).await {
                Seen::Known(live) => objects.push(live),
                Seen::Absent => {}
                other => anyhow::bail!("cannot back up {id}: {}", other.why_unsettled().unwrap_or_default()),
            }
        }
        self.list(file.clone(), plan, session.namespace())?;
        let restorable = |object: &Value| {
            inventory::is_custom_resource(object) && object["metadata"]["namespace"] == session.namespace()
        };
        let restorable = objects.iter().any(restorable);
        self.keep(file, session.namespace(), objects, plan.continues)?;
        self.restorable.set(self.restorable.get() || restorable);
        Ok(())
    }

    /// Writes what the plan lists to a file, which names what is lost if this run is killed.
    fn list(&self, file: Option<PathBuf>, plan: &Plan, namespace: &str) -> Result<(), BackupError> {
        if plan.listed.is_empty() {
            return Ok(());
        }
        let path = backup::free_path(file, namespace)?;
        backup::write(&path, plan.listed.clone())?;
        let note = format!("{} lists the connections of before, without credentials", path.display());
        self.notes.borrow_mut().push(note);
        Ok(())
    }

    /// Writes these objects to a file. If there are none yet, only makes sure that it could be written.
    fn keep(
        &self,
        file: Option<PathBuf>,
        namespace: &str,
        objects: Vec<Value>,
        continues: bool,
    ) -> Result<(), BackupError> {
        let path = backup::free_path(file, namespace)?;
        if objects.is_empty() {
            // A backup that cannot be written must be noticed before the first change.
            return if continues { backup::try_out(&path) } else { Ok(()) };
        }
        let credentials = backup::write(&path, objects)?;
        let shown = path.display().to_string();
        if credentials {
            self.notes
                .borrow_mut()
                .push(format!("{shown} contains the credentials of the custom resources; only its owner can read it"));
        }
        *self.kept.borrow_mut() = Some(shown);
        Ok(())
    }

    /// What was kept and what to do next, after a change that is done.
    fn conclude(&self, after: After, plan: &Plan, report: &mut ChangeReport) {
        if report.outcome != Outcome::Done {
            return;
        }
        report.kept = plan.kept.iter().map(ToString::to_string).collect();
        report.instead = match &report.backup {
            Some(file) if self.restorable.get() => {
                vec![self.command(&format!("system redeploy --from-backup {}", words::quoted(file)))]
            }
            _ if after == After::Removed => Vec::new(),
            _ if report.verified.is_some() => vec![self.command("test dataflow")],
            _ => vec![self.command("check")],
        };
    }

    /// Applies the plan; `before` steps of this run are done already.
    async fn write(&self, session: &Session<'_>, plan: &Plan, before: usize) -> ChangeReport {
        self.terminal.begin_change();
        let writer = Writer::new(session, plan, self.change.wait);
        let noted = Noted { writer: &writer, run: self, plan };
        let progress = RefCell::new(Progress::default());
        let look = self.terminal.look(false);
        let tell = |event: &Event<'_>| {
            let event = Event { number: before + event.number, total: before + event.total, ..*event };
            match event.stage {
                Stage::Begun => {
                    let place = format!("at step {} of {} ({})", event.number, event.total, render::doing(event.step));
                    *self.place.borrow_mut() = Some(place);
                    self.terminal.show_step(&render::step(&event, None, &look));
                }
                Stage::Waiting { lacks, .. } => {
                    let stalled = progress.borrow_mut().stalled(lacks);
                    self.terminal.show_step(&render::step(&event, stalled, &look));
                }
                Stage::Done => self.terminal.step_done(&render::step(&event, None, &look)),
            }
        };
        let result = writer.run(&tell).await;
        let done = writer.done();
        self.evidence.borrow_mut().extend(writer.evidence());
        drop(noted);
        match result {
            Ok(()) => {
                *self.place.borrow_mut() = Some(format!("after {} steps", before + done));
                self.report(Outcome::Done, None, plan, done)
            }
            Err(error) => {
                let own = if let StepError::Advised(_, advice) = &error { Some(advice.clone()) } else { None };
                let advice = own.into_iter().chain(plan.otherwise.iter().cloned());
                ChangeReport {
                    instead: advice.map(|advice| self.advice(advice)).collect(),
                    ..self.report(Outcome::Partial, Some(error.to_string()), plan, done)
                }
            }
        }
    }
}
