//! Writes the files of a new diagnosis (rule, explanation and fixture) and registers it for its component.
//!
//! `cargo run --example new-diagnosis -- CODE COMPONENT "TITLE"`, from the root of a checkout.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

const COMPONENTS: [&str; 5] = ["cluster", "installation", "operator", "broker", "meshsync"];

/// A new diagnosis.
struct Diagnosis {
    code: String,
    component: String,
    title: String,
}

impl Diagnosis {
    /// Reads the command line.
    fn of(arguments: &[String]) -> Result<Self, String> {
        let [code, component, title] = arguments else {
            return Err("usage: new-diagnosis CODE COMPONENT \"TITLE\"".into());
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if code.is_empty() || !code.chars().all(is_plain) || code.starts_with('-') {
            return Err(format!("\"{code}\" is not a code: use a form like broker-token-missing"));
        }
        if !COMPONENTS.contains(&component.as_str()) {
            return Err(format!("\"{component}\" is not one of {}", COMPONENTS.join(", ")));
        }
        if title.contains('"') || title.trim().is_empty() {
            return Err("the title must not be empty or contain double quotes".into());
        }
        Ok(Self { code: code.clone(), component: component.clone(), title: title.clone() })
    }

    /// The folder under `rules/`: that of the component with which the code begins, otherwise that of the given
    /// component.
    fn folder(&self) -> &str {
        let named = COMPONENTS
            .iter()
            .find(|component| self.code.strip_prefix(**component).is_some_and(|rest| rest.starts_with('-')));
        named.copied().unwrap_or(&self.component)
    }

    /// The module name: the rest of the code.
    fn module(&self) -> String {
        let rest = self.code.strip_prefix(self.folder()).and_then(|rest| rest.strip_prefix('-'));
        rest.unwrap_or(&self.code).replace('-', "_")
    }

    fn rule(&self) -> String {
        let Self { code, title, .. } = self;
        let module = self.module();
        let component = capitalized(&self.component);
        format!(
            r#"use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {{
    code: "{code}",
    title: "{title}",
    explains: &[],
    explanation: include_str!("{module}.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::{component})
}};

pub(crate) static CHECK: Check = Check {{
    id: "{code}",
    title: "the statement that should be true",
    ..Check::of(&[&DIAGNOSIS], judge)
}};

fn judge(context: &RuleContext<'_>) -> Judgement {{
    let Some(evidence) = problem(context) else {{
        return Outcome::pass();
    }};
    DIAGNOSIS
        .finding()
        .message("What it means here.")
        .evidence(evidence)
        .remedy("what to do")
        .command(context.restart(Component::{component}))
        .found()
}}

/// The problem in the facts, as evidence.
fn problem(_context: &RuleContext<'_>) -> Option<String> {{
    None
}}
"#
        )
    }

    fn explanation(&self) -> String {
        let Self { code, title, .. } = self;
        format!(
            "# {code}\n\n{title}.\n\n## What it means\n\n## Causes\n\n## How to confirm\n\n\
             ## How to fix\n\n## Versions\nAll versions.\n"
        )
    }
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// Writes a new file.
fn write_new(path: &Path, text: &str) -> Result<(), String> {
    if path.exists() {
        return Err(format!("{} already exists", path.display()));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Adds the module, its diagnosis and its check to the registry of the component.
fn register(registry: &str, module: &str) -> Option<String> {
    let mut text = registry.to_owned();
    let declared = format!("pub(crate) mod {module};\n");
    let modules: Vec<&str> = registry.lines().filter(|line| line.starts_with("pub(crate) mod ")).collect();
    let next = modules.iter().find(|line| **line > declared.trim_end()).or(modules.last())?;
    let at = text.find(next)?;
    text.insert_str(at, &declared);
    for (list, item) in [("DIAGNOSES", "DIAGNOSIS"), ("CHECKS", "CHECK")] {
        let start = text.find(&format!("static {list}: "))?;
        let end = start + text[start..].find("\n];")?;
        text.insert_str(end, &format!("\n    &{module}::{item},"));
    }
    Some(text)
}

fn add(root: &Path, diagnosis: &Diagnosis) -> Result<Vec<PathBuf>, String> {
    let module = diagnosis.module();
    let folder = root.join("src/diagnose/rules").join(diagnosis.folder());
    let registry = folder.join("mod.rs");
    let before = fs::read_to_string(&registry).map_err(|error| format!("{}: {error}", registry.display()))?;
    let after = register(&before, &module)
        .ok_or_else(|| format!("{} has no list of diagnoses and checks", registry.display()))?;
    let rule = folder.join(format!("{module}.rs"));
    let explanation = folder.join(format!("{module}.md"));
    let fixture = root.join("fixtures").join(&diagnosis.code).join("patch.yaml");
    write_new(&rule, &diagnosis.rule())?;
    write_new(&explanation, &diagnosis.explanation())?;
    write_new(&fixture, "base: healthy\nchange: []\n")?;
    fs::write(&registry, after).map_err(|error| format!("{}: {error}", registry.display()))?;
    Ok(vec![rule, explanation, fixture, registry])
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a separate program")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Diagnosis::of(&arguments).and_then(|diagnosis| add(Path::new("."), &diagnosis)) {
        Ok(paths) => {
            for path in paths {
                println!("{}", path.strip_prefix(".").unwrap_or(&path).display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
