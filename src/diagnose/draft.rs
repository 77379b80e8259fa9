//! Builds findings: the diagnosis supplies the defaults, the rule adds the details.

use super::{Diagnosis, Judgement, Outcome, diagnosis::Code};
use crate::{
    report::{Command, Finding, Kind, ObjectRef, Remedy, Severity},
    stack::component::Component,
};

impl Diagnosis {
    /// Starts a finding of this diagnosis.
    pub(crate) fn finding(&'static self) -> Draft {
        debug_assert!(self.component.is_some(), "{} needs a component", self.code);
        self.finding_of(self.component.unwrap_or(Component::Cluster))
    }

    /// Starts a finding of this diagnosis about a component's workload.
    pub(crate) fn finding_of(&'static self, component: Component) -> Draft {
        Draft::new(Code { diagnosis: self, component })
    }
}

/// A finding that is being built.
pub(crate) struct Draft(Finding);

impl Draft {
    /// Starts a finding of this code.
    pub(super) fn new(known: Code) -> Self {
        let code = known.code();
        Self(Finding {
            id: code.clone(),
            kind: known.diagnosis.kind,
            severity: known.diagnosis.severity,
            root_cause: false,
            component: known.component,
            // The engine fills in the product's name.
            title: known.title_template(),
            message: String::new(),
            object: None,
            cluster: None,
            evidence: Vec::new(),
            caused_by: Vec::new(),
            explains: Vec::new(),
            remedy: Remedy::default(),
            docs: Some(format!("meshdoctor explain {code}")),
            code,
        })
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }

    pub(crate) fn kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn component(mut self, component: Component) -> Self {
        self.0.component = component;
        self
    }

    /// The fact in one line, more specific than the diagnosis's title.
    pub(crate) fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = title.into();
        self
    }

    /// What it means in this case.
    pub(crate) fn message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    pub(crate) fn object(mut self, object: impl Into<Option<ObjectRef>>) -> Self {
        self.0.object = object.into();
        self
    }

    /// The registered cluster that it is about. It explains nothing about another one.
    pub(crate) fn cluster(mut self, cluster: impl Into<String>) -> Self {
        self.0.cluster = Some(cluster.into()).filter(|cluster| !cluster.is_empty());
        self
    }

    /// How it was determined.
    pub(crate) fn evidence(mut self, line: impl Into<String>) -> Self {
        self.0.evidence.push(line.into());
        self
    }

    pub(crate) fn evidences(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.evidence.extend(lines.into_iter().map(Into::into));
        self
    }

    /// Codes that it explains in this case, besides those that the diagnosis always explains.
    pub(crate) fn explains(mut self, codes: impl IntoIterator<Item = String>) -> Self {
        self.0.explains.extend(codes);
        self
    }

    /// The remedy in words.
    pub(crate) fn remedy(mut self, text: impl Into<String>) -> Self {
        self.0.remedy.text = text.into();
        self
    }

    /// A command of the remedy.
    pub(crate) fn command(mut self, command: Command) -> Self {
        self.0.remedy.commands.push(command);
        self
    }

    /// A command of the remedy that `check --fix` applies. Several of them are applied in order.
    pub(crate) fn fix(self, command: Command) -> Self {
        self.command(Command { fix: true, ..command })
    }

    /// Commands of the remedy that `check --fix` applies, in order.
    pub(crate) fn fixes(self, commands: impl IntoIterator<Item = Command>) -> Self {
        commands.into_iter().fold(self, Self::fix)
    }

    pub(crate) fn commands(mut self, commands: impl IntoIterator<Item = Command>) -> Self {
        self.0.remedy.commands.extend(commands);
        self
    }

    /// The check's outcome: only this finding.
    pub(crate) fn found(self) -> Judgement {
        Outcome::found(vec![self.done()])
    }

    pub(crate) fn done(self) -> Finding {
        self.0
    }
}
