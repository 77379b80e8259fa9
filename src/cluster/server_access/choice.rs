//! The rules for which server is asked, and which token it gets.
//!
//! A token goes to the origin of its own context's endpoint. It goes elsewhere only if the user named its context with
//! `--meshery-context`.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    NamedServer, Origin, ServerAccess, ServerChoice, ServerCredential,
    files::{self, Configuration, Context, FILE},
    token,
};
use crate::{
    facts::{
        redact,
        server::{NamedBy, SentToken},
    },
    stack::{
        base::{bounded, limits, reader::Unreadable, sanitize, usage::UsageError},
        profile::Profile,
    },
};

/// The variable that names a server.
const VARIABLE: &str = "MESHERY_SERVER";

/// The maximum number of contexts that a message lists.
const LISTED: usize = 20;

/// What the process has around it.
pub(super) struct Surroundings {
    /// The value of the variable that names a server, unless it is empty.
    pub(super) server: Option<String>,
    /// The home folder.
    pub(super) home: Option<PathBuf>,
}

impl Surroundings {
    /// The environment of this process.
    pub(super) fn of_process() -> Self {
        Self::of(std::env::var_os(VARIABLE), std::env::home_dir())
    }

    /// An environment in which the variable has this value.
    pub(super) fn of(server: Option<OsString>, home: Option<PathBuf>) -> Self {
        let server = server.map(|value| value.to_string_lossy().trim().to_owned());
        Self { server: server.filter(|value| !value.is_empty()), home }
    }
}

/// A choice that is being made.
pub(super) struct Choice<'a> {
    pub(super) access: &'a ServerAccess,
    pub(super) profile: &'a Profile,
    pub(super) around: &'a Surroundings,
}

