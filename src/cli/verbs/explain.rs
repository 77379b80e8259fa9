//! `explain`: a text of the catalogue.

use serde::Serialize;

use crate::{
    catalogue,
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
    pub(crate) fn new(diagnosis: &catalogue::Diagnosis, text: bool) -> Self {
        Self {
            code: diagnosis.code(),
            component: diagnosis.component,
            kind: diagnosis.entry.kind,
            severity: diagnosis.entry.severity,
            title: diagnosis.title(),
            text: text.then(|| diagnosis.text()),
        }
    }
}

pub(crate) fn run(args: &Explain, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let word = args.code.trim().to_lowercase();
    // The id of a finding is its code and perhaps an object.
    let code = word.split(['/', '#']).next().unwrap_or_default();
    if let Some(text) = catalogue::topic(code) {
        terminal.answer(&Redacted::own(render::markdown(
            text,
            &terminal.look(false),
        )))?;
        return Ok(Exit::Ok);
    }
    let own = error_codes::find(code);
    if !own.is_empty() {
        let text = error_codes::text(code, &own);
        terminal.answer(&match global.output {
            Format::Table | Format::Wide => {
                Redacted::own(render::markdown(&text, &terminal.look(false)))
            }
            Format::Json => output::exact_json(&serde_json::json!({ "code": code, "text": text })),
            Format::Yaml => output::exact_yaml(&serde_json::json!({ "code": code, "text": text })),
        })?;
        return Ok(Exit::Ok);
    }
    let Some(diagnosis) = catalogue::find(code) else {
        let near = catalogue::nearest(code);
        let hint = if near.is_empty() {
            "`meshdoctor checks` lists them".to_owned()
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        return Err(UsageError(format!("there is no diagnosis \"{}\"; {hint}", args.code)).into());
    };
    let text = match global.output {
        Format::Table | Format::Wide => {
            Redacted::own(render::markdown(&diagnosis.text(), &terminal.look(false)))
        }
        Format::Json => output::exact_json(&Described::new(&diagnosis, true)),
        Format::Yaml => output::exact_yaml(&Described::new(&diagnosis, true)),
    };
    terminal.answer(&text)?;
    Ok(Exit::Ok)
}
