//! `check --fix`: diagnose, fix the first root cause, and diagnose again, until nothing is left to fix.

use std::{cell::Cell, collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{
    Judged,
    change::{After, Consent, Run},
    redeploy,
};
use crate::{
    cli::{
        args::{Change, Check, FixLevel, Global},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    cluster::{
        cleanup::Cleanup,
        session::{Opened, Session},
    },
    diagnose::{self, Expectation, Selection},
    observe::{
        self, Depth, TestPlan,
        progress::{StepEvent, Steps},
        stacks,
    },
    repair::{
        fix::{self, Fix, Settling},
        plan::{Advice, Plan, Refusal},
        server::{self, ServerView},
    },
    report::{
        Action, FixReport, Report, ReportList, Safety, Source,
        change::{ChangeReport, Outcome},
    },
    stack::base::words,
};

/// The interval between two checks while the stack settles.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(
    args: &Check,
    level: FixLevel,
    expect: &Expectation,
    selection: &Selection,
    global: &Global,
    terminal: &Terminal,
    cleanup: &Cleanup,
) -> anyhow::Result<Exit> {
    let change = Change { dry_run: args.dry_run, yes: args.yes, wait: args.wait };
    // Each wait has its own timeout; this one only ends a run that nothing else ends.
    let longest = global.timeout.saturating_add(args.wait.saturating_mul(60)).min(Duration::from_secs(24 * 3600));
    let doctor = Doctor {
        args,
        level,
        change,
        expect,
        selection,
        global,
        terminal,
        cleanup,
        applied: Cell::new(0),
        asks_server: Cell::new(true),
        applying: Cell::new(false),
    };
    let work = async |opened: Opened<'_>| match opened {
        Opened::Session(session) => Box::pin(doctor.fix_all(&session)).await,
        Opened::Obstacle(facts) => {
            let report = doctor.diagnosed(*facts);
            doctor.answer(vec![doctor.concluded(report, Progress::default())])
        }
    };
    Box::pin(super::connected(global, terminal, longest, work)).await?
}

/// One run of `check --fix`.
struct Doctor<'a> {
    args: &'a Check,
    level: FixLevel,
    change: Change,
    expect: &'a Expectation,
    selection: &'a Selection,
    global: &'a Global,
    terminal: &'a Terminal,
    cleanup: &'a Cleanup,
    /// The number of fixes that were applied.
    applied: Cell<usize>,
    /// Whether Meshery Server is asked, if one was named or found.
    asks_server: Cell<bool>,
    /// Whether a fix is being planned, confirmed or applied. If a signal stops it, it says so itself.
    applying: Cell<bool>,
}

/// If a signal stops the run between two fixes, says how far it came.
impl Drop for Doctor<'_> {
    fn drop(&mut self) {
        if self.terminal.stopped().is_none() || self.terminal.has_answered() || self.applying.get() {
            return;
        }
        self.terminal.restore();
        self.terminal.say(&match self.applied.get() {
            0 => "Stopped. Nothing was changed.".to_owned(),
            applied => format!(
                "Stopped after {}. Run the same command again to continue.",
                words::count(applied, "fix", "fixes")
            ),
        });
    }
}

/// What was done so far.
#[derive(Default)]
struct Progress {
    /// The findings that were tried.
    tried: BTreeSet<String>,
    fixes: Vec<FixReport>,
    /// The exit code that takes precedence over that of the last check.
    exit: Option<Exit>,
}

