//! The one stylesheet: colours, glyphs, width.

use owo_colors::Style;

use crate::report::{Severity, State, Status};

/// How to render.
#[derive(Clone, Debug)]
pub struct Look {
    /// The colours; without colour they do nothing.
    pub(crate) styles: Styles,
    /// The signs.
    pub(crate) glyphs: &'static Glyphs,
    /// The columns there are; none when nothing is to be wrapped.
    pub(crate) width: Option<usize>,
    /// Whether to show more columns.
    pub(crate) wide: bool,
}

/// The colours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Styles {
    pub(crate) good: Style,
    pub(crate) bad: Style,
    pub(crate) warning: Style,
    pub(crate) dim: Style,
    pub(crate) strong: Style,
    pub(crate) code: Style,
    pub(crate) command: Style,
}

/// The signs; beside each stands a word.
#[derive(Debug)]
pub(crate) struct Glyphs {
    pub(crate) pass: &'static str,
    pub(crate) fail: &'static str,
    pub(crate) warn: &'static str,
    pub(crate) info: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) flows: &'static str,
    pub(crate) broken: &'static str,
    pub(crate) unsure: &'static str,
    pub(crate) idle: &'static str,
    pub(crate) dot: &'static str,
    pub(crate) bullet: &'static str,
    pub(crate) down: &'static str,
}

static UNICODE: Glyphs = Glyphs {
    pass: "✓",
    fail: "✗",
    warn: "!",
    info: "i",
    skip: "-",
    unknown: "?",
    flows: "──▶",
    broken: "─✗▶",
    unsure: "─?▶",
    idle: "┄┄▶",
    dot: "·",
    bullet: "·",
    down: "│",
};

static ASCII: Glyphs = Glyphs {
    pass: "+",
    fail: "x",
    warn: "!",
    info: "i",
    skip: "-",
    unknown: "?",
    flows: "-->",
    broken: "-x>",
    unsure: "-?>",
    idle: "..>",
    dot: "|",
    bullet: "*",
    down: "|",
};

impl Look {
    /// Decided once, by the terminal.
    pub fn new(color: bool, unicode: bool, width: Option<usize>, wide: bool) -> Self {
        Self {
            styles: if color { Styles::colored() } else { Styles::default() },
            glyphs: if unicode { &UNICODE } else { &ASCII },
            width,
            wide,
        }
    }

    /// Without colour and width, as a file gets it.
    pub fn plain() -> Self {
        Self::new(false, true, None, false)
    }

    pub(crate) fn status(&self, status: Status) -> (&'static str, Style) {
        match status {
            Status::Pass => (self.glyphs.pass, self.styles.good),
            Status::Warn => (self.glyphs.warn, self.styles.warning),
            Status::Fail => (self.glyphs.fail, self.styles.bad),
            Status::Skip => (self.glyphs.skip, self.styles.dim),
            Status::Unknown => (self.glyphs.unknown, self.styles.warning),
        }
    }

    pub(crate) fn severity(&self, severity: Severity) -> (&'static str, Style) {
        match severity {
            Severity::Error => (self.glyphs.fail, self.styles.bad),
            Severity::Warning => (self.glyphs.warn, self.styles.warning),
            Severity::Info => (self.glyphs.info, self.styles.dim),
        }
    }

    /// A state by itself: whether it is a good one.
    pub(crate) fn state(&self, state: State) -> (&'static str, Style) {
        match state {
            State::Connected | State::Deployed | State::Running => (self.glyphs.pass, self.styles.good),
            State::NotDeployed | State::Undeployed | State::NotSeen => (self.glyphs.skip, self.styles.dim),
            State::Deploying | State::Enabled => (self.glyphs.warn, self.styles.warning),
            State::Unknown => (self.glyphs.unknown, self.styles.warning),
        }
    }
}

impl Styles {
    fn colored() -> Self {
        Self {
            good: Style::new().green(),
            bad: Style::new().red().bold(),
            warning: Style::new().yellow(),
            dim: Style::new().dimmed(),
            strong: Style::new().bold(),
            code: Style::new().cyan(),
            command: Style::new().cyan(),
        }
    }
}
