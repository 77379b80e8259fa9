//! Selects findings and checks by code, check or component, and counts what was left out.

use super::{self as diagnose, causes, codes, diagnosis, rules, verdict};
use crate::stack::base::usage::UsageError;
use crate::{
    report::{Check, Finding, Kind, Report, Severity, Summary},
    stack::component::Component,
};

/// What was selected (`--only`, `--skip`); empty for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    only: Vec<Word>,
    skip: Vec<Word>,
}

/// One value of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Code(String),
    Component(Component),
    Check(&'static str),
    /// One adapter, by a part of its name.
    Adapter(String),
}

impl Word {
    fn parse(word: &str) -> Result<Self, UsageError> {
        let component = Component::ALL.into_iter().find(|component| component.code() == word);
        if let Some(component) = component {
            return Ok(Self::Component(component));
        }
        if codes::find(word).is_some() {
            return Ok(Self::Code(word.into()));
        }
        if let Some(check) = codes::check(word) {
            return Ok(Self::Check(check.id));
        }
        let components = || Component::ALL.map(|component| component.code().to_owned());
        let mut near = codes::nearest_of(word, components().into_iter());
        near.extend(codes::nearest(word));
        near.truncate(3);
        let hint = if near.is_empty() {
            format!("the components are {}; `meshdoctor checks` lists the codes", components().join(", "))
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        Err(UsageError::new(format!("there is no code, check or component \"{word}\"")).hint(hint))
    }

    fn names(&self, finding: &Finding) -> bool {
        let object = finding.object.as_ref().map_or("", |object| object.name.as_str());
        match self {
            Self::Code(word) => *word == finding.code,
            Self::Component(word) => *word == finding.component,
            Self::Check(id) => found_by(id, &finding.code),
            Self::Adapter(name) => finding.component == Component::Adapter && object.contains(name.as_str()),
        }
    }

    /// Whether this selects a check that can find this code.
    fn names_check(&self, check: &diagnose::Check, known: &diagnosis::Code) -> bool {
        match self {
            Self::Code(word) => *word == known.code(),
            Self::Component(word) => *word == check.category() || *word == known.component,
            Self::Check(id) => *id == check.id,
            Self::Adapter(_) => known.component == Component::Adapter,
        }
    }
}

/// Whether a check can find a code.
fn found_by(id: &str, code: &str) -> bool {
    codes::check(id).zip(codes::find(code)).is_some_and(|(check, known)| check.can_find(&known))
}

impl Selection {
    /// Parses the values of `--only` and `--skip`.
    ///
    /// # Errors
    ///
    /// If a value is not a code, check or component.
    pub fn new(only: &[String], skip: &[String]) -> Result<Self, UsageError> {
        let parse = |words: &[String]| words.iter().map(|word| Word::parse(word)).collect::<Result<_, _>>();
        Ok(Self { only: parse(only)?, skip: parse(skip)? })
    }

    /// Adds a component to the selection.
    pub fn add_component(&mut self, component: Component) {
        self.only.push(Word::Component(component));
    }

    /// Adds the adapters whose name contains this text to the selection.
    pub fn add_adapter(&mut self, name: &str) {
        self.only.push(Word::Adapter(name.to_owned()));
    }

    /// Whether the adapters were selected by name. Meshery Server then tests its connections to them, which takes time.
    pub fn names_adapters(&self) -> bool {
        let rule = &rules::adapter::unreachable::CHECK;
        let known = codes::find(rules::adapter::unreachable::DIAGNOSIS.code);
        known.is_some_and(|known| self.only.iter().any(|word| word.names_check(rule, &known)))
    }

    /// Removes everything else from a report, and counts the removed findings.
    pub fn apply(&self, mut report: Report) -> Report {
        if self.only.is_empty() && self.skip.is_empty() {
            return report;
        }
        let all = report.findings.take().unwrap_or_default();
        let before = all.len();
        let mut kept: Vec<Finding> = all.into_iter().filter(|finding| self.wants(finding)).collect();
        report.silenced = Some(before - kept.len());
        let ids: Vec<String> = kept.iter().map(|finding| finding.id.clone()).collect();
        for finding in &mut kept {
            finding.caused_by.retain(|cause| ids.contains(cause));
        }
        report.root_causes = Some(causes::rank(&mut kept));
        report.summary = Some(Summary::of(&kept));
        report.verdict = Some(verdict::judge(&kept, report.determined, report.not_needed));
        if let Some(checks) = &mut report.checks {
            checks.retain(|check| self.wants_check(check));
            for check in checks {
                check.findings.retain(|id| ids.contains(id));
            }
        }
        report.findings = Some(kept);
        report
    }

    fn wants(&self, finding: &Finding) -> bool {
        let named = |words: &[Word]| words.iter().any(|word| word.names(finding));
        if named(&self.skip) {
            return false;
        }
        // An obstacle is never left out, because the remaining findings would look healthy.
        let obstacle = finding.kind == Kind::Obstacle && finding.severity == Severity::Error;
        self.only.is_empty() || obstacle || named(&self.only)
    }

    /// A check is selected if any code that it can find is selected.
    fn wants_check(&self, check: &Check) -> bool {
        let Some(rule) = rules::every().find(|rule| rule.id == check.id) else {
            return true;
        };
        let named = |words: &[Word], known: &diagnosis::Code| words.iter().any(|word| word.names_check(rule, known));
        codes::all()
            .filter(|known| rule.can_find(known))
            .any(|known| !named(&self.skip, &known) && (self.only.is_empty() || named(&self.only, &known)))
    }
}
