//! What every changing command does: look, plan, show, ask, carry out, tell; and to look again where that is needed.

mod answer;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    path::PathBuf,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    cli::{
        args::{Change, Format, Global},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    cluster::session::{Opened, Session},
    diagnose::{self, Expectation},
    observe::{self, Depth},
    repair::{
        apply::{Progress, Writer},
        backup::{self, BackupError},
        plan::{Action, Plan, Refusal, Step, Until},
    },
    report::{
        Source, State,
        change::{ChangeReport, Outcome, StepReport},
    },
    stack::{base::seen::Seen, object::Id, profile::Profile},
};
use answer::exit_of;

/// What is asked before anything is changed.
pub(crate) struct Consent {
    /// The question.
    pub(crate) question: String,
    /// Whether yes is not enough, and the namespace's name must be typed.
    pub(crate) severe: bool,
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
pub(crate) struct Run<'a> {
    global: &'a Global,
    terminal: &'a Terminal,
    change: &'a Change,
    profile: &'static Profile,
    /// Where copies of what is removed go; none when nobody wants them.
    copies: RefCell<Copies>,
    kept: RefCell<Option<String>>,
    /// What is to be known of that copy.
    notes: RefCell<Vec<String>>,
    /// The plan that was told on standard output.
    told: RefCell<Option<ChangeReport>>,
    /// The context, once it is known.
    context: RefCell<Option<String>>,
    /// What was done before it was looked at anew.
    earlier: RefCell<Vec<StepReport>>,
    /// The steps of the plan that was carried out last, as far as it came; none before the first.
    steps: RefCell<Option<Vec<StepReport>>>,
}

/// Prints the document of a run that a signal stops, wherever it is.
impl Drop for Run<'_> {
    fn drop(&mut self) {
        let machine = matches!(self.global.output, Format::Json | Format::Yaml);
        let Some(exit) = self.terminal.stopped().filter(|_| machine) else {
            return;
        };
        if self.terminal.has_answered() {
            return;
        }
        let signal = exit.signal().unwrap_or_default();
        let steps = self.steps.take();
        let began = steps.is_some();
        let outcome = if began { Outcome::Partial } else { self.refused() };
        let why = format!("the run was stopped by a signal ({signal}) before it was finished");
        let mut report = self.report(outcome, Some(why), &Plan::default(), 0);
        if let Some(steps) = steps {
            report.steps = steps;
        }
        report.instead = vec!["run the same command again: it continues where this one stopped".into()];
        report.exit_code = exit.code();
        let text = super::rendered(&report, self.global.output, |_| String::new());
        // Nobody is left to tell that it cannot be written.
        let _ = self.terminal.answer(&text);
    }
}

