//! Tables as kubectl prints them: columns and nothing else.

use comfy_table::{ContentArrangement, Table, TableStyle};

use super::{
    style::Look,
    text::{Page, width_of},
};
use crate::facts::redact::clean;

/// A table with these headings; where it does not fit, each row becomes a paragraph.
pub fn table(headings: &[&str], rows: &[Vec<String>], look: &Look) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.force_no_tty();
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| clean(cell)));
    }
    let lines: Vec<String> = table.lines().map(|line| format!("  {}", line.trim())).collect();
    let fits = look.width.is_none_or(|width| lines.iter().all(|line| width_of(line) <= width));
    if fits { lines.join("\n") + "\n" } else { paragraphs(headings, rows, look) }
}

/// The rows below each other: the first cell as a heading, the others with their names.
fn paragraphs(headings: &[&str], rows: &[Vec<String>], look: &Look) -> String {
    let mut page = Page::new(look);
    for row in rows {
        let Some((first, rest)) = row.split_first() else {
            continue;
        };
        page.whole("  ", first, look.styles.strong);
        let cells: Vec<String> =
            headings.iter().skip(1).zip(rest).map(|(heading, cell)| format!("{heading} {}", clean(cell))).collect();
        page.parts(4, ", ", &cells);
    }
    page.done()
}

/// An age as kubectl prints it: two units for young things, one for old.
pub(crate) fn age(seconds: i64) -> String {
    let s = seconds.max(0);
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    match s {
        0..=119 => format!("{s}s"),
        120..=599 => with_rest(m, "m", s % 60, "s"),
        600..=10_799 => format!("{m}m"),
        10_800..=28_799 => with_rest(h, "h", m % 60, "m"),
        28_800..=172_799 => format!("{h}h"),
        172_800..=691_199 => with_rest(d, "d", h % 24, "h"),
        _ if d < 730 => format!("{d}d"),
        _ => with_rest(d / 365, "y", d % 365, "d"),
    }
}

fn with_rest(n: i64, unit: &str, rest: i64, rest_unit: &str) -> String {
    if rest == 0 { format!("{n}{unit}") } else { format!("{n}{unit}{rest}{rest_unit}") }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_are_kubectls() {
        for (seconds, shown) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (3600, "60m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (90_000, "25h"),
            (200_000, "2d7h"),
            (864_000, "10d"),
            (800 * 86_400, "2y70d"),
        ] {
            assert_eq!(age(seconds), shown);
        }
    }
}