impl Choice<'_> {
    /// Makes the choice.
    ///
    /// # Errors
    ///
    /// If something named on the command line cannot be used.
    pub(super) fn make(&self) -> Result<ServerChoice, UsageError> {
        if self.profile.is_hub() {
            return self.without_server();
        }
        let address = self.address()?;
        let access = self.access;
        if address.is_none() && access.meshery_context.is_none() && access.meshery_config.is_none() {
            return Ok(ServerChoice::default());
        }
        let configuration = self.configuration();
        if let Some(name) = &access.meshery_context {
            let configuration = configuration.map_err(|why| self.unusable_configuration(&why))?;
            let context = configuration.context(name).ok_or_else(|| no_such_context(name, &configuration))?;
            return match address {
                Some(server) if is_of_others(&server, context) => {
                    let withheld = Some(of_variable(context));
                    Ok(self.with_token(server, &configuration, None, withheld))
                }
                Some(server) => Ok(self.with_token(server, &configuration, Some(context), None)),
                None => self.at_context(&configuration, context),
            };
        }
        let configuration = match configuration {
            Ok(configuration) => configuration,
            Err(why) if access.meshery_config.is_some() => return Err(self.unusable_configuration(&why)),
            Err(why) => {
                let unusable = || format!("{} cannot be used: {why}", self.shown_file());
                let withheld = (!why.is_missing()).then(unusable);
                return Ok(ServerChoice { named: address, withheld, ..ServerChoice::default() });
            }
        };
        let Some(server) = address else { return Ok(ServerChoice::default()) };
        let origin = server.origin.as_ref().ok();
        let context = origin.and_then(|origin| self.context_at(&configuration, origin));
        let withheld = origin.and_then(|origin| other_origins(&configuration, origin));
        Ok(self.with_token(server, &configuration, context, withheld))
    }

    /// The choice if the files could not be read in time.
    ///
    /// # Errors
    ///
    /// If they were named on the command line.
    pub(super) fn make_without_files(&self, why: &str) -> Result<ServerChoice, UsageError> {
        if self.access.meshery_context.is_some() || self.access.meshery_config.is_some() {
            return Err(UsageError::unreadable(self.shown_file(), why));
        }
        let named = self.address()?;
        let withheld = Some(format!("{} cannot be used: {why}", self.shown_file()));
        Ok(ServerChoice { named, withheld, ..ServerChoice::default() })
    }

    /// The current context of the configuration, for a suggestion: its name and its address.
    pub(super) fn current_context(&self) -> Option<(String, String)> {
        if self.profile.is_hub() {
            return None;
        }
        let configuration = self.configuration().ok()?;
        let context = configuration.current()?;
        Some((context.name.clone(), endpoint_of(context)?.to_string()))
    }

    /// The names of the contexts, for completion.
    pub(super) fn context_names(&self) -> Vec<String> {
        let configuration = self.configuration().ok();
        configuration.into_iter().flat_map(|known| known.contexts).map(|context| context.name).collect()
    }

    /// A profile without a server.
    fn without_server(&self) -> Result<ServerChoice, UsageError> {
        let flags = [
            ("--meshery-server", self.access.meshery_server.is_some()),
            ("--meshery-context", self.access.meshery_context.is_some()),
            ("--meshery-config", self.access.meshery_config.is_some()),
        ];
        match flags.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                let product = self.profile.product;
                Err(UsageError::new(format!("{flag} has no meaning for {product}, which has no such server")))
            }
            None => Ok(ServerChoice::default()),
        }
    }

    /// The server whose address was named, without a token.
    fn address(&self) -> Result<Option<NamedServer>, UsageError> {
        if let Some(address) = &self.access.meshery_server {
            let origin = Origin::parse(address).map_err(|why| {
                UsageError::new(format!("--meshery-server {} cannot be used: {why}", shown_address(address)))
                    .hint("use the form http[s]://HOST[:PORT]".to_owned())
            })?;
            return Ok(Some(NamedServer::at(Ok(origin), NamedBy::Flag)));
        }
        let address = self.around.server.as_ref();
        Ok(address.map(|address| {
            let origin = Origin::parse(address);
            let origin = origin.map_err(|why| format!("{VARIABLE}={} cannot be used: {why}", shown_address(address)));
            NamedServer::at(origin, NamedBy::Environment)
        }))
    }

    /// The path of the configuration.
    fn file(&self) -> Option<PathBuf> {
        let default = || Some(self.around.home.as_ref()?.join(self.profile.server.config_folder).join(FILE));
        self.access.meshery_config.clone().or_else(default)
    }

    fn shown_file(&self) -> String {
        let default = || Path::new("~").join(self.profile.server.config_folder).join(FILE);
        files::shown(&self.file().unwrap_or_else(default), self.around.home.as_deref())
    }

    fn configuration(&self) -> Result<Configuration, Unreadable> {
        let path = self.file().ok_or_else(|| Unreadable::Malformed("HOME is not set".into()))?;
        Configuration::read(&path, self.around.home.as_deref(), self.profile.server.config_folder)
    }

    /// The configuration was named, or is needed for a context that was named.
    fn unusable_configuration(&self, why: &Unreadable) -> UsageError {
        let flag = if self.access.meshery_config.is_some() { "--meshery-config" } else { "--meshery-context" };
        UsageError::new(format!("{flag}: cannot read {}: {why}", self.shown_file()))
            .hint((flag == "--meshery-context").then(|| "name the file with --meshery-config".to_owned()))
    }

    /// This server, with the token of this context.
    fn with_token(
        &self,
        server: NamedServer,
        configuration: &Configuration,
        context: Option<&Context>,
        withheld: Option<String>,
    ) -> ServerChoice {
        let in_clear = server.origin.as_ref().is_ok_and(|origin| !origin.tls && !origin.is_loopback());
        let (credential, withheld) = match context {
            Some(context) => self.credential(configuration, context, in_clear),
            None => (None, withheld),
        };
        let context = context.map(|context| context.name.clone());
        let named = Some(NamedServer { context, credential, ..server });
        ServerChoice { named, withheld, ..ServerChoice::default() }
    }

    /// The server of a context that was named without an address.
    fn at_context(&self, configuration: &Configuration, context: &Context) -> Result<ServerChoice, UsageError> {
        if context.is_kubernetes {
            // mesheryctl looks for the Service, too, and overwrites the endpoint.
            let (for_service, withheld) = self.credential(configuration, context, false);
            let context = Some(context.name.clone());
            return Ok(ServerChoice { for_service, context, withheld, ..ServerChoice::default() });
        }
        let wrong = |what: String| {
            UsageError::new(format!(
                "--meshery-context: context \"{}\" in {} {what}",
                context.name, configuration.shown
            ))
            .hint("name the address with --meshery-server".to_owned())
        };
        let endpoint = context.endpoint.as_deref().ok_or_else(|| wrong("has no endpoint".into()))?;
        let origin = Origin::parse(endpoint).map_err(|why| {
            wrong(format!("has the endpoint {}, which cannot be used: {why}", shown_address(endpoint)))
        })?;
        let server = NamedServer::at(Ok(origin), NamedBy::Context);
        Ok(self.with_token(server, configuration, Some(context), None))
    }

    /// The context whose endpoint has this origin. The current one comes first, then one with a token.
    fn context_at<'a>(&self, configuration: &'a Configuration, origin: &Origin) -> Option<&'a Context> {
        let is_there = |context: &&Context| endpoint_of(context).is_some_and(|endpoint| endpoint.is_same(origin));
        if let Some(current) = configuration.current().filter(is_there) {
            return Some(current);
        }
        let there: Vec<&Context> = configuration.contexts.iter().filter(is_there).collect();
        let has_token = |context: &&&Context| {
            self.credential(configuration, context, false).0.is_some_and(|credential| credential.token.is_some())
        };
        there.iter().find(has_token).or(there.first()).copied()
    }

    /// What a context sends, and why its token is not sent.
    fn credential(
        &self,
        configuration: &Configuration,
        context: &Context,
        in_clear: bool,
    ) -> (Option<ServerCredential>, Option<String>) {
        let with = |provider: Option<String>, token, fact: Option<SentToken>| {
            let provider = provider.or_else(|| context.provider.clone());
            let provider = provider.filter(|provider| token::is_cookie_value(provider));
            (provider.is_some() || fact.is_some()).then_some(ServerCredential { provider, token, fact })
        };
        let found = match configuration.token_of(context, self.profile.server.provider_cookie) {
            Ok(Some(found)) => found,
            Ok(None) => return (with(None, None, None), None),
            Err(why) => return (with(None, None, None), Some(why)),
        };
        let Some(text) = found.content.token else { return (with(found.content.provider, None, None), None) };
        match token::read(&text) {
            Ok(token) => {
                let fact = SentToken { source: found.shown, expires: token.expires, in_clear };
                (with(found.content.provider, Some(token.value), Some(fact)), None)
            }
            Err(why) => {
                let withheld = format!("the token of context \"{}\" in {} {why}", context.name, found.shown);
                (with(found.content.provider, None, None), Some(withheld))
            }
        }
    }
}

