//! A kubeconfig for somebody else: only some contexts, with the content of files in place of their names.
//!
//! Everything else of a cluster and a user stays as it is, because Meshery Server recognizes a context by them.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::files;
use crate::{
    facts::redact,
    stack::base::{limits, reader, usage::UsageError, words},
};

/// A kubeconfig that refers to no files.
#[derive(Debug)]
pub struct Portable {
    /// Its contexts, in the order of the file.
    pub contexts: Vec<PortableContext>,
    /// The files whose content it contains.
    pub files: Vec<String>,
    /// The kubeconfig itself as JSON, which is YAML as well. It contains credentials.
    pub text: SecretString,
}

/// A context of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortableContext {
    /// Its name.
    pub name: String,
    /// The API server's address as it is shown.
    pub server: String,
    /// The program that fetches its credentials: `aws`.
    pub program: Option<String>,
    /// The name of its `auth-provider`, which Kubernetes clients no longer support.
    pub provider: Option<String>,
    /// Whether it has no credentials of its own.
    pub is_anonymous: bool,
}

/// Reads a kubeconfig, or standard input for `-`, and takes the contexts with these names, or all.
///
/// # Errors
///
/// [`UsageError`] if it cannot be read, is no kubeconfig, lacks one of these contexts, or refers to what does not exist.
pub fn read(file: &str, only: &[String]) -> Result<Portable, UsageError> {
    let shown = shown(file);
    let text = reader::text_or_input(file, limits::KUBECONFIG).map_err(|why| UsageError::unreadable(&shown, why))?;
    let value =
        files::kubeconfig(&text).map_err(|why| UsageError::new(format!("{shown} is not a kubeconfig: {why}")))?;
    // Paths in standard input are relative to the working directory, as in kubectl.
    let folder = Path::new(file).parent().filter(|_| file != "-").map(PathBuf::from).unwrap_or_default();
    let read = |path: &str| reader::bytes(&folder.join(path), limits::CREDENTIAL_FILE).map_err(|why| why.to_string());
    Source { shown: &shown, value: &value, read: &read }.take(only)
}

/// A file as messages name it.
pub fn shown(file: &str) -> String {
    if file == "-" { "standard input".into() } else { file.to_owned() }
}

/// Reads a file that a kubeconfig names.
type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// A kubeconfig that is read.
struct Source<'a> {
    shown: &'a str,
    value: &'a Value,
    read: ReadFile<'a>,
}

