//! Kubeconfig to a configuration for the client, with kubectl's rules and better words.
//!
//! A mistake in what was named on the command line is a usage error; the same mistake in the environment is an
//! obstacle, which the report explains.

use std::path::{Path, PathBuf};

use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{AuthInfo, Cluster, Config, Context, Kubeconfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::{
    exit::UsageError,
    facts::{Obstacle, Target},
    redact, words,
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

/// The files that count, in the order of precedence.
struct Files {
    paths: Vec<PathBuf>,
    /// Whether they were named on the command line.
    named: bool,
}

impl Files {
    fn find(flag: Option<&Path>) -> Self {
        if let Some(path) = flag {
            return Self {
                paths: vec![path.into()],
                named: true,
            };
        }
        let paths: Vec<PathBuf> = match std::env::var_os("KUBECONFIG") {
            Some(list) if !list.is_empty() => std::env::split_paths(&list)
                .filter(|path| !path.as_os_str().is_empty())
                .collect(),
            _ => std::env::home_dir()
                .map(|home| home.join(".kube").join("config"))
                .into_iter()
                .collect(),
        };
        Self {
            paths,
            named: false,
        }
    }

    fn trouble(&self, message: String, remedy: Option<String>) -> Trouble {
        if self.named {
            let remedy = remedy
                .map(|remedy| format!("; {remedy}"))
                .unwrap_or_default();
            Trouble::Usage(UsageError(format!("{message}{remedy}")))
        } else {
            Trouble::Obstacle(Obstacle {
                code: "kubeconfig-invalid".into(),
                message,
                evidence: vec![format!("read: {}", self.shown())],
                remedy,
            })
        }
    }

    fn missing(&self) -> Trouble {
        if self.named {
            let what = if self.paths.iter().any(|path| path.exists()) {
                "and that file is empty"
            } else {
                "and there is no such file"
            };
            return Trouble::Usage(UsageError(format!(
                "--kubeconfig names {}, {what}",
                self.shown()
            )));
        }
        Trouble::Obstacle(Obstacle {
            code: "kubeconfig-missing".into(),
            message: if self.paths.is_empty() {
                "there is no kubeconfig: neither KUBECONFIG nor HOME is set".into()
            } else {
                format!("there is no kubeconfig at {}", self.shown())
            },
            evidence: vec![
                "not running in a pod, so there is no in-cluster configuration either".into(),
            ],
            remedy: None,
        })
    }

    fn shown(&self) -> String {
        let shown: Vec<String> = self
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        shown.join(", ")
    }

    /// Loads and merges the files; none of them being there is no error here.
    fn load(&self) -> Result<Option<Kubeconfig>, Trouble> {
        let mut merged: Option<Kubeconfig> = None;
        for path in &self.paths {
            let text = match std::fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(self.trouble(
                        format!(
                            "cannot read the kubeconfig {}: {}",
                            path.display(),
                            words::io(&error)
                        ),
                        None,
                    ));
                }
            };
            if text.trim().is_empty() {
                continue;
            }
            // Our own YAML reader first: its message says where the text is broken in fewer words.
            let value: serde_yaml::Value = serde_yaml::from_str(&text).map_err(|error| {
                self.trouble(
                    format!(
                        "the kubeconfig {} is not valid YAML: {error}",
                        path.display()
                    ),
                    None,
                )
            })?;
            let other = |why: &str| {
                self.trouble(
                    format!("{} is not a kubeconfig: {why}", path.display()),
                    None,
                )
            };
            if let Some(why) = something_else(&value) {
                return Err(other(&why));
            }
            let one = Kubeconfig::read_from(path)
                .map_err(|error| other(&plain_yaml(&error.to_string())))?;
            merged = Some(match merged {
                None => one,
                Some(first) => first.merge(one).map_err(|error| {
                    self.trouble(
                        format!("cannot merge the kubeconfig {}: {error}", path.display()),
                        None,
                    )
                })?,
            });
        }
        Ok(merged)
    }

    /// The file and line where a text stands, for messages.
    fn place_of(&self, text: &str) -> String {
        for path in &self.paths {
            let Ok(content) = std::fs::read_to_string(path) else {
                continue;
            };
            if let Some(line) = content.lines().position(|line| line.contains(text)) {
                return format!("{} line {}", path.display(), line + 1);
            }
        }
        self.shown()
    }
}

