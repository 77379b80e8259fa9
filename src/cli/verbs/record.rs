//! `record`: observe, write.

use std::path::Path;

use crate::{
    cli::{
        args::{Format, Global, Record},
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
    },
};

pub(crate) async fn run(
    args: &Record,
    global: &Global,
    terminal: &Terminal,
    cleanup: &Cleanup,
) -> anyhow::Result<Exit> {
    let to_stdout = args.file == "-";
    let path = Path::new(&args.file);
    let unwritable = |error: files::WriteError| UsageError::new(format!("cannot write {}: {error}", path.display()));
    let is_there = !to_stdout && files::exists(path).map_err(unwritable)?;
    if is_there && !args.force {
        let question = format!("{} is there already. Overwrite it?", path.display());
        match terminal.confirm(&question).await {
            Some(true) => {}
            Some(false) => return Ok(Exit::Refused),
            None => {
                terminal.say(&format!("{} is there already; --force overwrites it", path.display()));
                return Ok(Exit::Refused);
            }
        }
    }
    let depth = if args.preflight { Depth::Preflight } else { Depth::Check };
    let facts = if args.synthetic {
        Box::pin(super::test::look(&TestPlan::default(), depth, global, terminal, cleanup)).await?
    } else {
        super::look(global, depth, terminal).await?
    };
    let list = recording::list(&facts);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let text = match (global.output, ending) {
        (Format::Yaml, _) | (Format::Table | Format::Wide, Some("yaml" | "yml")) => Redacted::yaml(&list),
        _ => Redacted::json(&list),
    };
    if to_stdout {
        terminal.answer(&text)?;
    } else {
        // A file that came meanwhile was not agreed to.
        let existing = if is_there || args.force { Existing::Replace } else { Existing::Keep };
        files::write(path, &text, existing).map_err(unwritable)?;
        terminal.say(&format!(
            "Recorded in {}. Judge it with: meshdoctor system check{} --from {}",
            path.display(),
            if args.preflight { " --preflight" } else { "" },
            path.display()
        ));
    }
    Ok(match facts.obstacle {
        Some(obstacle) => {
            terminal.say(&redact::clean(&obstacle.message));
            Exit::Undetermined
        }
        None => Exit::Ok,
    })
}
