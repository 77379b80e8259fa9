//! `explain`: the explanation of a code.

use crate::diagnose::{Check, codes, diagnosis};
use serde::Serialize;
use serde_json::json;

use crate::{
    cli::{
        args::{Format, Global, program},
        exit::Exit,
        output::{self, Redacted},
        render,
        terminal::Terminal,
    },
    report::{Kind, Severity},
    stack::{base::usage::UsageError, component::Component, error_codes, profile::Profile, wording},
};

/// A diagnosis, for programs.
#[derive(Serialize)]
pub(crate) struct Described {
    pub(crate) code: String,
    pub(crate) component: Component,
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    pub(crate) title: String,
    /// Who fixes it.
    pub(crate) cure: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

impl Described {
    pub(crate) fn new(known: &diagnosis::Code, profile: &Profile, text: bool) -> Self {
        Self {
            code: known.code(),
            component: known.component,
            kind: known.diagnosis.kind,
            severity: known.diagnosis.severity,
            title: known.title(profile),
            cure: known.cure(profile),
            text: text.then(|| known.explanation(profile)),
        }
    }
}

pub(crate) fn run(given: &str, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or_default();
    let word = given.trim().to_lowercase();
    // The id of a finding is its code, and an object if the code occurs more than once.
    let code = word.split(['/', '#']).next().unwrap_or_default();
    if let Some(text) = codes::topic(code) {
        let text = wording::of(profile, text);
        return answer(&json!({ "code": code, "text": text }), &text, global, terminal);
    }
    let own = error_codes::find(code);
    if !own.is_empty() {
        let text = error_codes::text(code, &own);
        return answer(&json!({ "code": code, "text": text }), &text, global, terminal);
    }
    let Some(known) = codes::find(code) else {
        if let Some(check) = codes::check(code) {
            let text = text_of_check(check, profile);
            return answer(&json!({ "code": code, "text": text }), &text, global, terminal);
        }
        let near = codes::nearest(code);
        let hint = if near.is_empty() {
            format!("`{} checks` lists them", program())
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        return Err(UsageError::new(format!("there is no code or check \"{given}\"")).hint(hint).into());
    };
    // A code of another profile needs no flag, unless the user named a profile.
    let only = known.diagnosis.profiles.first().copied().filter(|_| global.profile.is_none());
    let profile = only.filter(|only| only.is_hub()).unwrap_or(profile);
    if !known.is_of(profile) {
        let hint = format!("`{} explain {code}` explains it for Meshery", program());
        return Err(UsageError::new(format!("{} has no {code}", profile.product)).hint(hint).into());
    }
    let text = format!("{}\n## Who fixes it\n{}\n", known.explanation(profile), known.cure(profile));
    answer(&Described::new(&known, profile, true), &text, global, terminal)
}

/// The text for people, or the document for programs.
fn answer<T: Serialize>(document: &T, text: &str, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    terminal.answer(&match global.output {
        Format::Table | Format::Wide => Redacted::own(render::markdown(text, &terminal.look(false))),
        Format::Json => output::exact_json(document),
        Format::Yaml => output::exact_yaml(document),
    })?;
    Ok(Exit::Ok)
}

/// A check and the codes that it can find. If there is only one, its explanation is the check's.
fn text_of_check(check: &Check, profile: &Profile) -> String {
    let codes: Vec<diagnosis::Code> = codes::found_by(check).filter(|code| code.is_of(profile)).collect();
    if let [only] = codes.as_slice() {
        return only.explanation(profile);
    }
    let mut text = format!("# {}\n\nThis check passes when {}. It can find:\n\n", check.id, check.title);
    for code in codes {
        text.push_str(&format!("- {}: {}\n", code.code(), code.title(profile)));
    }
    text.push_str(&format!("\n`{} explain CODE` explains each of them.\n", program()));
    text
}