/// The choice of context, cluster and user among those of a kubeconfig.
struct Choice<'a> {
    kubeconfig: &'a Kubeconfig,
    files: &'a Files,
    access: &'a Access,
}

impl Choice<'_> {
    fn resolve(&self) -> Result<Resolved, Trouble> {
        let context_name = self.access.context.clone().or_else(|| {
            self.kubeconfig
                .current_context
                .clone()
                .filter(|name| !name.is_empty())
        });
        let context = match &context_name {
            Some(name) => self.context(name)?,
            None if self.access.cluster.is_some() || self.access.server.is_some() => {
                Context::default()
            }
            None => {
                return Err(self.files.trouble(
                    format!(
                        "the kubeconfig {} sets no current-context",
                        self.files.shown()
                    ),
                    Some(self.choice_of_contexts()),
                ));
            }
        };
        let cluster = match self
            .access
            .cluster
            .clone()
            .or(Some(context.cluster).filter(|name| !name.is_empty()))
        {
            Some(name) => self.cluster(&name, context_name.as_deref())?,
            None => Cluster::default(),
        };
        let user_name = self
            .access
            .user
            .clone()
            .or(context.user)
            .filter(|name| !name.is_empty());
        let user = match &user_name {
            Some(name) => self.user(name, context_name.as_deref())?,
            None => AuthInfo::default(),
        };
        let server = self
            .access
            .server
            .clone()
            .or_else(|| cluster.server.clone())
            .filter(|server| !server.is_empty())
            .ok_or_else(|| {
                self.files.trouble(
                    format!(
                        "the cluster of context \"{}\" in {} has no server address",
                        context_name.as_deref().unwrap_or_default(),
                        self.files.shown()
                    ),
                    None,
                )
            })?;
        let mut config =
            Config::new(parse_server(&server).map_err(|why| self.files.trouble(why, None))?);
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name.clone_from(&cluster.tls_server_name);
        config.root_cert = self.root_certificates(&cluster)?;
        if let Some(proxy) = cluster.proxy_url.as_deref().filter(|url| !url.is_empty()) {
            config.proxy_url = Some(proxy.parse().map_err(|_| {
                self.files
                    .trouble(format!("the proxy-url \"{proxy}\" is not a URL"), None)
            })?);
        }
        self.check_credentials(&user)?;
        config.auth_info = user;
        if let Some(exec) = &mut config.auth_info.exec
            && exec.provide_cluster_info
        {
            exec.cluster = (&cluster).try_into().ok();
        }
        Ok(Resolved {
            config,
            target: Target {
                context: context_name,
                server: Some(redact::urls(&server)),
                user: user_name,
                namespace: String::new(),
            },
            in_cluster: false,
            named: self.files.named,
        })
    }

    fn context(&self, name: &str) -> Result<Context, Trouble> {
        let found = self
            .kubeconfig
            .contexts
            .iter()
            .find(|context| context.name == name);
        match found {
            Some(named) => named.context.clone().ok_or_else(|| {
                self.files.trouble(
                    format!(
                        "context \"{name}\" in {} is empty",
                        self.files.place_of(name)
                    ),
                    None,
                )
            }),
            None if self.access.context.is_some() => Err(Trouble::Usage(UsageError(format!(
                "there is no context \"{name}\" in {}; there is: {}",
                self.files.shown(),
                self.context_names()
            )))),
            None => Err(self.files.trouble(
                format!(
                    "the current-context names \"{name}\" ({}), and there is no such context",
                    self.files.place_of("current-context")
                ),
                Some(self.choice_of_contexts()),
            )),
        }
    }

    fn cluster(&self, name: &str, context: Option<&str>) -> Result<Cluster, Trouble> {
        let found = self
            .kubeconfig
            .clusters
            .iter()
            .find(|cluster| cluster.name == name);
        match found.and_then(|named| named.cluster.clone()) {
            Some(cluster) => Ok(cluster),
            None => Err(self.dangling("cluster", name, context, self.access.cluster.is_some())),
        }
    }

    fn user(&self, name: &str, context: Option<&str>) -> Result<AuthInfo, Trouble> {
        match self
            .kubeconfig
            .auth_infos
            .iter()
            .find(|user| user.name == name)
        {
            Some(named) => Ok(named.auth_info.clone().unwrap_or_default()),
            None => Err(self.dangling("user", name, context, self.access.user.is_some())),
        }
    }

    fn dangling(&self, what: &str, name: &str, context: Option<&str>, flag: bool) -> Trouble {
        let names: Vec<&str> = match what {
            "cluster" => self
                .kubeconfig
                .clusters
                .iter()
                .map(|c| c.name.as_str())
                .collect(),
            _ => self
                .kubeconfig
                .auth_infos
                .iter()
                .map(|u| u.name.as_str())
                .collect(),
        };
        let there_is = listed(&names);
        if flag {
            return Trouble::Usage(UsageError(format!(
                "there is no {what} \"{name}\" in {}; there is: {there_is}",
                self.files.shown()
            )));
        }
        self.files.trouble(
            format!(
                "context \"{}\" names the {what} \"{name}\" ({}), and there is no such {what}",
                context.unwrap_or_default(),
                self.files.place_of(&format!("{what}: {name}"))
            ),
            Some(format!("the kubeconfig has: {there_is}")),
        )
    }

    fn choice_of_contexts(&self) -> String {
        if self.kubeconfig.contexts.is_empty() {
            "it has no context at all".into()
        } else {
            format!("name one with --context: {}", self.context_names())
        }
    }

    fn context_names(&self) -> String {
        let names: Vec<&str> = self
            .kubeconfig
            .contexts
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        listed(&names)
    }

    fn root_certificates(&self, cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, Trouble> {
        let (pem, key) = if let Some(data) = filled(cluster.certificate_authority_data.as_ref()) {
            let pem = decode_base64(data).ok_or_else(|| {
                self.files.trouble(
                    format!(
                        "the key certificate-authority-data in {} is not base64",
                        self.files.place_of("certificate-authority-data")
                    ),
                    None,
                )
            })?;
            (pem, "certificate-authority-data")
        } else if let Some(path) = filled(cluster.certificate_authority.as_ref()) {
            (
                self.file_of_key("certificate-authority", path)?,
                "certificate-authority",
            )
        } else {
            return Ok(None);
        };
        let certificates: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .unwrap_or_default()
            .into_iter()
            .map(|der| der.to_vec())
            .collect();
        if certificates.is_empty() {
            return Err(self.files.trouble(
                format!(
                    "the key {key} ({}) holds no PEM certificate",
                    self.files.place_of(key)
                ),
                None,
            ));
        }
        Ok(Some(certificates))
    }

    /// Whatever the user's credentials name or hold can be read.
    fn check_credentials(&self, user: &AuthInfo) -> Result<(), Trouble> {
        if let Some(path) = filled(user.token_file.as_ref()) {
            self.file_of_key("tokenFile", path)?;
        }
        // The library keeps the key behind a type that only its serialised form opens.
        let key_data = serde_json::to_value(user)
            .ok()
            .and_then(|value| value["client-key-data"].as_str().map(str::to_owned));
        let certificate = self.pem_of(
            "client-certificate",
            user.client_certificate_data.as_ref(),
            user.client_certificate.as_ref(),
        )?;
        let key = self.pem_of("client-key", key_data.as_ref(), user.client_key.as_ref())?;
        let lacks = |(is, _): &(String, Vec<u8>), other: &str| {
            self.files.trouble(
                format!(
                    "the key {is} ({}) needs a {other} beside it, and there is none",
                    self.files.place_of(is)
                ),
                None,
            )
        };
        match (&certificate, &key) {
            (Some(certificate), None) => return Err(lacks(certificate, "client-key")),
            (None, Some(key)) => return Err(lacks(key, "client-certificate")),
            _ => {}
        }
        let holds_none = |key: &str, what: &str| {
            self.files.trouble(
                format!(
                    "the key {key} ({}) holds no PEM {what}",
                    self.files.place_of(key)
                ),
                None,
            )
        };
        if let Some((key, pem)) = &certificate
            && CertificateDer::from_pem_slice(pem).is_err()
        {
            return Err(holds_none(key, "certificate"));
        }
        if let Some((key, pem)) = &key
            && PrivateKeyDer::from_pem_slice(pem).is_err()
        {
            return Err(holds_none(key, "private key"));
        }
        match &user.auth_provider {
            Some(provider) => Err(self.files.trouble(
                format!(
                    "the auth-provider \"{}\" ({}) was removed from Kubernetes' clients",
                    provider.name,
                    self.files.place_of("auth-provider")
                ),
                Some("use the credential plugin (exec) that replaced it".into()),
            )),
            None => Ok(()),
        }
    }

    /// The PEM text of a key that may stand in the kubeconfig or in a file, and the key that holds it.
    fn pem_of(
        &self,
        key: &str,
        data: Option<&String>,
        path: Option<&String>,
    ) -> Result<Option<(String, Vec<u8>)>, Trouble> {
        if let Some(data) = filled(data) {
            let key = format!("{key}-data");
            let pem = decode_base64(data).ok_or_else(|| {
                self.files.trouble(
                    format!(
                        "the key {key} in {} is not base64",
                        self.files.place_of(&key)
                    ),
                    None,
                )
            })?;
            return Ok(Some((key, pem)));
        }
        filled(path)
            .map(|path| Ok((key.to_owned(), self.file_of_key(key, path)?)))
            .transpose()
    }

    fn file_of_key(&self, key: &str, path: &str) -> Result<Vec<u8>, Trouble> {
        std::fs::read(path).map_err(|error| {
            self.files.trouble(
                format!(
                    "the key {key} ({}) names {path}, which cannot be read: {}",
                    self.files.place_of(key),
                    words::io(&error)
                ),
                None,
            )
        })
    }
}

