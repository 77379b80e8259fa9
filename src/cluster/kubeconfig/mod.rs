//! Turns a kubeconfig into a client configuration, with kubectl's rules and better messages.
//!
//! The client library's loader is not used: it reads files without a limit, merges them differently from kubectl, does
//! not say which file and line an error is in, and would show a value that may be secret.
//!
//! An error in something named on the command line is a usage error. The same error in the environment is an obstacle,
//! which the report explains.

mod choice;
mod error;
mod files;
mod flags;
pub mod portable;
#[cfg(test)]
mod properties;
mod proxy;
mod relative;
pub(crate) mod token;

pub(crate) use flags::namespace;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use kube::config::{AuthInfo, Config};
use tokio::time::Instant;

use self::{choice::Choice, error::InvalidAddress, files::Files};
use crate::{
    facts::{Obstacle, Target, redact},
    stack::base::{reader, usage::UsageError, words},
};

/// The flags that select the cluster, user and namespace. They are the same as kubectl's.
#[derive(Args, Clone, Debug, Default)]
pub struct Access {
    /// Kubeconfig file, instead of KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster of the kubeconfig, instead of the context's
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub cluster: Option<String>,
    /// User of the kubeconfig, instead of the context's
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub user: Option<String>,
    /// Namespace of the stack [default: meshery]
    #[arg(short, long, global = true, value_name = "NAME", value_parser = namespace)]
    pub namespace: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER", hide = true)]
    pub impersonate: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP", hide = true)]
    pub impersonate_groups: Vec<String>,
    /// Bearer token for the API server
    #[arg(long, global = true, value_name = "TOKEN", hide = true, hide_env_values = true)]
    pub token: Option<String>,
    /// Address of the API server
    #[arg(short, long, global = true, value_name = "URL", hide = true)]
    pub server: Option<String>,
    /// Name to verify the API server's certificate against
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub tls_server_name: Option<String>,
    /// Do not verify the API server's certificate
    #[arg(long, global = true, hide = true)]
    pub insecure_skip_tls_verify: bool,
}

impl Access {
    /// The same kubeconfig and impersonation with another context. Flags about one cluster or its user do not apply to it.
    #[must_use]
    pub fn to_context(&self, name: &str) -> Self {
        Self {
            kubeconfig: self.kubeconfig.clone(),
            context: Some(name.to_owned()),
            impersonate: self.impersonate.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            ..Self::default()
        }
    }
}

/// A client configuration and the names of its target.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// For the client. An exec plugin in it has not been run yet.
    pub config: Config,
    /// For the report. The namespace is not decided here.
    pub target: Target,
    /// Whether we run in the cluster.
    pub in_cluster: bool,
    /// Whether the kubeconfig was named on the command line, so that an error in it is a usage error.
    pub named: bool,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something named on the command line is wrong.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// Something in the environment is wrong.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
}

/// What a kubeconfig names.
#[derive(Clone, Copy, Debug)]
pub enum Named {
    /// Its contexts.
    Contexts,
    /// Its clusters.
    Clusters,
    /// Its users.
    Users,
    /// The namespaces of its contexts.
    Namespaces,
}

/// The names of one kind in the kubeconfig of the environment, for completion. Empty if it cannot be read. Pipes are not
/// read, because they could block.
pub fn names(of: Named) -> Vec<String> {
    let files = Files::find(None);
    if files.paths.iter().any(|path| path.exists() && !path.is_file()) {
        return Vec::new();
    }
    let Ok(Some(kubeconfig)) = files.load() else {
        return Vec::new();
    };
    match of {
        Named::Contexts => kubeconfig.contexts.into_iter().map(|context| context.name).collect(),
        Named::Clusters => kubeconfig.clusters.into_iter().map(|cluster| cluster.name).collect(),
        Named::Users => kubeconfig.auth_infos.into_iter().map(|user| user.name).collect(),
        Named::Namespaces => {
            let contexts = kubeconfig.contexts.into_iter();
            let namespaces = contexts.filter_map(|context| context.context?.namespace);
            namespaces.collect::<BTreeSet<_>>().into_iter().collect()
        }
    }
}

/// Whether this process runs in a pod.
pub fn runs_in_cluster() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
}

/// The precision of a wait that is reported.
const TENTH: Duration = Duration::from_millis(100);

