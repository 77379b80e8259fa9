//! Kubeconfig to a configuration for the client, with kubectl's rules and better words.
//!
//! A mistake in what was named on the command line is a usage error; the same mistake in the environment is an
//! obstacle, which the report explains.

mod choice;
mod files;

use std::path::{Path, PathBuf};

use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{AuthInfo, Config};

use self::{choice::Choice, files::Files};

use crate::{
    exit::UsageError,
    facts::{Obstacle, Target},
    redact,
};

/// What the command line says about which cluster, and as whom; the fields are kubectl's flags.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--token`.
    pub token: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`.
    pub impersonate_groups: Vec<String>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
}

/// A configuration, and what to call its target.
#[derive(Debug)]
pub(super) struct Resolved {
    /// For the client; an exec plugin in it has not been run yet.
    pub config: Config,
    /// For the report; the namespace is not decided here.
    pub target: Target,
    /// Whether we run in the cluster.
    pub in_cluster: bool,
    /// Whether the kubeconfig was named on the command line, so that a mistake in it is one of usage.
    pub named: bool,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum Trouble {
    /// Something named on the command line is wrong.
    Usage(UsageError),
    /// Something in the environment is wrong.
    Obstacle(Obstacle),
}

/// Whether this process runs in a pod.
pub fn runs_in_cluster() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
        && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
}

/// Finds the configuration.
///
/// # Errors
///
/// The [`Trouble`] that says which file, context and key is wrong.
pub(super) fn resolve(access: &Access) -> Result<Resolved, Trouble> {
    // Before any file is read: what was typed is wrong whatever they hold.
    if !access.impersonate_groups.is_empty() && access.impersonate.is_none() {
        return Err(Trouble::Usage(UsageError(
            "--as-group needs --as: a group alone cannot be impersonated".into(),
        )));
    }
    let files = Files::find(access.kubeconfig.as_deref());
    let kubeconfig = files.load()?;
    let mut resolved = match kubeconfig {
        Some(kubeconfig) => Choice {
            kubeconfig: &kubeconfig,
            files: &files,
            access,
        }
        .resolve()?,
        None if access.server.is_some() => from_server_flag(access)?,
        None if runs_in_cluster() => in_cluster()?,
        None => return Err(files.missing()),
    };
    apply_flags(&mut resolved, access)?;
    resolved.config.default_retry = false;
    resolved.config.write_timeout = None;
    resolved.config.proxy_url = proxy(&resolved.config);
    Ok(resolved)
}

fn parse_server(server: &str) -> Result<http::Uri, String> {
    let with_scheme = if server.contains("://") {
        server.to_owned()
    } else {
        // As kubectl reads an address without a scheme.
        format!("http://{server}")
    };
    let uri: http::Uri = with_scheme
        .parse()
        .map_err(|error| format!("the server address \"{server}\" is not a URL: {error}"))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(format!(
            "the server address \"{server}\" is not an http or https URL"
        )),
    }
}

fn from_server_flag(access: &Access) -> Result<Resolved, Trouble> {
    let server = access.server.clone().unwrap_or_default();
    let uri = parse_server(&server).map_err(|why| Trouble::Usage(UsageError(why)))?;
    Ok(Resolved {
        config: Config::new(uri),
        target: Target {
            server: Some(redact::urls(&server)),
            ..Target::default()
        },
        in_cluster: false,
        named: true,
    })
}

fn in_cluster() -> Result<Resolved, Trouble> {
    let config = Config::incluster().map_err(|error| {
        Trouble::Obstacle(Obstacle {
            code: "kubeconfig-invalid".into(),
            message: format!("the pod's own credentials cannot be used: {error}"),
            evidence: vec!["read: /var/run/secrets/kubernetes.io/serviceaccount".into()],
            remedy: None,
        })
    })?;
    Ok(Resolved {
        target: Target {
            server: Some(config.cluster_url.to_string()),
            ..Target::default()
        },
        config,
        in_cluster: true,
        named: false,
    })
}

fn apply_flags(resolved: &mut Resolved, access: &Access) -> Result<(), Trouble> {
    let config = &mut resolved.config;
    if let Some(server) = &access.server {
        config.cluster_url = parse_server(server)
            .map_err(|why| Trouble::Usage(UsageError(format!("--server: {why}"))))?;
    }
    if let Some(token) = &access.token {
        // The flag is the whole of who we are: nothing of the kubeconfig's user may compete with it.
        config.auth_info = AuthInfo {
            token: Some(token.clone().into()),
            ..AuthInfo::default()
        };
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

/// The proxy that counts: the kubeconfig's, else the environment's unless `NO_PROXY` excepts the server.
///
/// The library's own reading of `NO_PROXY` compares it with the proxy's address, so it is done here.
fn proxy(config: &Config) -> Option<http::Uri> {
    if config.proxy_url.is_some() {
        return config.proxy_url.clone();
    }
    let host = config.cluster_url.host()?.trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if loopback {
        return None;
    }
    let excepted = Matcher::from_env().intercept(&config.cluster_url).is_none();
    if excepted {
        return None;
    }
    // The matcher's own URI has lost its user part, which the proxy may want.
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .and_then(|value| value.parse().ok())
}