/// Whether the environment names a server that is not the context's. Whoever types the name of a context need not know
/// what the environment of a folder contains, so that this server does not get the context's token.
fn is_of_others(server: &NamedServer, context: &Context) -> bool {
    let of_context = endpoint_of(context);
    let same = |origin: &Origin| of_context.as_ref().is_some_and(|other| other.is_same(origin));
    server.by == NamedBy::Environment && server.origin.as_ref().is_ok_and(|origin| !same(origin))
}

/// Why its token is not sent to such a server, as a clause.
fn of_variable(context: &Context) -> String {
    format!(
        "{VARIABLE} names another address than the context \"{}\", whose token goes there only with --meshery-server",
        context.name
    )
}

/// The origin of a context's endpoint, if it can be used.
fn endpoint_of(context: &Context) -> Option<Origin> {
    Origin::parse(context.endpoint.as_deref()?).ok()
}

/// Why no context's token goes to this origin. `None` if there is no context.
fn other_origins(configuration: &Configuration, origin: &Origin) -> Option<String> {
    match configuration.contexts.as_slice() {
        [] => None,
        [only] => Some(match endpoint_of(only) {
            Some(endpoint) => format!("its context \"{}\" is for {endpoint}", only.name),
            None => format!("its context \"{}\" has no endpoint that can be used", only.name),
        }),
        _ => Some(format!("no context in {} is for {origin}", configuration.shown)),
    }
}

fn no_such_context(name: &str, configuration: &Configuration) -> UsageError {
    let mut names: Vec<&str> = configuration.contexts.iter().map(|context| context.name.as_str()).collect();
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let hint = match (names.is_empty(), more) {
        (true, _) => "it has none".to_owned(),
        (false, 0) => format!("available: {}", names.join(", ")),
        (false, more) => format!("available: {} and {more} more", names.join(", ")),
    };
    UsageError::new(format!("--meshery-context: context \"{name}\" does not exist in {}", configuration.shown))
        .hint(hint)
}

/// An address for a message, without its user part.
fn shown_address(address: &str) -> String {
    bounded::cut(sanitize::plain(&redact::address(address)).into_owned(), limits::BROKER_TEXT)
}
