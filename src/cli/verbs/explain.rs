//! `explain`: the explanation of a code.

use crate::diagnose::{codes, diagnosis};
use serde::Serialize;

use crate::{
    cli::{
        args::{Explain, Format, Global},
        exit::Exit,
        output::{self, Redacted},
        render,
        terminal::Terminal,
    },
    report::{Kind, Severity},
    stack::{base::usage::UsageError, component::Component, error_codes},
};

/// A diagnosis, for programs.
#[derive(Serialize)]
pub(crate) struct Described {
    pub(crate) code: String,
    pub(crate) component: Component,
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    pub(crate) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

impl Described {
    pub(crate) fn new(known: &diagnosis::Code, text: bool) -> Self {
        Self {
            code: known.code(),
            component: known.component,
            kind: known.diagnosis.kind,
            severity: known.diagnosis.severity,
            title: known.title(),
            text: text.then(|| known.explanation()),
        }
    }
}

pub(crate) fn run(args: &Explain, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let word = args.code.trim().to_lowercase();
    // The id of a finding is its code and perhaps an object.
    let code = word.split(['/', '#']).next().unwrap_or_default();
    if let Some(text) = codes::topic(code) {
        terminal.answer(&Redacted::own(render::markdown(text, &terminal.look(false))))?;
        return Ok(Exit::Ok);
    }
    let own = error_codes::find(code);
    if !own.is_empty() {
        let text = error_codes::text(code, &own);
        terminal.answer(&match global.output {
            Format::Table | Format::Wide => Redacted::own(render::markdown(&text, &terminal.look(false))),
            Format::Json => output::exact_json(&serde_json::json!({ "code": code, "text": text })),
            Format::Yaml => output::exact_yaml(&serde_json::json!({ "code": code, "text": text })),
        })?;
        return Ok(Exit::Ok);
    }
    let Some(known) = codes::find(code) else {
        let near = codes::nearest(code);
        let hint = if near.is_empty() {
            "`meshdoctor checks` lists them".to_owned()
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        return Err(UsageError::new(format!("there is no diagnosis \"{}\"", args.code)).hint(hint).into());
    };
    let text = match global.output {
        Format::Table | Format::Wide => Redacted::own(render::markdown(&known.explanation(), &terminal.look(false))),
        Format::Json => output::exact_json(&Described::new(&known, true)),
        Format::Yaml => output::exact_yaml(&Described::new(&known, true)),
    };
    terminal.answer(&text)?;
    Ok(Exit::Ok)
}
