//! `record`: observe, write.

use std::{fs, io::Write, path::Path};

use crate::{
    cleanup::Cleanup,
    cli::{Format, Global, Record},
    exit::{Exit, UsageError},
    observe::{Depth, TestPlan},
    recording, render,
    terminal::Terminal,
    words,
};

pub(super) async fn run(
    args: &Record,
    global: &Global,
    terminal: &Terminal,
    cleanup: &Cleanup,
) -> anyhow::Result<Exit> {
    let to_stdout = args.file == "-";
    let path = Path::new(&args.file);
    if !to_stdout && path.exists() && !args.force {
        let question = format!("{} is there already. Overwrite it?", path.display());
        match terminal.confirm(&question).await {
            Some(true) => {}
            Some(false) => return Ok(Exit::Refused),
            None => {
                terminal.say(&format!(
                    "{} is there already; --force overwrites it",
                    path.display()
                ));
                return Ok(Exit::Refused);
            }
        }
    }
    let depth = if args.preflight {
        Depth::Preflight
    } else {
        Depth::Check
    };
    let facts = if args.synthetic {
        Box::pin(super::test::look(
            &TestPlan::default(),
            depth,
            global,
            terminal,
            cleanup,
        ))
        .await?
    } else {
        super::look(global, depth, terminal).await?
    };
    let list = recording::list(&facts);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let text = match (global.output, ending) {
        (Format::Yaml, _) | (Format::Table | Format::Wide, Some("yaml" | "yml")) => {
            render::yaml(&list)
        }
        _ => render::json(&list),
    };
    if to_stdout {
        terminal.answer(&text)?;
    } else {
        write(path, &text).map_err(|error| {
            UsageError(format!(
                "cannot write {}: {}",
                path.display(),
                words::io(&error)
            ))
        })?;
        terminal.say(&format!(
            "Recorded in {}. Judge it with: meshdoctor system check{} --from {}",
            path.display(),
            if args.preflight { " --preflight" } else { "" },
            path.display()
        ));
    }
    Ok(match facts.obstacle {
        Some(obstacle) => {
            terminal.say(&render::clean(&obstacle.message));
            Exit::Undetermined
        }
        None => Exit::Ok,
    })
}

/// Writes a file whole or not at all: a run that is killed leaves the old one.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let result = fs::File::create(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result
}
