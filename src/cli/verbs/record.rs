//! `record`: observe, write.

use std::path::Path;

use crate::{
    cli::{
        args::{Format, Global, Record, program},
        exit::Exit,
        output::Redacted,
        terminal::Terminal,
    },
    cluster::cleanup::Cleanup,
    facts::{recording, redact},
    observe::{Depth, connectivity::TestPlan},
    stack::base::{
        files::{self, Existing},
        usage::UsageError,
        words,
    },
};

pub(crate) async fn run(
    args: &Record,
    global: &Global,
    terminal: &Terminal,
    cleanup: &Cleanup,
) -> anyhow::Result<Exit> {
    let file = match &args.file {
        Some(file) => file.clone(),
        // A recording is not readable on a terminal.
        None if terminal.stdout => default_name(global),
        None => "-".into(),
    };
    let to_stdout = file == "-";
    let path = Path::new(&file);
    let unwritable = |error: files::WriteError| UsageError::new(format!("cannot write {}: {error}", path.display()));
    let is_there = !to_stdout && files::exists(path).map_err(unwritable)?;
    if is_there && !args.force {
        let question = format!("{} already exists. Overwrite it?", path.display());
        match terminal.confirm(&question).await {
            Some(true) => {}
            Some(false) => return Ok(Exit::Refused),
            None => {
                terminal.say(&format!("{} already exists; use --force to overwrite it", path.display()));
                return Ok(Exit::Refused);
            }
        }
    }
    let depth = if args.preflight { Depth::Preflight } else { Depth::Check };
    let stacks = if args.synthetic {
        let plan = TestPlan { server: true, ..TestPlan::default() };
        vec![Box::pin(super::test::look(&plan, depth, global, terminal, cleanup)).await?]
    } else {
        super::look(global, super::Extent { depth, whole_server: true }, terminal, &args.remote_contexts).await?
    };
    let list = recording::list(&stacks);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let text = match (global.output, ending) {
        (Format::Yaml, _) | (Format::Table | Format::Wide, Some("yaml" | "yml")) => Redacted::yaml(&list),
        _ => Redacted::json(&list),
    };
    if to_stdout {
        terminal.answer(&text)?;
    } else {
        // The user has not agreed to overwrite a file that was created meanwhile.
        let existing = if is_there || args.force { Existing::Replace } else { Existing::Keep };
        files::write(path, &text, existing).map_err(unwritable)?;
        terminal.say(&format!(
            "Recorded in {file}. Diagnose it: {} check{} --from {}",
            program(),
            if args.preflight { " --preflight" } else { "" },
            words::quoted(&file)
        ));
    }
    Ok(match stacks.iter().find_map(|facts| facts.obstacle.as_ref()) {
        Some(obstacle) => {
            terminal.say(&redact::clean(&obstacle.message));
            Exit::Undetermined
        }
        None => Exit::Ok,
    })
}

/// A file name with context and time: `meshdoctor-prod-20261121T120000Z.json`.
fn default_name(global: &Global) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let context = global.access.context.as_deref().map(|context| context.chars().map(plain).collect::<String>() + "-");
    let time = crate::cluster::now().strftime("%Y%m%dT%H%M%SZ");
    format!("meshdoctor-{}{time}.json", context.unwrap_or_default())
}
