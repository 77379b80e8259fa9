//! Which Meshery Server to ask, and with which credentials: flags, the environment and the files of `mesheryctl`.

mod origin;

use std::path::PathBuf;

use secrecy::SecretString;

pub use self::origin::Origin;
use crate::{
    facts::server::{NamedBy, SentToken},
    stack::{base::usage::UsageError, profile::Profile},
};

/// Flags that name Meshery Server and the files of `mesheryctl`. kubectl's `--server`, `--token` and `--context` are
/// about the API server.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ServerAccess {
    /// Address of Meshery Server; by default its Service in the cluster
    #[arg(long, global = true, value_name = "URL", env = "MESHERY_SERVER", hide = true)]
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
    pub fn choose(&self, _profile: &Profile) -> Result<ServerChoice, UsageError> {
        let Some(address) = &self.meshery_server else { return Ok(ServerChoice::default()) };
        let origin = Origin::parse(address)
            .map_err(|why| UsageError::new(format!("--meshery-server {address} cannot be used: {why}")))?;
        let named = NamedServer { origin: Ok(origin), by: NamedBy::Flag, context: None, credential: None };
        Ok(ServerChoice { named: Some(named), ..ServerChoice::default() })
    }
}

/// Which server to ask.
#[derive(Clone, Default)]
pub struct ServerChoice {
    /// The server that the user named. `None`: the Service in the cluster, if there is one.
    pub named: Option<NamedServer>,
    /// What the context that the user named with `--meshery-context` sends to a Service in the cluster. A Service never
    /// gets anything else, because any cluster could offer one of that name.
    pub for_service: Option<ServerCredential>,
    /// Why a token that the user has is not sent, as a clause.
    pub withheld: Option<String>,
    /// Whether everything is asked, each request within its whole timeout. Otherwise what a diagnosis needs, quickly.
    pub whole: bool,
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
