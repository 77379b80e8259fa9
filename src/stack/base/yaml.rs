//! Parses YAML with limits.
//!
//! The text is read event by event, and anything that exceeds a limit is refused before it is built: depth, the number
//! of values, and the copies that aliases create. Scalars have the same meaning as in the YAML library that writes our
//! documents.

use std::{borrow::Cow, collections::HashMap};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Number, Value};

use crate::stack::base::limits;

/// Why a text was not parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// It is not YAML: where, and why.
    #[error("it is not valid YAML: {0}")]
    Invalid(String),
    /// It exceeds this limit.
    #[error(transparent)]
    TooLarge(TooLarge),
}

/// A limit that a text exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooLarge {
    /// [`limits::DEPTH`].
    #[error("it is nested deeper than {} levels", limits::DEPTH)]
    Depth,
    /// [`limits::VALUES`].
    #[error("it has more than {} values", limits::VALUES)]
    Values,
    /// [`limits::ALIASES`].
    #[error("its aliases add more than {} MiB", limits::ALIASES / limits::MIB)]
    Aliases,
}

/// Which documents of a text are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    /// All of them.
    All,
    /// The first. The rest is not read.
    First,
}

/// The documents of a text. An empty one is null.
pub(crate) fn documents(text: &str, which: Documents) -> Result<Vec<Value>, Broken> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| invalid(&error))?;
        let ends = matches!(event, Event::DocumentEnd);
        builder.take(event)?;
        if ends && which == Documents::First {
            break;
        }
    }
    Ok(builder.documents)
}

fn invalid(error: &ScanError) -> Broken {
    use granit_parser::ErrorKind;
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => Broken::TooLarge(TooLarge::Depth),
        _ => {
            let why = error.info();
            Broken::Invalid(format!(
                "{} at line {} column {}",
                why.lines().next().unwrap_or_default(),
                error.marker().line(),
                error.marker().col() + 1
            ))
        }
    }
}

/// A value that is not complete yet.
enum Open {
    Sequence(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

/// An [`Open`] value, its anchor, and the memory that was used before it.
struct Level {
    open: Open,
    anchor: usize,
    before: usize,
}

/// Builds values from events.
#[derive(Default)]
struct Builder {
    documents: Vec<Value>,
    levels: Vec<Level>,
    /// The current document.
    root: Option<Value>,
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
    /// An estimate of the memory used so far.
    memory: usize,
    /// The part of it used by copies.
    copies: usize,
}

/// The memory that a value needs in addition to its text.
const VALUE: usize = size_of::<Value>();

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), Broken> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let before = self.memory;
                self.charge(text.len())?;
                if self.wants_key() {
                    let key = text.into_owned();
                    if anchor != 0 {
                        self.anchor(anchor, &Value::String(key.clone()), before)?;
                    }
                    self.key(key);
                    return Ok(());
                }
                let value = scalar(text, style, tag.as_deref());
                self.finished(value, anchor, before)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Open::Sequence(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => self.open(Open::Mapping(Map::new(), None), anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(level) = self.levels.pop() else {
                    return Ok(());
                };
                let value = match level.open {
                    Open::Sequence(items) => Value::Array(items),
                    Open::Mapping(fields, _) => Value::Object(fields),
                };
                self.finished(value, level.anchor, level.before)
            }
            Event::Alias(anchor) => self.alias(anchor),
            Event::DocumentEnd => {
                self.documents.push(self.root.take().unwrap_or_default());
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open, anchor: usize) -> Result<(), Broken> {
        if self.wants_key() {
            return Err(Broken::Invalid("a key is a list or a mapping".into()));
        }
        if self.levels.len() >= limits::DEPTH {
            return Err(Broken::TooLarge(TooLarge::Depth));
        }
        let before = self.memory;
        self.charge(0)?;
        self.levels.push(Level { open, anchor, before });
        Ok(())
    }

    fn alias(&mut self, anchor: usize) -> Result<(), Broken> {
        let Some((value, memory)) = self.anchors.get(&anchor) else {
            return Err(Broken::Invalid("an alias refers to the value that contains it".into()));
        };
        let memory = *memory;
        self.copies = self.copies.saturating_add(memory);
        if self.copies > limits::ALIASES {
            return Err(Broken::TooLarge(TooLarge::Aliases));
        }
        let value = value.clone();
        let before = self.memory;
        self.memory += memory;
        if self.wants_key() {
            let key = match value {
                Value::String(text) => text,
                Value::Array(_) | Value::Object(_) => {
                    return Err(Broken::Invalid("a key is a list or a mapping".into()));
                }
                other => other.to_string(),
            };
            self.key(key);
            return Ok(());
        }
        self.finished(value, 0, before)
    }

    /// Counts one more value with this much text.
    fn charge(&mut self, text: usize) -> Result<(), Broken> {
        self.values += 1;
        if self.values > limits::VALUES {
            return Err(Broken::TooLarge(TooLarge::Values));
        }
        self.memory += VALUE + text;
        Ok(())
    }

    /// Keeps a value for the aliases that refer to it.
    fn anchor(&mut self, anchor: usize, value: &Value, before: usize) -> Result<(), Broken> {
        let memory = self.memory - before;
        self.copies = self.copies.saturating_add(memory);
        if self.copies > limits::ALIASES {
            return Err(Broken::TooLarge(TooLarge::Aliases));
        }
        self.anchors.insert(anchor, (value.clone(), memory));
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.levels.last(), Some(Level { open: Open::Mapping(_, None), .. }))
    }

