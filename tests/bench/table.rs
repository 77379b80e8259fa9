//! The report: each figure next to its budget.

use std::fmt;

use serde::Serialize;

/// The unit of a figure.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// Milliseconds.
    Ms,
    /// Mebibytes.
    MiB,
    /// A multiple of the peer's figure.
    Times,
    /// A number of items.
    Count,
}

/// A figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    what: String,
    figure: f64,
    unit: Unit,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

impl Row {
    /// A figure without a budget.
    pub(crate) fn new(what: impl Into<String>, figure: f64, unit: Unit) -> Self {
        Self { what: what.into(), figure, unit, budget: None, met: None, note: String::new() }
    }

    /// Sets the budget: the maximum of the figure.
    pub(crate) fn at_most(mut self, budget: f64) -> Self {
        self.budget = Some(budget);
        self.met = Some(self.figure <= budget);
        self
    }

    /// Adds an explanation.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

fn shown(figure: f64, unit: Unit) -> String {
    match unit {
        Unit::Ms => format!("{figure:.1} ms"),
        Unit::MiB => format!("{figure:.1} MiB"),
        Unit::Times => format!("{figure:.2} ×"),
        Unit::Count => format!("{figure:.0}"),
    }
}

/// All figures, and the machine on which they were measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The machine and the build.
    pub(crate) machine: String,
    /// The number of runs for each median.
    pub(crate) runs: usize,
    /// The figures.
    pub(crate) figures: Vec<Row>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}; medians of {}", self.machine, self.runs)?;
        let width = self.figures.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
        writeln!(formatter, "\n{:width$}  {:>9}  {:>10}  {:4}", "what", "figure", "budget", "")?;
        for row in &self.figures {
            let budget = row.budget.map_or_else(String::new, |budget| format!("≤ {}", shown(budget, row.unit)));
            let verdict = match row.met {
                Some(true) => "ok",
                Some(false) => "OVER",
                None => "",
            };
            let figure = shown(row.figure, row.unit);
            let line = format!("{:width$}  {figure:>9}  {budget:>10}  {verdict:4}  {}", row.what, row.note);
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
