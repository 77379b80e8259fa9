//! How this program was started, so that the commands it prints reach the same cluster as the same user.

use super::words::quoted;

/// The program's name and its connection flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// `meshdoctor`, or `kubectl meshdoctor`.
    pub program: String,
    /// Flags that name a cluster as kubectl does, and those that name Meshery Server. Credentials are left out.
    flags: Vec<(&'static str, Option<String>)>,
}

impl Default for Invocation {
    fn default() -> Self {
        Self { program: "meshdoctor".into(), flags: Vec::new() }
    }
}

impl Invocation {
    /// An invocation with this name and no flags.
    pub fn of(program: impl Into<String>) -> Self {
        Self { program: program.into(), flags: Vec::new() }
    }

    /// Adds a flag if it has a value. A flag that was added before keeps its value.
    pub fn add(&mut self, flag: &'static str, value: Option<impl Into<String>>) {
        if let Some(value) = value
            && !self.flags.iter().any(|(name, _)| *name == flag)
        {
            self.flags.push((flag, Some(value.into())));
        }
    }

    /// Adds each value of a flag that may be given more than once.
    pub fn add_each(&mut self, flag: &'static str, values: &[String]) {
        self.flags.extend(values.iter().map(|value| (flag, Some(value.clone()))));
    }

    /// Adds a flag without a value.
    pub fn add_switch(&mut self, flag: &'static str, on: bool) {
        if on {
            self.flags.push((flag, None));
        }
    }

    /// The flags as words of a command line, each preceded by a space: ` --context prod --as jane`.
    pub fn flags(&self) -> String {
        self.written(Some)
    }

    /// The flags for a command of this program with these arguments. Commands that never ask Meshery Server go without
    /// the flags that name it.
    pub fn flags_for(&self, arguments: &str) -> String {
        let arguments = arguments.strip_prefix("system ").unwrap_or(arguments);
        let mut words = arguments.split(' ');
        let asks = match words.next() {
            Some("check" | "status" | "test" | "record" | "server") => true,
            Some("reset") => matches!(words.next(), Some("data" | "database")),
            _ => false,
        };
        if asks { self.flags() } else { self.kubectl_flags() }
    }

    /// Whether a flag names Meshery Server.
    pub fn names_server(&self) -> bool {
        self.flags.iter().any(|(flag, _)| flag.starts_with("--meshery-"))
    }

    /// The flags that kubectl has too.
    pub fn kubectl_flags(&self) -> String {
        self.written(|flag| (!flag.starts_with("--meshery-")).then_some(flag))
    }

    /// The flags that Helm has too, under Helm's names.
    pub fn helm_flags(&self) -> String {
        self.written(|flag| match flag {
            "--kubeconfig" => Some("--kubeconfig"),
            "--context" => Some("--kube-context"),
            "--as" => Some("--kube-as-user"),
            "--as-group" => Some("--kube-as-group"),
            "--server" => Some("--kube-apiserver"),
            "--tls-server-name" => Some("--kube-tls-server-name"),
            "--insecure-skip-tls-verify" => Some("--kube-insecure-skip-tls-verify"),
            _ => None,
        })
    }

    fn written(&self, name: impl Fn(&'static str) -> Option<&'static str>) -> String {
        let flags = self.flags.iter().filter_map(|(flag, value)| Some((name(flag)?, value)));
        flags
            .map(|(flag, value)| match value {
                Some(value) => format!(" {flag} {}", quoted(value)),
                None => format!(" {flag}"),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation() -> Invocation {
        let mut invocation = Invocation::of("kubectl meshdoctor");
        invocation.add("--kubeconfig", Some("my config"));
        invocation.add("--context", Some("prod"));
        invocation.add("--context", Some("another"));
        invocation.add("--as", None::<String>);
        invocation.add_each("--as-group", &["a".into(), "b".into()]);
        invocation.add("--cluster", Some("c"));
        invocation.add_switch("--insecure-skip-tls-verify", true);
        invocation.add("--meshery-context", Some("prod"));
        invocation
    }

    #[test]
    fn flags_when_printed_are_quoted_and_keep_their_order() {
        let shared =
            " --kubeconfig 'my config' --context prod --as-group a --as-group b --cluster c --insecure-skip-tls-verify";
        assert_eq!(invocation().kubectl_flags(), shared);
        assert_eq!(invocation().flags(), format!("{shared} --meshery-context prod"));
        assert_eq!(invocation().flags_for("system status"), invocation().flags());
        assert_eq!(invocation().flags_for("test broker"), invocation().flags());
        assert_eq!(invocation().flags_for("system redeploy"), shared);
        assert_eq!(invocation().flags_for("system reset database --dry-run"), invocation().flags());
        assert_eq!(invocation().flags_for("system reset data"), invocation().flags());
        assert_eq!(invocation().flags_for("system reset stack"), shared);
    }

    #[test]
    fn helm_flags_when_printed_use_helm_names() {
        let flags = invocation().helm_flags();
        let expected = " --kubeconfig 'my config' --kube-context prod --kube-as-group a --kube-as-group b \
                        --kube-insecure-skip-tls-verify";
        assert_eq!(flags, expected);
    }
}
