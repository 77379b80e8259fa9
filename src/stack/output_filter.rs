//! The `MeshSync` flags that limit what it publishes: `-output`, `-outputNamespaces`, `-outputResources`. Pure.

use k8s_openapi::api::apps::v1::Deployment;

use crate::stack::profile::Profile;

/// What `MeshSync`'s flags exclude.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputFilter {
    /// Whether it writes a file and publishes nothing.
    pub to_file: bool,
    /// The only namespaces whose objects are published, as written. Cluster-scoped objects are then excluded.
    pub namespaces: Option<String>,
    /// The only resources that it watches, as written.
    pub resources: Option<String>,
}

impl OutputFilter {
    /// Reads the flags of `MeshSync`'s container.
    pub fn of(deployment: &Deployment, profile: &Profile) -> Self {
        let words: Vec<&str> = deployment
            .spec
            .iter()
            .flat_map(|spec| spec.template.spec.iter())
            .flat_map(|pod| &pod.containers)
            .filter(|container| container.name == profile.meshsync.container)
            .flat_map(|container| {
                let command = container.command.iter().flatten();
                command.chain(container.args.iter().flatten())
            })
            .map(String::as_str)
            .collect();
        let says = |name: &str| flag(&words, name).filter(|value| !value.is_empty());
        Self {
            to_file: says("output") == Some("file"),
            namespaces: says("outputNamespaces").map(str::to_owned),
            resources: says("outputResources").map(str::to_owned),
        }
    }

    /// Whether nothing is excluded.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Why objects of this resource in this namespace are not published. `None` if they are.
    ///
    /// Namespaces are compared literally. Resources match in singular or plural, in upper or lower case.
    pub fn excludes(&self, resource: &str, namespace: &str) -> Option<String> {
        if self.to_file {
            return Some("MeshSync writes a file (-output) and publishes nothing".into());
        }
        if let Some(namespaces) = &self.namespaces
            && !namespaces.split(',').any(|name| name.trim() == namespace)
        {
            return Some(format!("-outputNamespaces is {namespaces}, without {namespace}"));
        }
        if let Some(resources) = &self.resources {
            let plural = resource.split('.').next().unwrap_or(resource);
            let named = resources.split(',').any(|word| {
                let word = word.trim().to_lowercase();
                word == plural || word == plural.trim_end_matches('s')
            });
            if !named {
                return Some(format!("-outputResources is {resources}, without it"));
            }
        }
        None
    }
}

/// The value of a flag, in each form that Go's flag package accepts.
fn flag<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(n, word)| {
        let word = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        match word.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (word == name).then(|| words.get(n + 1).copied()).flatten(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_parsed_as_go_parses_them() {
        for words in [
            &["-outputNamespaces=a,b"][..],
            &["--outputNamespaces", "a,b"],
            &["./meshery-meshsync", "-output", "broker", "-outputNamespaces", "a,b"],
        ] {
            assert_eq!(flag(words, "outputNamespaces"), Some("a,b"), "{words:?}");
        }
        assert_eq!(flag(&["-outputNamespaces=a"], "output"), None);
        assert_eq!(flag(&["-output"], "output"), None);
    }

    #[test]
    fn namespaces_match_literally_and_resources_do_not() {
        let filter = OutputFilter {
            namespaces: Some("default,Meshery".into()),
            resources: Some("Pod,configmaps".into()),
            ..OutputFilter::default()
        };
        assert_eq!(filter.excludes("pods.v1.", "default"), None);
        assert_eq!(filter.excludes("configmaps.v1.", "default"), None);
        assert!(filter.excludes("configmaps.v1.", "meshery").is_some());
        assert!(filter.excludes("deployments.v1.apps", "default").is_some());
    }
}
