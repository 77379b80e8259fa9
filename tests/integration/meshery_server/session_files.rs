//! The files of `mesheryctl` on the user's machine.

use std::{fmt::Write as _, fs, path::PathBuf};

/// A folder with `config.yaml` and the token files that it names.
pub(crate) struct SessionFiles {
    folder: tempfile::TempDir,
    contexts: String,
    tokens: String,
}

impl SessionFiles {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        Self { folder, contexts: String::new(), tokens: String::new() }
    }

    /// Adds a context whose server has this address, with a token of the remote provider.
    pub(crate) fn context(mut self, name: &str, endpoint: &str, platform: &str, token: &str) -> Self {
        write!(
            self.contexts,
            "  {name}:\n    endpoint: {endpoint}\n    token: {name}\n    provider: Meshery\n    platform: {platform}\n"
        )
        .expect("text");
        writeln!(self.tokens, "- name: {name}\n  location: {name}.json").expect("text");
        let text = serde_json::json!({ "meshery-provider": "Meshery", "token": token });
        fs::write(self.folder.path().join(format!("{name}.json")), text.to_string()).expect("a token file");
        self
    }

    /// Writes the configuration and returns its path. The first context is the current one.
    pub(crate) fn config(&self) -> PathBuf {
        let path = self.folder.path().join("config.yaml");
        let current = self.contexts.split(':').next().unwrap_or_default().trim();
        let text = format!("contexts:\n{}current-context: {current}\ntokens:\n{}", self.contexts, self.tokens);
        fs::write(&path, text).expect("a configuration");
        path
    }
}