    fn key(&mut self, text: String) {
        if let Some(Level { open: Open::Mapping(_, key), .. }) = self.levels.last_mut() {
            *key = Some(text);
        }
    }

    /// Adds a complete value to its parent. If a field occurs twice, the last one counts.
    fn finished(&mut self, value: Value, anchor: usize, before: usize) -> Result<(), Broken> {
        if anchor != 0 {
            self.anchor(anchor, &value, before)?;
        }
        match self.levels.last_mut().map(|level| &mut level.open) {
            Some(Open::Sequence(items)) => items.push(value),
            Some(Open::Mapping(fields, key)) => {
                if let Some(key) = key.take() {
                    fields.insert(key, value);
                }
            }
            None => self.root = Some(value),
        }
        Ok(())
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let quoted = style != ScalarStyle::Plain;
    let is_text = match tag {
        Some(tag) => quoted || tag.suffix() == "str" || tag.suffix() == "binary",
        None => quoted,
    };
    if is_text { Value::String(text.into_owned()) } else { plain(&text) }
}

/// The value of a scalar without quotes.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

/// A number in one of YAML's forms. Infinities and NaN cannot be written in JSON, so they become null.
fn number(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            if rest.starts_with(['+', '-']) {
                return None;
            }
            if let Ok(value) = u64::from_str_radix(rest, radix) {
                return signed(negative, value);
            }
        }
    }
    // Digits with a leading zero are text, such as a telephone number.
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if leading_zero {
        return None;
    }
    if !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && let Ok(value) = digits.parse()
        && let Some(value) = signed(negative, value)
    {
        return Some(value);
    }
    match digits {
        ".inf" | ".Inf" | ".INF" => return Some(Value::Null),
        ".nan" | ".NaN" | ".NAN" if digits == text => return Some(Value::Null),
        _ => {}
    }
    // Rust's parser would also accept "inf", "nan" and "infinity".
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let value: f64 = digits.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let value = if negative { -value } else { value };
    Number::from_f64(value).map(Value::Number)
}

fn signed(negative: bool, value: u64) -> Option<Value> {
    if !negative {
        return Some(value.into());
    }
    if value > i64::MIN.unsigned_abs() {
        return None;
    }
    Some(0_i64.wrapping_sub_unsigned(value).into())
}

#[cfg(test)]
mod tests;
