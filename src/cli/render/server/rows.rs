//! Lines with a label.

use owo_colors::{OwoColorize, Style};

use crate::cli::render::text::{Page, width_of};

/// The column in which the values begin.
const INDENT: usize = 17;

/// One line with its label.
pub(super) fn row(page: &mut Page<'_>, label: &str, text: &str) {
    let look = page.look;
    let first = format!("  {}{}", label.style(look.styles.dim), " ".repeat(gap(label)));
    page.paragraph(&first, INDENT, text, Style::new());
}

/// One line about something that is unknown.
pub(super) fn unknown(page: &mut Page<'_>, label: &str, why: Option<&str>) {
    let look = page.look;
    match why {
        Some(why) => {
            let glyph = look.glyphs.unknown.style(look.styles.warning).to_string();
            let first = format!("  {}{}{glyph} ", label.style(look.styles.dim), " ".repeat(gap(label)));
            page.paragraph(&first, INDENT + 2, &format!("unknown: {why}"), Style::new());
        }
        None => {
            let first = format!("  {}{}", label.style(look.styles.dim), " ".repeat(gap(label)));
            page.paragraph(&first, INDENT, "not asked", look.styles.dim);
        }
    }
}

fn gap(label: &str) -> usize {
    INDENT.saturating_sub(2 + width_of(label))
}
