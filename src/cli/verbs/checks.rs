//! `checks`: the codes, one per line.

use super::explain::Described;
use crate::cli::{args::Global, exit::Exit, render, terminal::Terminal};
use crate::diagnose::codes;

pub(crate) fn run(global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or_default();
    let all = codes::all().filter(|known| known.is_of(profile));
    let all: Vec<Described> = all.map(|known| Described::new(&known, profile, false)).collect();
    let text = super::rendered(&all, global.output, |wide| {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|one| {
                let severity = match one.kind {
                    crate::report::Kind::Obstacle => "obstacle".to_owned(),
                    crate::report::Kind::Fault => one.severity.to_string(),
                };
                vec![one.code.clone(), severity, one.title.clone()]
            })
            .collect();
        render::list(&["code", "severity", "title"], &rows, &terminal.look(wide))
    });
    terminal.answer(&text)?;
    Ok(Exit::Ok)
}