/// Finds the configuration, in a separate thread because a file may be a pipe.
///
/// # Errors
///
/// See [`resolve`]. Also if the time is up before everything is read.
pub(crate) async fn resolve_within(access: &Access, deadline: Instant) -> Result<Resolved, Trouble> {
    let begun = Instant::now();
    let own = access.clone();
    match reader::within(deadline, move || resolve(&own)).await {
        Some(resolved) => resolved,
        None => {
            let files = Files::find(access.kubeconfig.as_deref());
            // A part of the time limit was used before.
            let waited = begun.elapsed().div_duration_f64(TENTH).round() * TENTH.as_secs_f64();
            let waited = words::span(Duration::from_secs_f64(waited));
            Err(files.trouble(format!("the kubeconfig {} could not be read within {waited}", files.shown()), None))
        }
    }
}

/// Finds the configuration.
///
/// # Errors
///
/// The [`Trouble`] that names the file, context and key at fault.
fn resolve(access: &Access) -> Result<Resolved, Trouble> {
    // Checked before any file is read, because these errors do not depend on files.
    flags::check(access)?;
    let files = Files::find(access.kubeconfig.as_deref());
    let kubeconfig = files.load()?;
    let mut resolved = match kubeconfig {
        Some(kubeconfig) => Choice { kubeconfig: &kubeconfig, files: &files, access }.resolve()?,
        None if access.server.is_some() => from_server_flag(access)?,
        None if runs_in_cluster() => in_cluster()?,
        None => return Err(files.missing()),
    };
    apply_flags(&mut resolved, access)?;
    resolved.config.default_retry = false;
    resolved.config.write_timeout = None;
    resolved.config.proxy_url = proxy::choose(&resolved.config)?;
    Ok(resolved)
}

fn parse_server(server: &str) -> Result<http::Uri, InvalidAddress> {
    let with_scheme = if server.contains("://") {
        server.to_owned()
    } else {
        // kubectl accepts an address without a scheme.
        format!("http://{server}")
    };
    let shown = flags::shown(server);
    let uri: http::Uri = match with_scheme.parse() {
        Ok(uri) => uri,
        Err(error) => return Err(InvalidAddress::Server(shown, error)),
    };
    if flags::has_wrong_port(&uri) {
        return Err(InvalidAddress::ServerPort(shown));
    }
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(InvalidAddress::ServerScheme(shown)),
    }
}

fn from_server_flag(access: &Access) -> Result<Resolved, Trouble> {
    let server = access.server.clone().unwrap_or_default();
    let uri = parse_server(&server).map_err(UsageError::new)?;
    Ok(Resolved {
        config: Config::new(uri),
        target: Target { server: Some(redact::address(&server)), ..Target::default() },
        in_cluster: false,
        named: true,
    })
}

fn in_cluster() -> Result<Resolved, Trouble> {
    let unusable = |why: String| {
        Trouble::Obstacle(Obstacle {
            code: "kubeconfig-invalid".into(),
            message: format!("the pod's own credentials cannot be used: {why}"),
            evidence: vec!["read: /var/run/secrets/kubernetes.io/serviceaccount".into()],
            remedy: None,
        })
    };
    let mut config = Config::incluster().map_err(|error| unusable(error.to_string()))?;
    token::settle_file(&mut config.auth_info).map_err(|why| unusable(why.to_string()))?;
    Ok(Resolved {
        target: Target { server: Some(config.cluster_url.to_string()), ..Target::default() },
        config,
        in_cluster: true,
        named: false,
    })
}

fn apply_flags(resolved: &mut Resolved, access: &Access) -> Result<(), Trouble> {
    let config = &mut resolved.config;
    if let Some(server) = &access.server {
        config.cluster_url = parse_server(server).map_err(|why| UsageError::new(format!("--server: {why}")))?;
    }
    if let Some(token) = &access.token {
        // With --token, nothing of the kubeconfig's user is used.
        config.auth_info = AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() };
    }
    if let Some(user) = &access.impersonate {
        config.auth_info.impersonate = Some(user.clone());
        resolved.target.user = Some(user.clone());
    }
    if !access.impersonate_groups.is_empty() {
        config.auth_info.impersonate_groups = Some(access.impersonate_groups.clone());
    }
    if let Some(name) = &access.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    if access.insecure_skip_tls_verify {
        config.accept_invalid_certs = true;
    }
    Ok(())
}