impl Doctor<'_> {
    /// Fixes one stack after the other.
    async fn fix_all(&self, session: &Session<'_>) -> anyhow::Result<Exit> {
        let mut ended = Vec::new();
        for (profile, asks_server) in stacks::profiles(session).await {
            self.asks_server.set(asks_server);
            ended.push(if profile == session.scope.profile {
                self.fix(session).await?
            } else {
                let scope = session.scope.of(profile);
                self.fix(&session.beside(&scope)).await?
            });
        }
        self.answer(ended)
    }

    async fn fix(&self, session: &Session<'_>) -> anyhow::Result<(Report, Exit)> {
        let mut progress = Progress::default();
        let mut report = self.look(session).await;
        self.introduce(&report);
        let mut waited = false;
        loop {
            let mut fixes = fix::of(&report, &progress.tried);
            let waits = fix::is_being_deleted(&report)
                || match fixes.first() {
                    None => fix::is_starting(&report),
                    Some(first) => fix::is_premature(first, &report),
                };
            if waits && !waited && !self.args.dry_run {
                waited = true;
                report = self.settled(session, None, &report).await;
                continue;
            }
            let Some(choice) = self.choice(&fixes).await else {
                break;
            };
            waited = false;
            let fix = fixes.swap_remove(choice);
            progress.tried.insert(fix.finding.clone());
            self.applying.set(true);
            let mut done = self.apply(session, &fix, &report).await?;
            self.applying.set(false);
            match done.outcome {
                Outcome::Done | Outcome::Partial => {
                    self.applied.set(self.applied.get() + 1);
                    if done.outcome == Outcome::Partial {
                        progress.exit = Some(Exit::Partial);
                    }
                    report = self.settled(session, Some(&fix.finding), &report).await;
                    done.fixed = Some(!report.root_causes().any(|cause| cause.id == fix.finding));
                }
                Outcome::Refused if !done.safety.is_some_and(|safety| self.is_too_risky(safety)) => {
                    progress.exit = Some(Exit::Refused);
                }
                _ => {}
            }
            let stops = done.outcome == Outcome::Partial || (!self.args.yes && !self.terminal.interactive);
            progress.fixes.push(done);
            if stops && !self.args.dry_run {
                break;
            }
        }
        Ok(self.concluded(report, progress))
    }

    /// At a terminal, shows the diagnosis before the first question.
    fn introduce(&self, report: &Report) {
        if self.asks() && !fix::of(report, &BTreeSet::new()).is_empty() {
            let look = self.terminal.look(false);
            self.terminal.say(render::check(report, &look, self.args.all).trim_end());
        }
    }

    /// Whether questions are asked.
    fn asks(&self) -> bool {
        self.terminal.interactive && !self.args.yes && !self.args.dry_run
    }

    /// Whether a change is not applied: a person must decide, or it may not be applied without asking.
    fn is_too_risky(&self, safety: Safety) -> bool {
        let allowed = if self.level == FixLevel::Review { Safety::Review } else { Safety::Safe };
        safety == Safety::Manual || (self.args.yes && safety > allowed)
    }

    /// The fix to apply next; at a terminal the user chooses among several.
    async fn choice(&self, fixes: &[Fix]) -> Option<usize> {
        match fixes {
            [] => None,
            [_] => Some(0),
            _ if !self.asks() => Some(0),
            _ => {
                let items: Vec<String> =
                    fixes.iter().map(|fix| format!("{} ({})", fix.title, fix.commands.join("; "))).collect();
                self.terminal.select("Which root cause should be fixed?", &items).await
            }
        }
    }

    /// Plans a fix, shows the plan, asks, and applies it.
    async fn apply(&self, session: &Session<'_>, fix: &Fix, report: &Report) -> anyhow::Result<FixReport> {
        let word = if self.args.dry_run { "Plan for" } else { "Fixing" };
        if !self.terminal.quiet {
            self.terminal.say(&format!("{word} {}: {}", fix.code, fix.title));
        }
        let run = Run::new(self.global, self.terminal, &self.change, session.scope.profile);
        let safety = Cell::new(None);
        let plan = async |session: &Session<'_>| {
            let plan = self.plan(session, fix, report).await?;
            let risk = fix::risk(&plan, report);
            safety.set(Some(risk.safety));
            if self.is_too_risky(risk.safety) {
                return Err(too_risky(risk.safety, risk.why.as_deref().unwrap_or("it is not safe")));
            }
            Ok(plan)
        };
        let changed = run.carry_out(session, &Consent::default(), After::Fixed, plan).await?;
        self.tell(&run, &changed)?;
        Ok(FixReport {
            finding: fix.finding.clone(),
            code: fix.code.clone(),
            title: fix.title.clone(),
            safety: safety.get(),
            outcome: changed.outcome,
            reason: changed.reason,
            fixed: None,
            steps: changed.steps,
        })
    }

    /// One plan for all actions of a fix.
    async fn plan(&self, session: &Session<'_>, fix: &Fix, report: &Report) -> Result<Plan, Refusal> {
        let mut plan = Plan::default();
        for action in &fix.actions {
            if let Action::Server(change, _) = action {
                let facts = observe::look_with_server(session, Depth::Check).await;
                plan.append(server::plan_of(change, &ServerView::of(&facts)?)?);
            } else if is_redeploy(action) {
                let force = self.level == FixLevel::Review;
                plan.append(redeploy::plan_of(session, action, force, report).await?);
            } else {
                plan.steps.extend(session.steps_of(action).await?);
            }
        }
        // A redeploy has reviewed its own permissions.
        if !fix.actions.iter().all(is_redeploy) {
            redeploy::permitted(session, &plan).await?;
        }
        Ok(plan)
    }

    /// Says how a fix ended if nothing was changed. A change has printed its steps.
    fn tell(&self, run: &Run<'_>, changed: &ChangeReport) -> anyhow::Result<()> {
        match changed.outcome {
            Outcome::DryRun => run.show(changed)?,
            Outcome::Done => {}
            Outcome::Unchanged => self.terminal.say("There is nothing to change."),
            _ => {
                let why = changed.reason.as_deref().unwrap_or("the change failed");
                self.terminal.say(&format!("Not fixed: {why}"));
                for line in &changed.instead {
                    self.terminal.say(&format!("  {line}"));
                }
            }
        }
        Ok(())
    }

    /// Checks until the stack has settled.
    async fn settled(&self, session: &Session<'_>, fixed: Option<&str>, before: &Report) -> Report {
        let mut settling = Settling::after(fixed, before);
        let begun = Instant::now();
        loop {
            let report = self.look(session).await;
            if settling.is_settled(&report, begun.elapsed()) || begun.elapsed() >= self.args.wait {
                return report;
            }
            let lacks = report.root_causes().next().map_or("not healthy yet", |cause| cause.code.as_str());
            let line = render::waiting("waiting for the stack to settle", lacks, begun.elapsed(), self.args.wait, None);
            self.terminal.show_step(&line);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(&self, session: &Session<'_>) -> Report {
        let begun = Instant::now();
        let mut facts = if self.args.synthetic {
            let step = |event: &StepEvent<'_>| self.terminal.show_test_step(event);
            let plan = TestPlan { server: self.asks_server.get(), ..TestPlan::default() };
            Box::pin(observe::test(session, Depth::Check, &plan, self.cleanup, Steps(&step))).await
        } else if self.asks_server.get() {
            observe::look_with_server(session, Depth::Check).await
        } else {
            observe::look(session, Depth::Check).await
        };
        // The session is older than this check.
        facts.timings.insert("total".into(), u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.diagnosed(facts)
    }

    fn diagnosed(&self, facts: crate::facts::Facts) -> Report {
        let facts = super::invoked(facts, self.global);
        self.selection.apply(diagnose::diagnose(&facts, self.expect, Source::live()))
    }

    /// The last check with what was done before it, and the exit code.
    fn concluded(&self, mut report: Report, progress: Progress) -> (Report, Exit) {
        let checked = super::exit_of(&report, self.args.fail_on);
        let exit = progress.exit.filter(|exit| *exit == Exit::Partial || checked != Exit::Ok).unwrap_or(checked);
        report.fixes = Some(progress.fixes);
        (report, exit)
    }

    /// Prints the last checks, and what was done before them.
    fn answer(&self, ended: Vec<(Report, Exit)>) -> anyhow::Result<Exit> {
        let (reports, exits): (Vec<Report>, Vec<Exit>) = ended.into_iter().unzip();
        let mut exits = exits.into_iter();
        let judged = Judged::new(reports, |_| exits.next().unwrap_or(Exit::Ok));
        let exit = judged.exit;
        let one = |report: &Report, wide| {
            let look = self.terminal.look(wide);
            if self.terminal.quiet {
                return format!("{}\n", render::verdict_line(report, &look));
            }
            format!("{}{}", render::fixes(report, &look), render::check(report, &look, self.args.all))
        };
        let several = |list: &ReportList, wide| {
            let look = self.terminal.look(wide);
            if self.terminal.quiet {
                return render::verdict_lines(list, &look);
            }
            let fixes: String = list.stacks.iter().map(|report| render::fixes(report, &look)).collect();
            format!("{fixes}{}", render::check_list(list, &look, self.args.all))
        };
        let text = judged.rendered(self.global.output, one, several);
        self.terminal.answer(&text)?;
        Ok(exit)
    }
}

fn is_redeploy(action: &Action) -> bool {
    matches!(action, Action::Redeploy(_) | Action::NewToken)
}

/// Why a fix is not applied automatically, and what to do instead.
fn too_risky(safety: Safety, why: &str) -> Refusal {
    match safety {
        Safety::Manual => Refusal::new(format!("{why}, which only a person may do"), []),
        _ => Refusal::new(
            format!("{why}, which must be reviewed"),
            [Advice::command("check --fix"), Advice::command("check --fix=review --yes")],
        ),
    }
}
