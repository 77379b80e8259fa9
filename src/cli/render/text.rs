//! Text for a terminal, which may come from a cluster.

use owo_colors::{OwoColorize, Style};

use super::style::Look;
use crate::facts::redact::clean;

/// A text that is being built. Everything is cleaned before it is added.
pub(crate) struct Page<'a> {
    pub(crate) look: &'a Look,
    text: String,
}

impl<'a> Page<'a> {
    pub(crate) fn new(look: &'a Look) -> Self {
        Self { look, text: String::new() }
    }

    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// An empty line between two parts, but not at the top.
    pub(crate) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.blank();
        }
    }

    /// A line, unchanged; its parts were cleaned when they were styled.
    pub(crate) fn raw(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A paragraph, wrapped, each line indented by `indent`, the first by `first` instead.
    pub(crate) fn paragraph(&mut self, first: &str, indent: usize, text: &str, style: Style) {
        self.paragraph_with_tail(first, indent, text, style, "");
    }

    /// A paragraph with a dimmed tail after its last word, or on its own line if there is no room.
    pub(crate) fn paragraph_with_tail(&mut self, first: &str, indent: usize, text: &str, style: Style, tail: &str) {
        let indented = indent.max(width_of(first));
        let room = self.look.width.map(|width| width.saturating_sub(indented).max(20));
        let mut lines = self.wrapped(indented, text);
        let tail = clean(tail);
        let last = lines.last().map_or(0, |line| width_of(line));
        let beside = !tail.is_empty() && room.is_none_or(|room| last + 1 + width_of(&tail) <= room);
        if !beside && !tail.is_empty() {
            lines.push(String::new());
        }
        let end = lines.len() - 1;
        for (i, line) in lines.iter().enumerate() {
            let start = if i == 0 { first.to_owned() } else { " ".repeat(indent) };
            let mut shown = format!("{start}{}", line.style(style));
            if i == end && !tail.is_empty() {
                if beside {
                    shown.push(' ');
                }
                shown.push_str(&tail.style(self.look.styles.dim).to_string());
            }
            self.raw(&shown);
        }
    }

    /// The first sentences of a text that fit on this number of lines, at least one.
    pub(crate) fn sentences(&self, indent: usize, text: &str, lines: usize) -> String {
        let ends = text.match_indices(". ").map(|(at, _)| at + 1).chain([text.len()]);
        let fits = |end: &usize| self.wrapped(indent, &text[..*end]).len() <= lines;
        let ends: Vec<usize> = ends.collect();
        let end = ends.iter().rfind(|end| fits(end)).or(ends.first());
        text[..end.copied().unwrap_or_default()].to_owned()
    }

    /// As much of a text as fits on this number of lines, with an ellipsis if it was cut.
    pub(crate) fn excerpt(&self, indent: usize, text: &str, lines: usize) -> String {
        let wrapped = self.wrapped(indent, text);
        if wrapped.len() <= lines || lines == 0 {
            return text.to_owned();
        }
        let kept = wrapped[..lines].join(" ");
        let short = kept.rsplit_once(' ').map_or(kept.as_str(), |(start, _)| start);
        format!("{short} {}", self.look.glyphs.ellipsis)
    }

    /// Whether a text fits on one line.
    pub(crate) fn fits(&self, indent: usize, text: &str) -> bool {
        self.wrapped(indent, text).len() == 1
    }

    /// The wrapped lines of a text with this indent.
    fn wrapped(&self, indent: usize, text: &str) -> Vec<String> {
        let text = clean(text);
        let Some(width) = self.look.width else {
            return vec![text];
        };
        let options = textwrap::Options::new(width.saturating_sub(indent).max(20))
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        textwrap::wrap(&text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    /// Parts side by side, as many per line as fit. The parts are styled and clean.
    pub(crate) fn parts(&mut self, indent: usize, separator: &str, parts: &[String]) {
        let room = self.look.width.unwrap_or(usize::MAX).saturating_sub(indent);
        let lead = " ".repeat(indent);
        let mut line = String::new();
        for part in parts {
            if !line.is_empty() && width_of(&line) + width_of(separator) + width_of(part) > room {
                self.raw(&format!("{lead}{line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push_str(separator);
            }
            line.push_str(part);
        }
        self.raw(&format!("{lead}{line}"));
    }

    /// A line that is not wrapped, so that it can be pasted.
    pub(crate) fn whole(&mut self, first: &str, text: &str, style: Style) {
        self.raw(&format!("{first}{}", clean(text).style(style)));
    }

    pub(crate) fn done(self) -> String {
        self.text
    }
}

/// As much of a text as fits in this many columns, with an ellipsis if it was cut.
pub fn fitted(text: &str, room: usize, look: &Look) -> String {
    if width_of(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(width_of(look.glyphs.ellipsis));
    let ends = text.char_indices().map(|(start, _)| start);
    let end = ends.take_while(|end| width_of(&text[..*end]) <= room).last().unwrap_or_default();
    format!("{}{}", &text[..end], look.glyphs.ellipsis)
}

/// The width of a text on the screen.
pub(crate) fn width_of(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// One of our own Markdown texts for a terminal: headings are bold, code is not wrapped, prose is.
pub fn markdown(text: &str, look: &Look) -> String {
    let mut page = Page::new(look);
    let mut prose = String::new();
    let mut first = String::new();
    let flush = |page: &mut Page<'_>, prose: &mut String, first: &mut String| {
        if !prose.is_empty() {
            let indent = width_of(first);
            page.paragraph(first, indent, &plain(prose), Style::new());
            prose.clear();
        }
        first.clear();
    };
    for line in text.lines() {
        let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
            flush(&mut page, &mut prose, &mut first);
            page.whole("", &plain(heading), look.styles.strong);
        } else if line.starts_with("    ") {
            flush(&mut page, &mut prose, &mut first);
            page.whole("    ", line.trim_start_matches("    "), look.styles.command);
        } else if line.trim().is_empty() {
            flush(&mut page, &mut prose, &mut first);
            page.blank();
        } else if let Some(item) = item {
            flush(&mut page, &mut prose, &mut first);
            "- ".clone_into(&mut first);
            prose.push_str(item);
        } else {
            if !prose.is_empty() {
                prose.push(' ');
            }
            prose.push_str(line.trim());
        }
    }
    flush(&mut page, &mut prose, &mut first);
    page.done()
}

/// Prose without Markdown marks: `**` and backticks.
fn plain(prose: &str) -> String {
    prose.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_shown_without_its_marks() {
        let look = Look::plain();
        let text = "# a-code\n\nIt is **only** `this`.\n\n- one\n  more\n\n    kubectl get `x`\n";
        assert_eq!(markdown(text, &look), "a-code\n\nIt is only this.\n\n- one more\n\n    kubectl get `x`\n");
    }

    #[test]
    fn control_characters_are_removed() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}c\u{202e}d\ne"), "a[31mbcd e");
    }
}
