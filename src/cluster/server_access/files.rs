//! The files of `mesheryctl`: its configuration and the token files that it names.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::stack::base::{
    bounded, limits, os,
    reader::{self, Unreadable},
    sanitize,
};

/// The maximum length of a name or address in a configuration, in bytes.
const WORD: usize = 256;

/// The name of the configuration in its folder.
pub(super) const FILE: &str = "config.yaml";

/// The configuration of `mesheryctl`.
pub(super) struct Configuration {
    /// Its path, for messages.
    pub(super) shown: String,
    /// The name of the current context.
    current: Option<String>,
    /// Its contexts, in the order of the file.
    pub(super) contexts: Vec<Context>,
    /// Where each token is.
    tokens: Vec<(String, Place)>,
    /// The folders to which the path of a token file is relative, by precedence.
    folders: Vec<PathBuf>,
    home: Option<PathBuf>,
}

/// A context of `mesheryctl`.
#[derive(Clone, Default)]
pub(super) struct Context {
    pub(super) name: String,
    pub(super) endpoint: Option<String>,
    pub(super) provider: Option<String>,
    /// Whether its server runs in a cluster. Then `mesheryctl` looks for the Service and ignores the endpoint.
    pub(super) is_kubernetes: bool,
    /// The name of its token.
    token: Option<String>,
}

/// Where a token is.
enum Place {
    File(String),
    Inline(String),
}

/// The content of a token file.
pub(super) struct TokenFile {
    pub(super) provider: Option<String>,
    /// `None` for a local provider, which needs none.
    pub(super) token: Option<String>,
}

/// A token file and its path, for messages.
pub(super) struct Found {
    pub(super) shown: String,
    pub(super) content: TokenFile,
}

impl Configuration {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// [`Unreadable`], whose sentence never contains a value of the file.
    pub(super) fn read(path: &Path, home: Option<&Path>, own_folder: &str) -> Result<Self, Unreadable> {
        let value = reader::first_document(&text_of(path)?)?;
        let contexts = field(&value, "contexts").and_then(Value::as_object);
        if !value.is_null() && contexts.is_none() {
            return Err(Unreadable::Malformed("it has no contexts, so it is no configuration of this kind".into()));
        }
        let contexts = contexts.into_iter().flatten().map(|(name, context)| Context::of(name, context)).collect();
        let tokens = field(&value, "tokens").and_then(Value::as_array);
        let folders = [path.parent().map(Path::to_path_buf), home.map(|home| home.join(own_folder))];
        Ok(Self {
            shown: shown(path, home),
            current: word(&value, "current-context"),
            contexts,
            tokens: tokens.into_iter().flatten().filter_map(place).collect(),
            folders: folders.into_iter().flatten().collect(),
            home: home.map(Path::to_path_buf),
        })
    }

    /// The context with this name. `mesheryctl` writes names in lower case.
    pub(super) fn context(&self, name: &str) -> Option<&Context> {
        named(self.contexts.iter(), name, |context| &context.name)
    }

    /// The current context.
    pub(super) fn current(&self) -> Option<&Context> {
        self.context(self.current.as_deref()?)
    }

    /// The token file of a context. `None` if the context names no token.
    ///
    /// # Errors
    ///
    /// Why there is none, as a clause.
    pub(super) fn token_of(&self, context: &Context, cookie: &str) -> Result<Option<Found>, String> {
        let Some(name) = &context.token else { return Ok(None) };
        let Some((_, place)) = named(self.tokens.iter(), name, |(name, _)| name) else {
            return Err(format!(
                "context \"{}\" names the token \"{name}\", which {} does not have",
                context.name, self.shown
            ));
        };
        let (shown, content) = match place {
            Place::Inline(text) if text.trim_start().starts_with('{') => (self.shown.clone(), token_file(text, cookie)),
            Place::Inline(text) => {
                (self.shown.clone(), Ok(TokenFile { provider: None, token: Some(text.trim().to_owned()) }))
            }
            Place::File(location) => {
                let path = self.locate(location);
                (shown(&path, self.home.as_deref()), text_of(&path).and_then(|text| token_file(&text, cookie)))
            }
        };
        match content {
            Ok(content) => Ok(Some(Found { shown, content })),
            Err(why) => {
                Err(format!("the token of context \"{}\" cannot be used: cannot read {shown}: {why}", context.name))
            }
        }
    }

