//! Reads facts from files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    API_VERSION, Header, REMOTES, dump,
    error::RecordingError,
    input::{Input, is_one_of, shown, typed},
};
use crate::{
    facts::{
        Facts,
        observed::{self, Object, Observed, Source, Versions},
    },
    stack::{
        base::{seen::Seen, usage::UsageError},
        hub::Generation,
        profile::{Profile, SERVICE_MESH_HUB},
    },
};

/// Reads the recording or dump at `path`, which is a file, a folder, or `-` for standard input: the facts of each stack,
/// or only those of a named profile. There is at least one.
///
/// # Errors
///
/// A [`UsageError`] with one sentence if it cannot be read or contains nothing of Kubernetes.
pub fn read(path: &str, profile: Option<&'static Profile>, namespace: Option<&str>) -> Result<Vec<Facts>, UsageError> {
    understood(Input::load(path)?, shown(path), profile, namespace)
}

/// Parses a text like the content of a file.
///
/// # Errors
///
/// Like [`read`].
pub fn read_text(
    shown: &str,
    text: &str,
    profile: Option<&'static Profile>,
    namespace: Option<&str>,
) -> Result<Vec<Facts>, UsageError> {
    let mut input = Input::default();
    input.add_text(shown, text)?;
    understood(input, shown, profile, namespace)
}

fn understood(
    input: Input,
    shown: &str,
    profile: Option<&'static Profile>,
    namespace: Option<&str>,
) -> Result<Vec<Facts>, UsageError> {
    if input.objects.is_empty() && input.asked.is_empty() {
        return Err(UsageError::new(format!("{shown} contains no Kubernetes object"))
            .instead("use a file that `meshdoctor record` wrote, or the output of `kubectl get … -o json`"));
    }
    input.into_facts(profile, namespace).map_err(|why| UsageError::unreadable(shown, &why).hint(why.hint()))
}

/// The Kubernetes objects of a text. Lists are split into their items.
///
/// # Errors
///
/// A [`UsageError`] if the text is neither JSON nor YAML.
pub fn objects(shown: &str, text: &str) -> Result<Vec<Value>, UsageError> {
    let mut input = Input::default();
    input.add_text(shown, text)?;
    Ok(input.objects)
}

impl Input {
    fn into_facts(
        mut self,
        profile: Option<&'static Profile>,
        namespace: Option<&str>,
    ) -> Result<Vec<Facts>, RecordingError> {
        let recordings: Vec<Value> = self.objects.extract_if(.., |object| is_recording(object)).collect();
        if recordings.is_empty() {
            let profiles = profile.map_or_else(|| self.profiles(), |profile| vec![profile]);
            return profiles.into_iter().map(|profile| dump::facts(&self, profile, namespace)).collect();
        }
        let malformed = || RecordingError::malformed("its Recording object");
        let mut stacks: Vec<(Header, Facts)> = Vec::new();
        for mut recording in recordings {
            let remotes = recording.as_object_mut().and_then(|fields| fields.remove(REMOTES));
            let header: Header = typed(&recording).map_err(malformed())?;
            if stacks.iter().any(|(other, _)| other.profile == header.profile) {
                return Err(RecordingError::Several);
            }
            let mut facts: Facts = typed(&recording).map_err(malformed())?;
            if let Some(Value::Array(remotes)) = remotes {
                facts.hub.get_or_insert_default().remotes =
                    remotes.into_iter().map(remote).collect::<Result<_, _>>()?;
            }
            stacks.push((header, facts));
        }
        if let Some(profile) = profile.filter(|_| stacks.len() > 1) {
            stacks.retain(|(header, _)| header.profile == profile.name);
            if stacks.is_empty() {
                return Err(RecordingError::WithoutProfile(profile.product));
            }
        }
        stacks.into_iter().map(|(header, facts)| self.recorded(header, facts, profile)).collect()
    }

