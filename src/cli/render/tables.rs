//! Tables as kubectl prints them: columns without borders.

use comfy_table::{ContentArrangement, Table, TableStyle};

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
    let room = look.width.map_or(usize::MAX, |width| width.saturating_sub(widths.len() * PADDING));
    let caps = cap(&widths, room).map_or_else(|| widths.clone(), |cap| caps(&headings, &rows, &widths, cap, room));
    let wrapped = |row: &Vec<String>| {
        let cells = row.iter().zip(&caps).map(|(cell, cap)| broken(cell, *cap).join("\n"));
        cells.collect::<Vec<String>>()
    };
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.force_no_tty();
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(wrapped(&headings));
    table.add_rows(rows.iter().map(wrapped));
    let lines: Vec<String> = table.lines().map(|line| format!(" {}", line.trim_end())).collect();
    lines.join("\n") + "\n"
}

/// The maximum width of each column. What the broken columns leave unused goes to those that then need not be broken.
fn caps(headings: &[String], rows: &[Vec<String>], widths: &[usize], cap: usize, room: usize) -> Vec<usize> {
    let needed = |column: usize| {
        let cells = std::iter::once(headings).chain(rows.iter().map(Vec::as_slice)).filter_map(|row| row.get(column));
        cells.flat_map(|cell| broken(cell, cap)).map(|line| width_of(&line)).max().unwrap_or(0)
    };
    let mut caps: Vec<usize> = (0..widths.len()).map(needed).collect();
    let mut left = room.saturating_sub(caps.iter().sum());
    for (cap, width) in caps.iter_mut().zip(widths) {
        let more = width.saturating_sub(*cap);
        if more <= left {
            left -= more;
            *cap = *width;
        }
    }
    caps
}

/// Where a cell may be broken, the best places first: between words, after the parts of an image or of a list, after the
/// parts of a name or of an address, anywhere.
const BREAKS: [&[char]; 3] = [&[' '], &['/', ':', '@', ','], &['-', '.']];

/// The lines of a cell in a column of this width.
fn broken(cell: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![cell.to_owned()];
    for at in BREAKS {
        pieces = pieces.into_iter().flat_map(|piece| smaller(piece, width, |text| after(text, at))).collect();
    }
    let letters = |text: &str| text.chars().map(String::from).collect();
    pieces = pieces.into_iter().flat_map(|piece| smaller(piece, width, letters)).collect();
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if width_of(&format!("{line}{}", piece.trim_end())) <= width => line.push_str(&piece),
            _ => lines.push(piece),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The piece itself if it fits, otherwise its parts.
fn smaller(piece: String, width: usize, parts: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    if width_of(piece.trim_end()) <= width { vec![piece] } else { parts(&piece) }
}

/// The parts of a text, each of which ends with one of these characters.
fn after(text: &str, at: &[char]) -> Vec<String> {
    text.split_inclusive(at).map(str::to_owned).collect()
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
    use super::{age, broken, cap};

    #[test]
    fn cells_are_broken_between_the_parts_of_an_image_or_a_name() {
        for (cell, width, lines) in [
            ("meshery/meshery-operator:1.0.5", 27, &["meshery/meshery-operator:", "1.0.5"][..]),
            ("meshery/meshery-operator:1.0.5", 18, &["meshery/", "meshery-operator:", "1.0.5"]),
            ("nats:2.14.2-alpine", 17, &["nats:", "2.14.2-alpine"]),
            ("4222/TCP,8222/TCP", 11, &["4222/TCP,", "8222/TCP"]),
            ("meshery-operator-6f5d4847b4-frc7p", 18, &["meshery-operator-", "6f5d4847b4-frc7p"]),
            ("two words of prose", 9, &["two words", "of prose"]),
            ("0123456789", 4, &["0123", "4567", "89"]),
        ] {
            assert_eq!(broken(cell, width), lines, "{cell} on {width}");
        }
    }

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