/// Why a document is no kubeconfig, when its first look already tells.
fn something_else(value: &serde_yaml::Value) -> Option<String> {
    const KEYS: [&str; 4] = ["clusters", "contexts", "users", "current-context"];
    // A file of comments only is empty, which is no mistake.
    if value.is_null() {
        return None;
    }
    let Some(mapping) = value.as_mapping() else {
        return Some("it holds no keys such as clusters, contexts and users".into());
    };
    match mapping.get("kind").and_then(serde_yaml::Value::as_str) {
        Some(kind) if kind != "Config" => return Some(format!("its kind is {kind}, not Config")),
        Some(_) => return None,
        None => {}
    }
    KEYS.iter()
        .all(|key| !mapping.contains_key(key))
        .then(|| "it has none of the keys clusters, contexts and users".into())
}

/// The YAML reader's complaint, without its chain of forewords and in words for people.
fn plain_yaml(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    let why = first.rsplit_once("error: ").map_or(first, |(_, why)| why);
    why.replace("expected sequence start", "a list is expected")
        .replace("expected mapping start", "a mapping of keys is expected")
}

fn filled(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

/// Base64 as kubeconfigs hold it; Kubernetes' own type for bytes decodes it.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_whitespace().collect();
    serde_json::from_value::<k8s_openapi::ByteString>(compact.into())
        .ok()
        .map(|bytes| bytes.0)
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