/// Tells what is done and what is not when a run ends before its plan does, whatever ends it.
struct Unfinished<'a> {
    writer: &'a Writer<'a>,
    terminal: &'a Terminal,
    run: &'a Run<'a>,
    plan: &'a Plan,
    over: Cell<bool>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.run.note(self.plan, self.writer.done().len());
        if self.over.get() {
            return;
        }
        self.terminal.restore();
        let list = |steps: &[Step]| {
            steps.iter().map(|step| format!("{} {}", step.verb(), step.id)).collect::<Vec<_>>().join(", ")
        };
        let done = self.writer.done();
        if !done.is_empty() {
            self.terminal.say(&format!("Done: {}.", list(done)));
        }
        self.terminal
            .say(&format!("Not done: {}. The same command goes on from there.", list(self.writer.remaining())));
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
            copies: RefCell::new(Copies::None),
            kept: RefCell::new(None),
            notes: RefCell::new(Vec::new()),
            told: RefCell::new(None),
            context: RefCell::new(global.access.context.clone()),
            earlier: RefCell::new(Vec::new()),
            steps: RefCell::new(None),
        }
    }

    /// Has a copy of everything written before it is removed.
    pub(crate) fn keep_copies(&self, file: Option<PathBuf>, never: bool) {
        *self.copies.borrow_mut() = if never { Copies::None } else { Copies::In(file) };
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> &str {
        self.global.namespace(self.profile)
    }

    /// Looks and plans, shows the plan, asks, and carries it out.
    pub(crate) async fn carry(
        &self,
        consent: &Consent,
        until_connected: bool,
        plan: impl AsyncFn(&Session<'_>) -> Result<Plan, Refusal>,
    ) -> anyhow::Result<Exit> {
        // Waits are limited one by one; this only ends a run that nothing else ends.
        let longest = self.global.timeout.saturating_add(self.change.wait.saturating_mul(20));
        let longest = longest.min(Duration::from_secs(24 * 3600));
        let carry = async |opened: Opened<'_>| match opened {
            Opened::Session(session) => self.carry_over(&session, consent, until_connected, plan).await,
            Opened::Obstacle(facts) => {
                let why = facts.obstacle.map(|obstacle| obstacle.message);
                Ok(self.answer(&self.report(Outcome::Undetermined, why, &Plan::default(), 0)))
            }
        };
        super::connected(self.global, self.terminal, longest, carry).await?
    }

    async fn carry_over(
        &self,
        session: &Session<'_>,
        consent: &Consent,
        until_connected: bool,
        plan: impl AsyncFn(&Session<'_>) -> Result<Plan, Refusal>,
    ) -> anyhow::Result<Exit> {
        self.context.borrow_mut().clone_from(&session.target.context);
        if let Err(why) = session.check_reachable().await {
            return Ok(self.answer(&self.report(Outcome::Undetermined, Some(why.message), &Plan::default(), 0)));
        }
        loop {
            (session.scope.progress)("looking at what there is");
            let planned = match plan(session).await {
                Ok(planned) => planned,
                Err(refusal) => {
                    let outcome = match self.refused() {
                        Outcome::Refused if refusal.undetermined => Outcome::Undetermined,
                        outcome => outcome,
                    };
                    let mut report = self.report(outcome, Some(refusal.why), &Plan::default(), 0);
                    report.instead = refusal.instead;
                    return Ok(self.answer(&report));
                }
            };
            if let Some(report) = self.before(&planned, consent, session).await? {
                return Ok(self.answer(&report));
            }
            let mut report = Box::pin(self.write(session, &planned)).await;
            if report.outcome == Outcome::Done && until_connected && !planned.continues {
                Box::pin(self.settle(session, &planned, &mut report)).await;
            }
            if report.outcome != Outcome::Done || !planned.continues {
                return Ok(self.answer(&report));
            }
            *self.earlier.borrow_mut() = report.steps;
            self.terminal.say("Done so far; looking again.");
        }
    }

    /// Whether a refusal means that nothing was done, or nothing more.
    fn refused(&self) -> Outcome {
        if self.earlier.borrow().is_empty() { Outcome::Refused } else { Outcome::Partial }
    }

    /// Shows the plan and asks; a report when it ends there.
    async fn before(
        &self,
        plan: &Plan,
        consent: &Consent,
        session: &Session<'_>,
    ) -> anyhow::Result<Option<ChangeReport>> {
        if let Some(why) = plan.steps.iter().chain(&plan.nudge).find_map(Step::redacted) {
            return Ok(Some(self.report(self.refused(), Some(why), &Plan::default(), 0)));
        }
        if plan.is_empty() {
            let outcome = if self.earlier.borrow().is_empty() { Outcome::Unchanged } else { Outcome::Done };
            return Ok(Some(self.report(outcome, None, plan, 0)));
        }
        if self.change.dry_run {
            return Ok(Some(self.report(Outcome::DryRun, None, plan, 0)));
        }
        let refused = |why: &str| Ok(Some(self.report(self.refused(), Some(why.into()), plan, 0)));
        if !self.change.yes {
            let shown = self.report(Outcome::DryRun, None, plan, 0);
            let look = self.terminal.look(false);
            if self.terminal.interactive {
                self.terminal.say(&render::plan(&shown, &look));
            }
            let agreed = if consent.severe {
                let question =
                    format!("{} It cannot be undone: type {} to go on", consent.question, session.namespace());
                self.terminal.confirm_by_typing(&question, session.namespace()).await
            } else {
                self.terminal.confirm(&consent.question).await
            };
            match agreed {
                Some(true) => {}
                Some(false) => return refused("it was not confirmed"),
                None => return refused("nobody can be asked here, and --yes was not given"),
            }
        }
        if let Err(error) = self.tell(plan, !self.change.yes) {
            return refused(&error.to_string());
        }
        if let Err(why) = self.copy(plan, session).await {
            return refused(&why.to_string());
        }
        Ok(None)
    }

    /// Writes a copy of everything that the plan removes.
    async fn copy(&self, plan: &Plan, session: &Session<'_>) -> anyhow::Result<()> {
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
                other => anyhow::bail!("no copy can be made of {id}: {}", other.why_unsettled().unwrap_or_default()),
            }
        }
        Ok(self.keep(file, session.namespace(), objects, plan.continues)?)
    }

    /// Writes these objects to a file; where there are none yet, only makes sure that it could be written.
    fn keep(
        &self,
        file: Option<PathBuf>,
        namespace: &str,
        objects: Vec<Value>,
        continues: bool,
    ) -> Result<(), BackupError> {
        let path = backup::free_path(file, namespace)?;
        if objects.is_empty() {
            // It must not turn out halfway that the copy of what goes later cannot be written.
            return if continues { backup::try_out(&path) } else { Ok(()) };
        }
        let credentials = backup::write(&path, objects)?;
        let shown = path.display().to_string();
        if credentials {
            self.notes.borrow_mut().push(format!(
                "{shown} holds the credentials that the custom resources had; only its owner may read it"
            ));
        }
        *self.kept.borrow_mut() = Some(shown);
        Ok(())
    }

    /// Waits until MeshSync is connected; what the plan has for one that does not come back is done after a while.
    async fn settle(&self, session: &Session<'_>, plan: &Plan, report: &mut ChangeReport) {
        let begun = Instant::now();
        let end = begun + self.change.wait;
        let mut nudge = plan.nudge.clone();
        let mut progress = Progress::default();
        loop {
            let facts = observe::look(session, Depth::Check).await;
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
                report.reason =
                    Some(format!("everything was written, and {lacks} after {} s", self.change.wait.as_secs()));
                report.instead = vec!["meshdoctor system check".into()];
                return;
            }
            if begun.elapsed() >= GRACE.min(self.change.wait / 2)
                && let Some(step) = nudge.take()
            {
                let more = Plan { steps: vec![step.clone()], ..Plan::default() };
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
        self.terminal.begin_change();
        let writer = Writer::new(session, plan, self.change.wait);
        let unfinished =
            Unfinished { writer: &writer, terminal: self.terminal, run: self, plan, over: Cell::new(false) };
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
            Err(error) => self.report(Outcome::Partial, Some(error.to_string()), plan, done),
        }
    }

    /// Notes how far a plan came.
    fn note(&self, plan: &Plan, done: usize) {
        let report = self.report(Outcome::Partial, None, plan, done);
        *self.steps.borrow_mut() = Some(report.steps);
    }
}
