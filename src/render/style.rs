//! The one stylesheet: colours, glyphs, width.

use owo_colors::Style;

use crate::report::{Severity, State, Status};

/// How to render.
#[derive(Clone, Debug)]
pub struct Look {
    /// The colours; without colour they do nothing.
    pub(super) styles: Styles,
    /// The signs.
    pub(super) glyphs: &'static Glyphs,
    /// The columns there are; none when nothing is to be wrapped.
    pub(super) width: Option<usize>,
    /// Whether to show more columns.
    pub(super) wide: bool,
}

/// The colours.
#[derive(Clone, Debug, Default)]
pub(super) struct Styles {
    pub(super) good: Style,
    pub(super) bad: Style,
    pub(super) warning: Style,
    pub(super) dim: Style,
    pub(super) strong: Style,
    pub(super) code: Style,
    pub(super) command: Style,
}

/// The signs; beside each stands a word.
#[derive(Debug)]
pub(super) struct Glyphs {
    pub(super) pass: &'static str,
    pub(super) fail: &'static str,
    pub(super) warn: &'static str,
    pub(super) info: &'static str,
    pub(super) skip: &'static str,
    pub(super) unknown: &'static str,
    pub(super) flows: &'static str,
    pub(super) broken: &'static str,
    pub(super) unsure: &'static str,
    pub(super) idle: &'static str,
    pub(super) dot: &'static str,
    pub(super) bullet: &'static str,
    pub(super) down: &'static str,
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
            styles: if color {
                Styles::colored()
            } else {
                Styles::default()
            },
            glyphs: if unicode { &UNICODE } else { &ASCII },
            width,
            wide,
        }
    }

    /// Without colour and width, as a file gets it.
    pub fn plain() -> Self {
        Self::new(false, true, None, false)
    }

    pub(super) fn status(&self, status: Status) -> (&'static str, Style) {
        match status {
            Status::Pass => (self.glyphs.pass, self.styles.good),
            Status::Warn => (self.glyphs.warn, self.styles.warning),
            Status::Fail => (self.glyphs.fail, self.styles.bad),
            Status::Skip => (self.glyphs.skip, self.styles.dim),
            Status::Unknown => (self.glyphs.unknown, self.styles.warning),
        }
    }

    pub(super) fn severity(&self, severity: Severity) -> (&'static str, Style) {
        match severity {
            Severity::Error => (self.glyphs.fail, self.styles.bad),
            Severity::Warning => (self.glyphs.warn, self.styles.warning),
            Severity::Info => (self.glyphs.info, self.styles.dim),
        }
    }

    /// A state by itself: whether it is a good one.
    pub(super) fn state(&self, state: State) -> (&'static str, Style) {
        match state {
            State::Connected | State::Deployed | State::Running => {
                (self.glyphs.pass, self.styles.good)
            }
            State::NotDeployed | State::Undeployed | State::NotSeen => {
                (self.glyphs.skip, self.styles.dim)
            }
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