impl Source<'_> {
    fn take(&self, only: &[String]) -> Result<Portable, UsageError> {
        let all = self.names("contexts");
        if all.is_empty() {
            return Err(UsageError::new(format!("{} has no contexts", self.shown)));
        }
        if let Some(unknown) = only.iter().find(|name| !all.contains(name)) {
            let message = format!("context \"{unknown}\" does not exist in {}", self.shown);
            return Err(UsageError::new(message).hint(format!("available: {}", all.join(", "))));
        }
        let mut taken = Taken::default();
        for name in all.iter().filter(|name| only.is_empty() || only.contains(name)) {
            self.context(name, &mut taken)?;
        }
        let current = taken.shown.first().map(|context| context.name.clone()).unwrap_or_default();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": current,
            "contexts": taken.contexts, "clusters": taken.clusters, "users": taken.users,
        });
        let text = config.to_string();
        if text.len() > limits::SERVER_UPLOAD {
            let most = limits::SERVER_UPLOAD / limits::MIB;
            let message = format!("the contexts of {} are larger than {most} MiB", self.shown);
            return Err(UsageError::new(message).instead("upload fewer at once with --only"));
        }
        Ok(Portable { contexts: taken.shown, files: taken.files, text: text.into() })
    }

    fn names(&self, list: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in items(&self.value[list]).filter_map(|item| text(&item["name"])) {
            // Of two of one name the first counts.
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn find(&self, list: &str, name: &str) -> Option<&Value> {
        items(&self.value[list]).find(|item| text(&item["name"]).as_deref() == Some(name))
    }

    fn context(&self, name: &str, taken: &mut Taken) -> Result<(), UsageError> {
        let wrong = |why: String| UsageError::new(format!("context \"{name}\" of {} {why}", self.shown));
        let context = self.find("contexts", name).map(|item| &item["context"]).filter(|context| context.is_object());
        let context = context.ok_or_else(|| wrong("is empty".into()))?;
        let dangling = |what: &str, name: &str, list: &str| {
            let names = self.names(list);
            let there_is = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            wrong(format!("refers to the {what} \"{name}\", which does not exist"))
                .hint(format!("available: {there_is}"))
        };
        let of_cluster = text(&context["cluster"]).ok_or_else(|| wrong("names no cluster".into()))?;
        let cluster = self.find("clusters", &of_cluster).ok_or_else(|| dangling("cluster", &of_cluster, "clusters"))?;
        let server = text(&cluster["cluster"]["server"])
            .ok_or_else(|| wrong(format!("has a cluster without a server address, \"{of_cluster}\"")))?;
        let mut shown =
            PortableContext { name: name.to_owned(), server: redact::address(&server), ..PortableContext::default() };
        if !taken.names("clusters").contains(&of_cluster) {
            let mut cluster = cluster.clone();
            taken.files.extend(self.embed(&mut cluster["cluster"], &["certificate-authority"]).map_err(wrong)?);
            taken.clusters.push(cluster);
        }
        match text(&context["user"]) {
            None => shown.is_anonymous = true,
            Some(of_user) => {
                let user = self.find("users", &of_user).ok_or_else(|| dangling("user", &of_user, "users"))?;
                let mut user = user.clone();
                shown.program = text(&user["user"]["exec"]["command"]);
                shown.provider = text(&user["user"]["auth-provider"]["name"]);
                shown.is_anonymous = user["user"].as_object().is_none_or(Map::is_empty);
                let mut files = self.embed(&mut user["user"], &["client-certificate", "client-key"]).map_err(wrong)?;
                files.extend(self.embed_token(&mut user["user"]).map_err(wrong)?);
                remember(&user["user"]);
                if !taken.names("users").contains(&of_user) {
                    taken.users.push(user);
                    taken.files.extend(files);
                }
            }
        }
        taken.contexts.push(json!({ "name": name, "context": context }));
        taken.shown.push(shown);
        Ok(())
    }

    /// Replaces the names of these files by their content, and returns the names. What is there as data counts more, as
    /// in kubectl.
    fn embed(&self, fields: &mut Value, keys: &[&str]) -> Result<Vec<String>, String> {
        let mut files = Vec::new();
        let Some(fields) = fields.as_object_mut() else { return Ok(files) };
        for key in keys {
            let Some(path) = fields.remove(*key).as_ref().and_then(text) else { continue };
            let data = format!("{key}-data");
            if fields.get(&data).and_then(text).is_none() {
                let content = (self.read)(&path).map_err(|why| unreadable(key, &path, &why))?;
                fields.insert(data, BASE64.encode(content).into());
                files.push(path);
            }
        }
        Ok(files)
    }

    /// Replaces the name of the token's file by the token, which counts more than one beside it, as in kubectl. Returns
    /// the name.
    fn embed_token(&self, fields: &mut Value) -> Result<Option<String>, String> {
        let Some(fields) = fields.as_object_mut() else { return Ok(None) };
        let Some(path) = fields.remove("tokenFile").as_ref().and_then(text) else { return Ok(None) };
        let content = (self.read)(&path).map_err(|why| unreadable("tokenFile", &path, &why))?;
        let token = String::from_utf8(content).map_err(|_| unreadable("tokenFile", &path, "it is not text"))?;
        fields.insert("token".into(), token.trim().into());
        Ok(Some(path))
    }
}

/// What is taken so far.
#[derive(Default)]
struct Taken {
    shown: Vec<PortableContext>,
    contexts: Vec<Value>,
    clusters: Vec<Value>,
    users: Vec<Value>,
    files: Vec<String>,
}

impl Taken {
    fn names(&self, list: &str) -> Vec<String> {
        let list = if list == "clusters" { &self.clusters } else { &self.users };
        list.iter().filter_map(|item| text(&item["name"])).collect()
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A text, or a number or truth value as its text, because YAML has names such as `1`. `None` if it is empty.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn unreadable(key: &str, path: &str, why: &str) -> String {
    format!("refers to {} ({key}), which cannot be read: {why}", words::quoted(path))
}

/// Registers the credentials of a user, so that they are masked in everything that is shown, whoever repeats them.
fn remember(user: &Value) {
    let of_exec = items(&user["exec"]["env"]).map(|variable| &variable["value"]);
    let of_provider = user["auth-provider"]["config"].as_object().into_iter().flatten().map(|(_, value)| value);
    let own = ["token", "password", "client-key-data"].map(|key| &user[key]);
    for secret in own.into_iter().chain(of_exec).chain(of_provider).filter_map(Value::as_str) {
        redact::remember(secret);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const FILE: &str = "
apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: prod, context: {cluster: c1, user: u1, namespace: shop}}
- {name: test, context: {cluster: c1, user: u2}}
- {name: 7, context: {cluster: c2, user: u3}}
- {name: lost, context: {cluster: none, user: u1}}
- {name: bare, context: {cluster: c2}}
clusters:
- {name: c1, cluster: {server: 'https://me:pass@k8s.example:6443', certificate-authority: ca.pem, extensions: [{name: x, extension: {}}]}}
- {name: c2, cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: b2xk, certificate-authority: ca.pem}}
users:
- {name: u1, user: {client-certificate: cert.pem, client-key: key.pem}}
- {name: u2, user: {token: oldTokenOfTheUser, tokenFile: token}}
- {name: u3, user: {exec: {apiVersion: v1, command: aws, env: [{name: A, value: secretOfThePlugin}]}}}
";

    fn take(text: &str, only: &[&str]) -> Result<Portable, String> {
        let value = files::kubeconfig(text).map_err(|why| why.to_string())?;
        let read = |path: &str| match path {
            "token" => Ok(b"theTokenInTheFile\n".to_vec()),
            "missing" => Err("no such file".to_owned()),
            other => Ok(other.as_bytes().to_vec()),
        };
        let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
        let source = Source { shown: "config", value: &value, read: &read };
        source.take(&only).map_err(|error| format!("{error}{}", error.suffix()))
    }

    fn sent(portable: &Portable) -> Value {
        serde_json::from_str(portable.text.expose_secret()).expect("JSON")
    }

    #[test]
    fn only_the_chosen_contexts_are_taken_with_their_files() {
        let portable = take(FILE, &["prod"]).expect("a kubeconfig");
        let sent = sent(&portable);
        assert_eq!(sent["contexts"][0]["context"], json!({ "cluster": "c1", "user": "u1", "namespace": "shop" }));
        let cluster = &sent["clusters"][0]["cluster"];
        assert_eq!(cluster["certificate-authority-data"], BASE64.encode("ca.pem"));
        assert!(cluster.get("certificate-authority").is_none() && cluster.get("extensions").is_some());
        let user = json!({
            "client-certificate-data": BASE64.encode("cert.pem"), "client-key-data": BASE64.encode("key.pem"),
        });
        assert_eq!(sent["users"], json!([{ "name": "u1", "user": user }]));
        assert_eq!(
            (sent["contexts"].as_array().map(Vec::len), sent["current-context"].as_str()),
            (Some(1), Some("prod"))
        );
        assert_eq!(portable.files, ["ca.pem", "cert.pem", "key.pem"]);
        assert_eq!(portable.contexts[0].server, "https://REDACTED@k8s.example:6443");
        let printed = format!("{portable:?}");
        assert!(!printed.contains("pass@") && !printed.contains(&BASE64.encode("key.pem")), "{printed}");
    }

    #[test]
    fn a_token_in_a_file_counts_more_and_a_plugin_is_named() {
        let portable = take(FILE, &["test", "7"]).expect("a kubeconfig");
        let sent = sent(&portable);
        assert_eq!(sent["users"][0]["user"], json!({ "token": "theTokenInTheFile" }));
        assert_eq!(sent["clusters"][1]["cluster"]["certificate-authority-data"], "b2xk");
        assert_eq!(portable.contexts[1].name, "7");
        assert_eq!(portable.files, ["ca.pem", "token"]);
        assert_eq!(portable.contexts[1].program.as_deref(), Some("aws"));
        assert!(!redact::clean("with secretOfThePlugin and theTokenInTheFile").contains("Token"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, only, says) in [
            (FILE, &["prod", "no"][..], "\"no\" does not exist in config; available: prod, test, 7, lost, bare"),
            (
                FILE,
                &["lost"],
                "context \"lost\" of config refers to the cluster \"none\", which does not exist; available: c1, c2",
            ),
            ("kind: Config", &[], "config has no contexts"),
            ("kind: Pod", &[], "its kind is Pod, not Config"),
            ("", &[], "it is empty"),
            ("[1]", &[], "no keys such as"),
        ] {
            let why = take(text, only).expect_err("an error");
            assert!(why.contains(says), "{why}");
        }
        let broken = FILE.replace("key.pem", "missing");
        let why = take(&broken, &["prod"]).expect_err("an error");
        assert!(why.contains("refers to missing (client-key), which cannot be read: no such file"), "{why}");
        assert!(take(FILE, &["bare"]).expect("a kubeconfig").contexts[0].is_anonymous);
        let huge = FILE.replace("{name: x,", &format!("{{name: {},", "x".repeat(limits::SERVER_UPLOAD)));
        assert!(take(&huge, &["prod"]).expect_err("an error").contains("--only"));
        take(&huge, &["7"]).expect("a kubeconfig");
    }
}
