//! Text that may come from a cluster, on its way to a terminal.

use owo_colors::{OwoColorize, Style};

use super::style::Look;
use crate::facts::redact::clean;

/// A text in the making. Whatever is put in is cleaned first.
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

    /// A line as it is; its parts were cleaned when they were styled.
    pub(crate) fn raw(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A paragraph, wrapped, each line indented by `indent`, the first by `first` instead.
    pub(crate) fn paragraph(&mut self, first: &str, indent: usize, text: &str, style: Style) {
        let text = clean(text);
        let lead = textwrap::core::display_width(first);
        let lines = match self.look.width {
            Some(width) => {
                let room = width.saturating_sub(indent.max(lead)).max(20);
                textwrap::wrap(
                    &text,
                    textwrap::Options::new(room)
                        .break_words(false)
                        .word_splitter(textwrap::WordSplitter::NoHyphenation),
                )
                .into_iter()
                .map(std::borrow::Cow::into_owned)
                .collect()
            }
            None => vec![text],
        };
        for (i, line) in lines.iter().enumerate() {
            let start = if i == 0 { first.to_owned() } else { " ".repeat(indent) };
            self.raw(&format!("{start}{}", line.style(style)));
        }
    }

    /// Parts beside each other, as many in a line as there is room for. The parts are styled and clean.
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

    /// A line that must stay whole so that it can be pasted.
    pub(crate) fn whole(&mut self, first: &str, text: &str, style: Style) {
        self.raw(&format!("{first}{}", clean(text).style(style)));
    }

    pub(crate) fn done(self) -> String {
        self.text
    }
}

/// The width of a text on the screen.
pub(crate) fn width_of(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// One of our own Markdown texts, for a terminal: headings stand out, code is left alone, prose is wrapped.
pub fn markdown(text: &str, look: &Look) -> String {
    let mut page = Page::new(look);
    let mut prose = String::new();
    let mut first = String::new();
    let flush = |page: &mut Page<'_>, prose: &mut String, first: &mut String| {
        if !prose.is_empty() {
            let indent = width_of(first);
            page.paragraph(first, indent, prose, Style::new());
            prose.clear();
        }
        first.clear();
    };
    for line in text.lines() {
        let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
            flush(&mut page, &mut prose, &mut first);
            page.whole("", heading, look.styles.strong);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_goes() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}c\u{202e}d\ne"), "a[31mbcd e");
    }
}
