//! The only reader of files and standard input.
//!
//! Everything that is read has a limit in size and time. Commands read in a separate thread and wait for it until their
//! deadline, so that a pipe without a writer does not block them. The depth and number of values of JSON and YAML are
//! checked before anything is built from them.

use std::{
    io::{self, Read},
    path::Path,
};

use serde_json::{Deserializer, Value};
use tokio::time::{Instant, timeout_at};

use crate::stack::base::{
    limits, words,
    yaml::{self, Documents, TooLarge},
};

/// Why an input was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The operating system returned an error, or the input is not text.
    #[error("{}", words::io(.0))]
    Io(io::Error),
    /// It is longer than this many bytes.
    #[error("it is longer than {} MiB", .0 / limits::MIB)]
    TooLong(usize),
    /// It is text, but it is not JSON or YAML, or it exceeds a limit. The sentence says why.
    #[error("{0}")]
    Malformed(String),
}

impl Unreadable {
    /// Whether the file does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Runs a reading function in a separate thread until the deadline. `None` if it does not finish in time.
pub async fn within<T: Send + 'static>(deadline: Instant, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match timeout_at(deadline, tokio::task::spawn_blocking(read)).await {
        Ok(Ok(value)) => Some(value),
        // Only a panic ends the thread without a value.
        Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}

/// The content of a file.
///
/// # Errors
///
/// [`Unreadable`] if it cannot be read or is longer than `most`.
pub fn bytes(path: &Path, most: usize) -> Result<Vec<u8>, Unreadable> {
    let file = std::fs::File::open(path).map_err(Unreadable::Io)?;
    all(file, most)
}

/// The text of a file.
///
/// # Errors
///
/// [`Unreadable`] if it cannot be read, is longer than `most`, or is not text.
pub fn text(path: &Path, most: usize) -> Result<String, Unreadable> {
    decode(bytes(path, most)?)
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
///
/// As [`text`].
pub fn text_or_input(path: &str, most: usize) -> Result<String, Unreadable> {
    if path == "-" { decode(all(io::stdin().lock(), most)?) } else { text(Path::new(path), most) }
}

fn all(source: impl Read, most: usize) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    let more = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    source.take(more).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    if bytes.len() > most {
        return Err(Unreadable::TooLong(most));
    }
    Ok(bytes)
}

/// Decodes bytes as text: UTF-8, or UTF-16 with a byte order mark, as other programs write it.
///
/// # Errors
///
/// [`Unreadable::Io`] if it is neither.
pub fn decode(bytes: Vec<u8>) -> Result<String, Unreadable> {
    let text = match bytes.as_slice() {
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(str::to_owned),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    };
    text.ok_or_else(|| Unreadable::Io(io::ErrorKind::InvalidData.into()))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    // Two random bytes could pass for a rare letter.
    String::from_utf16(&units)
        .ok()
        .filter(|text| rest.is_empty() && text.bytes().any(|byte| byte.is_ascii_alphanumeric()))
}

/// The documents of a JSON or YAML text, without empty ones.
///
/// # Errors
///
/// [`Unreadable::Malformed`].
pub fn values(text: &str) -> Result<Vec<Value>, Unreadable> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) {
        return json(text);
    }
    let mut values = yaml(text, Documents::All)?;
    values.retain(|value| !value.is_null());
    Ok(values)
}

/// The first document of a YAML text, which is all that kubectl reads of a kubeconfig.
///
/// # Errors
///
/// [`Unreadable::Malformed`].
pub fn first_document(text: &str) -> Result<Value, Unreadable> {
    let mut documents = yaml(text.trim_start_matches('\u{feff}'), Documents::First)?;
    Ok(documents.pop().unwrap_or_default())
}

fn yaml(text: &str, which: Documents) -> Result<Vec<Value>, Unreadable> {
    yaml::documents(text, which).map_err(|error| Unreadable::Malformed(error.to_string()))
}

fn json(text: &str) -> Result<Vec<Value>, Unreadable> {
    measure(text).map_err(|bound| Unreadable::Malformed(bound.to_string()))?;
    Deserializer::from_str(text).into_iter::<Value>().collect::<Result<_, _>>().map_err(|error| {
        Unreadable::Malformed(if error.is_eof() {
            format!("it is cut off in the middle, at line {}", error.line())
        } else {
            format!("it is not valid JSON: {error}")
        })
    })
}

/// Reads to the end of a JSON string. The opening quote has been read.
pub(crate) fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => break,
            _ => {}
        }
    }
}

/// Checks that a JSON text is within the limits, in one pass that builds nothing.
fn measure(text: &str) -> Result<(), TooLarge> {
    let mut depth = 0_usize;
    let mut values = 1_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => {
                depth += 1;
                values += 1;
                if depth > limits::DEPTH {
                    return Err(TooLarge::Depth);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if values > limits::VALUES {
            return Err(TooLarge::Values);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        values(text).expect_err("unreadable").to_string()
    }

    #[test]
    fn deep_or_large_texts_are_refused_at_once() {
        assert!(why(&"[".repeat(200_000)).contains("100 levels"));
        assert!(why(&"{\"a\":".repeat(200_000)).contains("100 levels"));
        assert!(why(&format!("a: {}", "[".repeat(200_000))).contains("100 levels"));
        assert!(why(&format!("[{}0]", "0,".repeat(limits::VALUES))).contains("values"));
    }

    #[test]
    fn brackets_inside_strings_do_not_count() {
        let text = format!("{{\"a\": \"\\\"{}\"}}", "[".repeat(1000));
        assert_eq!(values(&text).expect("JSON").len(), 1);
    }

    #[test]
    fn byte_order_marks_are_accepted() {
        let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| {
            let mut bytes = mark.to_vec();
            bytes.extend("a: ü".encode_utf16().flat_map(unit));
            bytes
        };
        for bytes in [
            b"\xEF\xBB\xBFa: \xC3\xBC".to_vec(),
            utf16([0xFF, 0xFE], u16::to_le_bytes),
            utf16([0xFE, 0xFF], u16::to_be_bytes),
        ] {
            assert_eq!(decode(bytes).expect("text"), "a: ü");
        }
        for broken in [vec![0xFF, 0xFE, 0], vec![0xFF, 0xFE, 0, 1], vec![0xC3]] {
            assert!(decode(broken).is_err());
        }
    }
}
