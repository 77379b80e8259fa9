//! Which resources the API server serves: all of them in two requests, or whether it serves a given one.

use futures_util::future::join;
use serde::Deserialize;

use super::ask::{ApiClient, ApiError, RetryPolicy, parse};
use crate::{
    facts::Served,
    stack::{
        base::{
            failure::{Failure, Kind},
            seen::Seen,
            words,
        },
        object::group_of,
    },
};

/// The content type with every group and its resources, supported by Kubernetes 1.26 and later.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Whether a kind is served at all, which every authenticated user can query. `None` if the answer is not clear.
///
/// The built-in groups of Kubernetes are always served and are not queried.
pub(crate) async fn serves(api: &ApiClient<'_>, api_version: &str, plural: &str) -> Option<bool> {
    let group = group_of(api_version);
    if !group.contains('.') || group.ends_with(".k8s.io") {
        return Some(true);
    }
    match api.get(&format!("/apis/{api_version}")).await {
        Ok(body) => {
            let served: Resources = serde_json::from_str(&body).ok()?;
            Some(served.resources.iter().any(|one| one.name == plural))
        }
        Err(ApiError::NotFound) => Some(false),
        Err(_) => None,
    }
}

/// The groups that are served, with their versions, as `group/version`. One small answer, unlike that of [`ask`], which is
/// queried once.
pub(crate) async fn group_versions<'a>(api: &'a ApiClient<'_>) -> Result<&'a [String], ApiError> {
    let queried = api.groups().get_or_try_init(|| query_group_versions(api)).await;
    queried.map(Vec::as_slice)
}

async fn query_group_versions(api: &ApiClient<'_>) -> Result<Vec<String>, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed {
        #[serde(default)]
        groups: Vec<ListedGroup>,
    }
    #[derive(Deserialize)]
    struct ListedGroup {
        #[serde(default)]
        versions: Vec<ListedVersion>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ListedVersion {
        group_version: String,
    }
    let listed: Listed = parse(&api.get("/apis").await?)?;
    Ok(listed.groups.into_iter().flat_map(|group| group.versions).map(|version| version.group_version).collect())
}

#[derive(Deserialize)]
struct Groups {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "version")]
    name: String,
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
}

/// Queries the resources. Every authenticated user can do this, unless the default role was removed.
pub(crate) async fn ask(api: &ApiClient<'_>) -> Seen<Served> {
    let ask = |path| api.get_as(path, AGGREGATED, RetryPolicy::Failed);
    let (core, named) = join(ask("/api"), ask("/apis")).await;
    let mut served = Served::default();
    for answer in [core, named] {
        let groups = answer.and_then(|body| {
            serde_json::from_str::<Groups>(&body).map_err(|error| {
                ApiError::new(
                    Kind::Malformed,
                    format!("its list of resources is malformed: {}", words::malformed(&error)),
                )
            })
        });
        match groups {
            Ok(groups) if groups.kind == "APIGroupDiscoveryList" => add(&mut served, groups),
            Ok(_) => {
                return Seen::failed(Failure::new(
                    Kind::NotSupported,
                    "this API server cannot list all its resources at once, which needs Kubernetes 1.26 or later",
                ));
            }
            Err(ApiError::Denied) => {
                return Seen::failed(Failure::new(Kind::Forbidden, "no permission to list the served resources"));
            }
            Err(ApiError::NotFound) => {
                return Seen::failed(Failure::new(Kind::NotFound, "not found"));
            }
            Err(ApiError::Failed(failure)) => return Seen::Unreachable(failure),
        }
    }
    Seen::Known(served)
}

fn add(served: &mut Served, groups: Groups) {
    for group in groups.items {
        let name = group.metadata.name;
        for version in group.versions {
            if version.freshness == "Stale" && !served.stale.contains(&name) {
                served.stale.push(name.clone());
            }
            served.resources.extend(
                version.resources.into_iter().map(|resource| format!("{}.{}.{name}", resource.resource, version.name)),
            );
        }
    }
}
