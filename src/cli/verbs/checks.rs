//! `checks`: the catalogue, a line each.

use super::explain::Described;
use crate::{
    catalogue,
    cli::{args::Global, exit::Exit, render, terminal::Terminal},
};

pub(crate) fn run(global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let all: Vec<Described> = catalogue::all()
        .map(|diagnosis| Described::new(&diagnosis, false))
        .collect();
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