    /// The path of a token file: the first of the possible ones that exists, otherwise the first.
    fn locate(&self, location: &str) -> PathBuf {
        let relative = location.trim_start_matches(['/', '\\']);
        let mut paths = Vec::new();
        match (location.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => paths.push(home.join(rest)),
            _ if Path::new(location).is_absolute() => {
                paths.push(PathBuf::from(location));
                // mesheryctl takes an absolute path outside the home folder for a relative one.
                paths.extend(self.folders.iter().map(|folder| folder.join(relative)));
            }
            _ => paths.extend(self.folders.iter().map(|folder| folder.join(location))),
        }
        let first = paths.iter().position(|path| path.exists()).unwrap_or_default();
        if paths.is_empty() { PathBuf::from(location) } else { paths.swap_remove(first) }
    }
}

impl Context {
    fn of(name: &str, context: &Value) -> Self {
        let platform = word(context, "platform");
        Self {
            name: cut(name),
            endpoint: text(context, "endpoint").map(str::to_owned),
            provider: word(context, "provider"),
            is_kubernetes: platform.is_some_and(|platform| platform.eq_ignore_ascii_case("kubernetes")),
            token: word(context, "token"),
        }
    }
}

/// Where an entry of `tokens` says that its token is.
fn place(entry: &Value) -> Option<(String, Place)> {
    let inline = || field(entry, "value").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let place = match text(entry, "location") {
        Some(location) => Place::File(location.to_owned()),
        None => Place::Inline(inline()?.to_owned()),
    };
    Some((word(entry, "name")?, place))
}

/// Reads the content of a token file.
fn token_file(text: &str, cookie: &str) -> Result<TokenFile, Unreadable> {
    let malformed = |why: &str| Unreadable::Malformed(why.into());
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(malformed("it is empty, which a failed login leaves behind; log in again"));
    }
    if text.starts_with('<') {
        return Err(malformed("it contains a web page, which a failed login leaves behind; log in again"));
    }
    if !text.starts_with('{') {
        return Err(malformed("it is not a JSON object; log in again"));
    }
    let values = reader::values(text)?;
    let [value] = values.as_slice() else {
        return Err(malformed("it contains more than one JSON object; log in again"));
    };
    let token = match field(value, "token") {
        Some(Value::String(token)) => token.trim(),
        Some(_) => return Err(malformed("its token is not a text; log in again")),
        None => return Err(malformed("it has no token; log in again")),
    };
    Ok(TokenFile { provider: word(value, cookie), token: (!token.is_empty()).then(|| token.to_owned()) })
}

/// The text of a regular file. Others could block, or never end.
fn text_of(path: &Path) -> Result<String, Unreadable> {
    let kind = std::fs::metadata(path).map_err(Unreadable::Io)?.file_type();
    if kind.is_file() {
        return reader::text(path, limits::SERVER_CONFIG);
    }
    let what = if kind.is_dir() { "a folder" } else { os::kind_of_file(kind) };
    Err(Unreadable::Malformed(format!("it is {what}, not a regular file")))
}

/// A value of an object by its key, in upper or lower case.
fn field<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(key).or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

/// A text of an object. `None` if it is empty.
fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    field(value, key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A text of an object, for use in messages.
fn word(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(cut)
}

fn cut(text: &str) -> String {
    bounded::cut(sanitize::plain(text).into_owned(), WORD)
}

/// The item with this name: exactly, otherwise in upper or lower case.
fn named<'a, T>(items: impl Iterator<Item = &'a T> + Clone, name: &str, of: impl Fn(&T) -> &str) -> Option<&'a T> {
    let mut all = items.clone();
    let mut alike = items;
    all.find(|item| of(item) == name).or_else(|| alike.find(|item| of(item).eq_ignore_ascii_case(name)))
}

/// A path, with `~` for the home folder.
pub(super) fn shown(path: &Path, home: Option<&Path>) -> String {
    let inside = home.filter(|home| home.parent().is_some()).and_then(|home| path.strip_prefix(home).ok());
    let shown = inside.map_or_else(|| path.to_path_buf(), |inside| Path::new("~").join(inside));
    sanitize::plain(&shown.to_string_lossy()).into_owned()
}
