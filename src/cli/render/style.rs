//! The one stylesheet: colors, glyphs, width.

use owo_colors::{Style, XtermColors};

use crate::report::{Severity, State, Status};

/// How to render.
#[derive(Clone, Debug)]
pub struct Look {
    /// The colors; without color they do nothing.
    pub(crate) styles: Styles,
    /// The glyphs.
    pub(crate) glyphs: &'static Glyphs,
    /// The width in columns; `None` if nothing is wrapped.
    pub(crate) width: Option<usize>,
    /// The height in lines; `None` if nothing is wrapped.
    pub(crate) height: Option<usize>,
    /// Whether to show more columns.
    pub(crate) wide: bool,
}

/// The colors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Styles {
    pub(crate) good: Style,
    pub(crate) bad: Style,
    pub(crate) warning: Style,
    pub(crate) dim: Style,
    pub(crate) strong: Style,
    pub(crate) command: Style,
}

/// The glyphs; each is followed by a word.
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
    pub(crate) ellipsis: &'static str,
    pub(crate) bullet: &'static str,
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
    ellipsis: "…",
    bullet: "·",
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
    ellipsis: "...",
    bullet: "*",
};

impl Look {
    /// Decided once, by the terminal.
    pub fn new(color: bool, unicode: bool, size: Option<(usize, usize)>, wide: bool) -> Self {
        Self {
            styles: if color { Styles::colored() } else { Styles::default() },
            glyphs: if unicode { &UNICODE } else { &ASCII },
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            wide,
        }
    }

    /// Without color and width, as for a file.
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

    /// The glyph of a state alone.
    pub(crate) fn state(&self, state: State) -> (&'static str, Style) {
        match state {
            State::Connected | State::Deployed | State::Running | State::Accepted => {
                (self.glyphs.pass, self.styles.good)
            }
            State::NotDeployed | State::Undeployed | State::NotSeen => (self.glyphs.skip, self.styles.dim),
            State::Deploying | State::Enabled | State::Pending => (self.glyphs.warn, self.styles.warning),
            State::Invalid | State::Failed => (self.glyphs.fail, self.styles.bad),
            State::Unknown => (self.glyphs.unknown, self.styles.warning),
        }
    }
}

// Colors of the 256-color palette: at least 3.8:1 on white and on black. The terminal's own yellow and cyan have about 2:1
// on white.
const GREEN: XtermColors = XtermColors::JapaneseLaurel;
const RED: XtermColors = XtermColors::GuardsmanRed;
const ORANGE: XtermColors = XtermColors::TennOrange;
const BLUE: XtermColors = XtermColors::DeepCerulean;

impl Styles {
    fn colored() -> Self {
        Self {
            good: Style::new().color(GREEN),
            bad: Style::new().color(RED).bold(),
            warning: Style::new().color(ORANGE).bold(),
            dim: Style::new().dimmed(),
            strong: Style::new().bold(),
            command: Style::new().color(BLUE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, as WCAG 2 defines it.
    fn luminance(color: XtermColors) -> f64 {
        // The palette's cube of 6 by 6 by 6 colors.
        let index = u8::from(color) - 16;
        let [r, g, b] =
            [index / 36, index / 6 % 6, index % 6].map(|level| if level == 0 { 0 } else { 55 + 40 * level });
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    #[test]
    fn colors_are_readable_on_white_and_on_black() {
        for color in [GREEN, RED, ORANGE, BLUE] {
            let luminance = luminance(color);
            let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
            assert!(on_white > 3.7 && on_black > 3.7, "{color:?}: {on_white:.1} on white, {on_black:.1} on black");
        }
    }
}
