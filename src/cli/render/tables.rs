//! Tables as kubectl prints them: columns without borders.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableStyle, Width};

use super::{style::Look, text::width_of};
use crate::facts::redact::clean;

/// The space between two columns, and at the edges.
const PADDING: usize = 2;

/// A table with these headings. If it does not fit, the widest columns are wrapped.
pub fn table(headings: &[&str], rows: &[Vec<String>], look: &Look) -> String {
    let headings: Vec<String> = headings.iter().map(|heading| heading.to_uppercase()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    let mut widths: Vec<usize> = headings.iter().map(|heading| width_of(heading)).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(width_of(cell));
        }
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.force_no_tty();
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(&headings);
    table.add_rows(&rows);
    let room = look.width.map_or(usize::MAX, |width| width.saturating_sub(widths.len() * PADDING));
    if let Some(widest) = cap(&widths, room) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        let widest = u16::try_from(widest.saturating_add(PADDING)).unwrap_or(u16::MAX);
        for column in table.column_iter_mut() {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(widest)));
        }
    }
    let lines: Vec<String> = table.lines().map(|line| format!(" {}", line.trim_end())).collect();
    lines.join("\n") + "\n"
}

/// The maximum width of a column so that all columns fit; `None` if they fit anyway. Narrow columns are not wrapped.
fn cap(widths: &[usize], room: usize) -> Option<usize> {
    let needs = |cap: usize| widths.iter().map(|width| (*width).min(cap)).sum::<usize>();
    let widest = widths.iter().copied().max().unwrap_or(0);
    (needs(widest) > room).then(|| (1..widest).rfind(|cap| needs(*cap) <= room).unwrap_or(1))
}

/// An age as kubectl prints it: two units for young objects, one for old ones.
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
    use super::{age, cap};

    #[test]
    fn only_the_widest_columns_are_narrowed() {
        assert_eq!(cap(&[5, 10, 20], 35), None);
        assert_eq!(cap(&[5, 10, 20], 34), Some(19));
        assert_eq!(cap(&[5, 10, 20], 25), Some(10));
        assert_eq!(cap(&[5, 10, 20], 15), Some(5));
        assert_eq!(cap(&[5, 10, 20], 0), Some(1));
    }

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
