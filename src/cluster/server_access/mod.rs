//! Which Meshery Server to ask, and with which credentials: flags, the environment and the files of `mesheryctl`.

mod choice;
mod files;
mod origin;
#[cfg(test)]
mod tests;
mod token;

use std::path::PathBuf;

use secrecy::SecretString;
use tokio::time::Instant;

use self::choice::{Choice, Surroundings};
pub use self::origin::Origin;
use crate::{
    facts::server::{NamedBy, SentToken},
    stack::{
        base::{reader, usage::UsageError},
        profile::{self, Profile},
    },
};

/// Flags that name Meshery Server and the files of `mesheryctl`. kubectl's `--server`, `--token` and `--context` are
/// about the API server.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ServerAccess {
    /// The address of Meshery Server.
    // clap does not read the variable, because an error in it is not an error in the use of a flag.
    #[arg(long, global = true, value_name = "URL", hide = true)]
    #[arg(help = "Address of Meshery Server; by default its Service in the cluster [env: MESHERY_SERVER]")]
    pub meshery_server: Option<String>,
    /// Context of mesheryctl, for the address and the token of Meshery Server
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub meshery_context: Option<String>,
    /// Configuration of mesheryctl [default: ~/.meshery/config.yaml]
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub meshery_config: Option<PathBuf>,
}

impl ServerAccess {
    /// Which server to ask. No connection is opened.
    ///
    /// # Errors
    ///
    /// If something named on the command line cannot be used. What the environment or a default file names is kept as a
    /// reason instead.
    pub fn choose(&self, profile: &Profile) -> Result<ServerChoice, UsageError> {
        Choice { access: self, profile, around: &Surroundings::of_process() }.make()
    }

    /// The same in a separate thread, because files may be on a file system that does not answer.
    ///
    /// # Errors
    ///
    /// As [`choose`](Self::choose). Also if files that were named cannot be read before the deadline.
    pub async fn choose_within(
        &self,
        profile: &'static Profile,
        deadline: Instant,
    ) -> Result<ServerChoice, UsageError> {
        let around = Surroundings::of_process();
        let is_named = [self.meshery_server.is_some(), self.meshery_context.is_some(), self.meshery_config.is_some()];
        if !is_named.contains(&true) && around.server.is_none() {
            // No file is read, as in most runs.
            return Ok(ServerChoice::default());
        }
        let own = self.clone();
        let made = reader::within(deadline, move || Choice { access: &own, profile, around: &around }.make()).await;
        made.unwrap_or_else(|| {
            let around = Surroundings::of_process();
            Choice { access: self, profile, around: &around }.make_without_files("reading did not finish in time")
        })
    }

    /// The current context of `mesheryctl` and its address, to name them if no server was found. `None` if there is none,
    /// or if its address cannot be used. It is never chosen unless it is named.
    pub fn current_context(&self, profile: &Profile) -> Option<(String, String)> {
        Choice { access: self, profile, around: &Surroundings::of_process() }.current_context()
    }
}

/// The names of the contexts in the default files of every profile, for completion.
pub fn context_names() -> Vec<String> {
    let around = Surroundings::of_process();
    let access = ServerAccess::default();
    let names = |profile: &&Profile| Choice { access: &access, profile, around: &around }.context_names();
    profile::WITH_MESHSYNC.iter().flat_map(names).collect()
}

/// Which server to ask.
#[derive(Clone, Default)]
pub struct ServerChoice {
    /// The server that the user named. `None`: the Service in the cluster, if there is one.
    pub named: Option<NamedServer>,
    /// What the context that the user named with `--meshery-context` sends to a Service in the cluster. A Service never
    /// gets anything else, because any cluster could offer one of that name.
    pub for_service: Option<ServerCredential>,
    /// The name of that context.
    pub context: Option<String>,
    /// Why a token that the user has is not sent, as a clause.
    pub withheld: Option<String>,
    /// Whether everything is asked, each request within its whole timeout. Otherwise what a diagnosis needs, quickly.
    pub whole: bool,
    /// Whether only what a change of the server can change is asked: no events and no adapters, and the version, for which
    /// a server may wait, only for a moment.
    pub brief: bool,
}

impl ServerChoice {
    /// The same for another profile, whose server does not get this token.
    #[must_use]
    pub fn to_profile(&self, profile: &Profile) -> Self {
        if profile.is_hub() {
            return Self::default();
        }
        let named = self.named.clone();
        let has_token = named.as_ref().is_some_and(|named| named.credential.is_some()) || self.for_service.is_some();
        let named = named.map(|named| NamedServer { context: None, credential: None, ..named });
        let withheld =
            has_token.then(|| format!("it is for another product, unless --profile {} is given", profile.name));
        Self { named, for_service: None, context: None, withheld, whole: self.whole, brief: self.brief }
    }
}

/// A server that the user named.
#[derive(Clone)]
pub struct NamedServer {
    /// Its address, or why it cannot be used. A wrong flag is a usage error instead.
    pub origin: Result<Origin, String>,
    /// How it was named.
    pub by: NamedBy,
    /// The context of `mesheryctl` that named it or supplied the token.
    pub context: Option<String>,
    /// What is sent to this origin, and nowhere else.
    pub credential: Option<ServerCredential>,
}

impl NamedServer {
    /// A server to which nothing is sent.
    fn at(origin: Result<Origin, String>, by: NamedBy) -> Self {
        Self { origin, by, context: None, credential: None }
    }
}

/// What is sent to a server as its cookies.
#[derive(Clone)]
pub struct ServerCredential {
    /// The name of the provider.
    pub provider: Option<String>,
    /// The token. `None` for a local provider.
    pub token: Option<SecretString>,
    /// What is known about the token.
    pub fact: Option<SentToken>,
}
