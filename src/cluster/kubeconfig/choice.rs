//! Selects the context, cluster and user in a kubeconfig.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use kube::config::{AuthInfo, Cluster, Config, Context, Kubeconfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{Access, Resolved, Trouble, files::Files, flags, parse_server, proxy, token};
use crate::{
    facts::{Target, redact},
    stack::base::{
        limits,
        reader::{self, Unreadable},
        usage::UsageError,
    },
};

/// Selects the context, cluster and user in a kubeconfig.
pub(crate) struct Choice<'a> {
    pub(crate) kubeconfig: &'a Kubeconfig,
    pub(crate) files: &'a Files,
    pub(crate) access: &'a Access,
}

impl Choice<'_> {
    pub(crate) fn resolve(&self) -> Result<Resolved, Trouble> {
        let context_name = self
            .access
            .context
            .clone()
            .or_else(|| self.kubeconfig.current_context.clone().filter(|name| !name.is_empty()));
        let context = match &context_name {
            Some(name) => self.context(name)?,
            None if self.access.cluster.is_some() || self.access.server.is_some() => Context::default(),
            None => {
                return Err(self.files.trouble(
                    format!("the kubeconfig {} sets no current-context", self.files.shown()),
                    Some(self.choice_of_contexts()),
                ));
            }
        };
        let cluster = match self.access.cluster.clone().or(Some(context.cluster).filter(|name| !name.is_empty())) {
            Some(name) => self.cluster(&name, context_name.as_deref())?,
            None => Cluster::default(),
        };
        let user_name = self.access.user.clone().or(context.user).filter(|name| !name.is_empty());
        let mut user = match &user_name {
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
        let mut config = Config::new(parse_server(&server).map_err(|why| self.files.trouble(why.to_string(), None))?);
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name.clone_from(&cluster.tls_server_name);
        config.root_cert = self.root_certificates(&cluster)?;
        self.settle_transport(&cluster, &mut config)?;
        // With --token, the kubeconfig's user is ignored.
        if self.access.token.is_none() {
            self.settle_credentials(&mut user)?;
        }
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
                server: Some(redact::address(&server)),
                user: user_name,
                ..Target::default()
            },
            in_cluster: false,
            named: self.files.named,
        })
    }

    /// Sets the proxy, and the name to verify the server's certificate against.
    fn settle_transport(&self, cluster: &Cluster, config: &mut Config) -> Result<(), Trouble> {
        if let Some(proxy) = filled(cluster.proxy_url.as_ref()) {
            let unusable = |why| self.wrong("proxy-url", &format!("cannot be used: {why}"));
            config.proxy_url = Some(proxy::parse(proxy).map_err(unusable)?);
        }
        if let Some(name) = &cluster.tls_server_name
            && self.access.tls_server_name.is_none()
            && !name.is_empty()
        {
            flags::tls_name(name).map_err(|why| self.wrong("tls-server-name", &format!("cannot be used: {why}")))?;
        }
        Ok(())
    }

    fn context(&self, name: &str) -> Result<Context, Trouble> {
        let found = self.kubeconfig.contexts.iter().find(|context| context.name == name);
        match found {
            Some(named) => named.context.clone().ok_or_else(|| {
                self.files.trouble(format!("context \"{name}\" in {} is empty", self.files.place_of(name)), None)
            }),
            None if self.access.context.is_some() => {
                Err(UsageError::new(format!("context \"{name}\" does not exist in {}", self.files.shown()))
                    .hint(format!("available: {}", self.context_names()))
                    .into())
            }
            None => Err(self.files.trouble(
                format!(
                    "the current-context is \"{name}\" ({}), but there is no such context",
                    self.files.place_of("current-context")
                ),
                Some(self.choice_of_contexts()),
            )),
        }
    }

    fn cluster(&self, name: &str, context: Option<&str>) -> Result<Cluster, Trouble> {
        let found = self.kubeconfig.clusters.iter().find(|cluster| cluster.name == name);
        match found.and_then(|named| named.cluster.clone()) {
            Some(cluster) => Ok(cluster),
            None => Err(self.dangling("cluster", name, context, self.access.cluster.is_some())),
        }
    }

    fn user(&self, name: &str, context: Option<&str>) -> Result<AuthInfo, Trouble> {
        match self.kubeconfig.auth_infos.iter().find(|user| user.name == name) {
            Some(named) => Ok(named.auth_info.clone().unwrap_or_default()),
            None => Err(self.dangling("user", name, context, self.access.user.is_some())),
        }
    }

    fn dangling(&self, what: &str, name: &str, context: Option<&str>, flag: bool) -> Trouble {
        let names: Vec<&str> = match what {
            "cluster" => self.kubeconfig.clusters.iter().map(|c| c.name.as_str()).collect(),
            _ => self.kubeconfig.auth_infos.iter().map(|u| u.name.as_str()).collect(),
        };
        let there_is = listed(&names);
        if flag {
            let message = format!("{what} \"{name}\" does not exist in {}", self.files.shown());
            return UsageError::new(message).hint(format!("available: {there_is}")).into();
        }
        self.files.trouble(
            format!(
                "context \"{}\" refers to the {what} \"{name}\" ({}), but there is no such {what}",
                context.unwrap_or_default(),
                self.files.place_of(&format!("{what}: {name}"))
            ),
            Some(format!("the kubeconfig has: {there_is}")),
        )
    }

    fn choice_of_contexts(&self) -> String {
        if self.kubeconfig.contexts.is_empty() {
            "it has no contexts".into()
        } else {
            format!("select one with --context: {}", self.context_names())
        }
    }

    fn context_names(&self) -> String {
        let names: Vec<&str> = self.kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect();
        listed(&names)
    }

    fn root_certificates(&self, cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, Trouble> {
        let (data, path) = (&cluster.certificate_authority_data, &cluster.certificate_authority);
        let Some((key, pem)) = self.pem_of("certificate-authority", data.as_ref(), path.as_ref())? else {
            return Ok(None);
        };
        let certificates: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .unwrap_or_default()
            .into_iter()
            .map(|der| der.to_vec())
            .collect();
        if certificates.is_empty() {
            return Err(self.wrong(&key, "contains no PEM certificate"));
        }
        Ok(Some(certificates))
    }

    /// Checks that everything the user's credentials contain or refer to is readable and valid. Files are replaced by
    /// their content.
    fn settle_credentials(&self, user: &mut AuthInfo) -> Result<(), Trouble> {
        // The library's secret type reveals its value only when it is serialized.
        let open = serde_json::to_value(&*user).unwrap_or_default();
        let exposed = |key: &str| open[key].as_str().map(str::to_owned);
        if let Some(token) = exposed("token") {
            token::check(&token).map_err(|why| {
                self.files.trouble(format!("the key token ({}) {why}", self.files.place_of("token:")), None)
            })?;
        }
        let path = user.token_file.clone();
        token::settle_file(user).map_err(|why| match why {
            token::Unusable::File(why) => self.unreadable("tokenFile", path.as_deref().unwrap_or_default(), &why),
            token::Unusable::Token(why) => self
                .files
                .trouble(format!("the file of the key tokenFile ({}) {why}", self.files.place_of("tokenFile")), None),
        })?;
        let key_data = exposed("client-key-data");
        let certificate =
            self.pem_of("client-certificate", user.client_certificate_data.as_ref(), user.client_certificate.as_ref())?;
        let key = self.pem_of("client-key", key_data.as_ref(), user.client_key.as_ref())?;
        let lacks = |(is, _): &(String, Vec<u8>), other: &str| {
            self.wrong(is, &format!("needs a {other} as well, which is missing"))
        };
        match (&certificate, &key) {
            (Some(certificate), None) => return Err(lacks(certificate, "client-key")),
            (None, Some(key)) => return Err(lacks(key, "client-certificate")),
            _ => {}
        }
        if let Some((key, pem)) = &certificate
            && CertificateDer::from_pem_slice(pem).is_err()
        {
            return Err(self.wrong(key, "contains no PEM certificate"));
        }
        if let Some((key, pem)) = &key
            && PrivateKeyDer::from_pem_slice(pem).is_err()
        {
            return Err(self.wrong(key, "contains no PEM private key"));
        }
        if let (Some((_, certificate)), Some((_, key))) = (certificate, key) {
            user.client_certificate_data = Some(BASE64.encode(&certificate));
            user.client_certificate = None;
            user.client_key_data = Some(BASE64.encode(&key).into());
            user.client_key = None;
        }
        match &user.auth_provider {
            Some(provider) => Err(self.files.trouble(
                format!(
                    "the auth-provider \"{}\" ({}) is no longer supported by Kubernetes clients",
                    provider.name,
                    self.files.place_of("auth-provider")
                ),
                Some("use the credential plugin (exec) that replaces it".into()),
            )),
            None => Ok(()),
        }
    }

    /// The PEM text of a key that may be inline or in a file, and the name of the key that has it.
    fn pem_of(
        &self,
        key: &str,
        data: Option<&String>,
        path: Option<&String>,
    ) -> Result<Option<(String, Vec<u8>)>, Trouble> {
        if let Some(data) = filled(data) {
            let key = format!("{key}-data");
            let pem = decode_base64(data).ok_or_else(|| {
                self.files.trouble(format!("the key {key} in {} is not base64", self.files.place_of(&key)), None)
            })?;
            return Ok(Some((key, pem)));
        }
        filled(path).map(|path| Ok((key.to_owned(), self.file_of_key(key, path)?))).transpose()
    }

    fn file_of_key(&self, key: &str, path: &str) -> Result<Vec<u8>, Trouble> {
        reader::bytes(Path::new(path), limits::CREDENTIAL_FILE).map_err(|why| self.unreadable(key, path, &why))
    }

    fn unreadable(&self, key: &str, path: &str, why: &Unreadable) -> Trouble {
        self.wrong(key, &format!("refers to {path}, which cannot be read: {why}"))
    }

    /// What is wrong with a key, and where it is.
    fn wrong(&self, key: &str, what: &str) -> Trouble {
        self.files.trouble(format!("the key {key} ({}) {what}", self.files.place_of(key)), None)
    }
}

fn filled(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Base64 as kubeconfigs contain it, possibly with line breaks.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_whitespace().collect();
    BASE64.decode(compact).ok()
}