    /// The facts of our own recording: exactly what was observed.
    fn recorded(
        &self,
        header: Header,
        facts: Facts,
        profile: Option<&'static Profile>,
    ) -> Result<Facts, RecordingError> {
        let profile = match profile {
            Some(profile) => profile,
            None => Profile::named(&header.profile).ok_or(RecordingError::UnknownProfile(header.profile))?,
        };
        let hub = profile.is_hub().then(|| facts.hub.unwrap_or_default());
        let mut facts = Facts { taken_at: header.taken_at, target: header.target, profile, hub, ..facts };
        let mut recorded =
            Recorded { input: self, asked: &header.asked, namespace: &facts.target.namespace.clone(), profile };
        observed::read(&mut facts, &mut recorded)?;
        if let Some(hub) = &mut facts.hub {
            for kind in hub.generation().into_iter().flat_map(Generation::kinds) {
                let objects = self.objects_of(&kind.api_version, kind.kind)?;
                let outcome = header.asked.get(&kind.query()).cloned().unwrap_or_default();
                hub.objects.insert(kind.role, outcome.map(|_| objects));
            }
        }
        Ok(facts)
    }
}

fn is_recording(object: &Value) -> bool {
    object["kind"] == "Recording" && object["apiVersion"] == API_VERSION
}

/// The recording of a registered cluster.
fn remote(list: Value) -> Result<Facts, RecordingError> {
    let mut input = Input::default();
    input.add_value(list);
    // It has no clusters of its own.
    for recording in input.objects.iter_mut().filter(|object| is_recording(object)) {
        recording.as_object_mut().and_then(|fields| fields.remove(REMOTES));
    }
    input
        .into_facts(Some(&SERVICE_MESH_HUB), None)?
        .pop()
        .ok_or(RecordingError::WithoutProfile(SERVICE_MESH_HUB.product))
}

/// The objects of a recording, and the outcomes of the queries for them.
struct Recorded<'a> {
    input: &'a Input,
    asked: &'a BTreeMap<String, Seen<usize>>,
    namespace: &'a str,
    profile: &'static Profile,
}

impl Recorded<'_> {
    fn outcome(&self, row: &Observed) -> Seen<usize> {
        self.asked.get(row.name).cloned().unwrap_or_default()
    }

    fn objects<T: Object>(&self, row: &Observed) -> Result<Vec<T>, RecordingError> {
        let mut objects: Vec<T> = self.input.all(row)?;
        // The others belong to another stack in the same recording.
        objects.retain(|object| object.metadata().namespace.as_deref().is_none_or(|name| name == self.namespace));
        if let Some(names) = row.names(self.profile, self.namespace) {
            objects.retain(|object| is_one_of(object, &names));
        }
        Ok(objects)
    }
}

impl Source for Recorded<'_> {
    type Error = RecordingError;

    fn one<T: Object>(&mut self, row: &Observed) -> Result<Seen<T>, RecordingError> {
        let found = self.objects(row)?.pop();
        Ok(held(self.outcome(row), found))
    }

    fn many<T: Object>(&mut self, row: &Observed) -> Result<Seen<Vec<T>>, RecordingError> {
        let objects = self.objects(row)?;
        Ok(self.outcome(row).map(|_| objects))
    }

    fn versions<T: Object>(&mut self, row: &Observed) -> Result<Versions<T>, RecordingError> {
        let mut versions = Versions::new();
        for (query, outcome) in self.asked {
            let Some((_, version)) = query.split_once('.').filter(|(name, _)| *name == row.name) else {
                continue;
            };
            let api_version = format!("{}/{version}", self.profile.group);
            let objects = self.input.objects_of(&api_version, row.kind)?;
            versions.insert(version.to_owned(), outcome.clone().map(|_| objects));
        }
        Ok(versions)
    }
}

/// The outcome for one object. It is known only if the recording contains the object.
fn held<T>(outcome: Seen<usize>, found: Option<T>) -> Seen<T> {
    match (outcome, found) {
        (Seen::Known(_), Some(found)) => Seen::Known(found),
        (Seen::Known(_), None) => Seen::Absent,
        (other, _) => other.map(|_| unreachable!("only a known outcome has a value")),
    }
}
