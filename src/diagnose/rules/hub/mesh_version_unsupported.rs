use super::hub_of;
use crate::{
    diagnose::rules::prelude::*,
    stack::hub::{Era, Role},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-mesh-version-unsupported",
    title: "A mesh has a version of Istio that the release was not made for",
    explanation: include_str!("mesh_version_unsupported.md"),
    cure: Cure::Person(because::RELEASE),
    ..Diagnosis::warning(Component::Discovery).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-mesh-versions",
    title: "the meshes have versions of Istio that the release supports",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

/// The minor versions of Istio 1 for which a release is documented: its troubleshooting guide, its table of versions, and
/// its changelog.
struct Supported {
    /// The release of the controllers.
    release: (u64, u64),
    era: Era,
    oldest: u32,
    newest: u32,
}

const fn supported(release: (u64, u64), era: Era, oldest: u32, newest: u32) -> Supported {
    Supported { release, era, oldest, newest }
}

/// Every release.
static SUPPORTED: [Supported; 12] = [
    supported((0, 4), Era::A, 5, 5),
    supported((0, 5), Era::A, 5, 5),
    supported((0, 6), Era::A, 5, 6),
    supported((0, 7), Era::B, 5, 7),
    supported((0, 8), Era::B, 5, 7),
    supported((0, 9), Era::B, 5, 7),
    // The guide of 0.10.0 names 1.5, and that of 0.10.10 1.7 and 1.8.
    supported((0, 10), Era::C, 5, 8),
    supported((0, 11), Era::C, 7, 8),
    supported((0, 12), Era::C, 7, 9),
    supported((1, 0), Era::D, 7, 10),
    supported((1, 1), Era::D, 7, 10),
    supported((1, 2), Era::D, 7, 11),
];

/// The release, and the oldest and the newest minor version of Istio 1 for which it is documented. If the image of
/// networking does not tell the release, all releases of its era.
fn documented(era: Era, version: Option<(u64, u64)>) -> (String, u32, u32) {
    let of_era = || SUPPORTED.iter().filter(|it| it.era == era);
    let product = era.product();
    if let Some(found) = of_era().find(|it| Some(it.release) == version) {
        let (major, minor) = found.release;
        return (format!("{product} {major}.{minor}"), found.oldest, found.newest);
    }
    let oldest = of_era().map(|it| it.oldest).min().unwrap_or_default();
    let newest = of_era().map(|it| it.newest).max().unwrap_or_default();
    (format!("{product} {}", era.releases()), oldest, newest)
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let meshes = hub.of(Role::Mesh).known_or_skip("there are no meshes")?;
    let Some(era) = hub.era() else {
        return Outcome::skip("its CRDs are not served");
    };
    let (release, oldest, newest) = documented(era, hub.version());
    let range = if oldest == newest { format!("1.{oldest}") } else { format!("1.{oldest} to 1.{newest}") };
    let findings = meshes.iter().filter_map(|mesh| {
        let version = mesh.istio_version()?;
        let minor = minor_of(version)?;
        if (oldest..=newest).contains(&minor) {
            return None;
        }
        let cluster = mesh.cluster_of_mesh();
        Some(
            DIAGNOSIS
                .finding()
                .title(format!("Mesh {} has Istio {version}", mesh.name()))
                .message(format!(
                    "{release} is documented for Istio {range}. The controllers do not check it: what they write may not work \
                     there."
                ))
                .object(ObjectRef {
                    kind: "Mesh".into(),
                    namespace: Some(mesh.namespace().into()),
                    name: mesh.name().into(),
                })
                .evidence(format!("the image tag of istiod, in Mesh {}: {version}", mesh.name()))
                .remedy(format!("use a supported version of Istio on cluster {cluster}, or a later release"))
                .done(),
        )
    });
    Outcome::of(findings.collect())
}

/// The minor version of Istio 1, from an image tag: `1.11.4-distroless`. `None` for a digest or a moving tag.
fn minor_of(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("1.")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{documented, minor_of};
    use crate::stack::hub::Era;

    #[test]
    fn range_is_that_of_the_release_or_of_its_era() {
        let range = |era, version| {
            let (release, oldest, newest) = documented(era, version);
            (release, (oldest, newest))
        };
        assert_eq!(range(Era::D, Some((1, 1))), ("Gloo Mesh 1.1".to_owned(), (7, 10)));
        assert_eq!(range(Era::A, Some((0, 4))).1, (5, 5));
        // A tag without a version, and one of a release that is not known.
        assert_eq!(range(Era::D, None), ("Gloo Mesh 1.0 to 1.2".to_owned(), (7, 11)));
        assert_eq!(range(Era::B, Some((2021, 12))).1, (5, 7));
    }

    #[test]
    fn minor_version_is_read_from_a_tag() {
        assert_eq!(minor_of("1.11.4-distroless"), Some(11));
        assert_eq!(minor_of("1.9"), Some(9));
        assert_eq!(minor_of("latest"), None);
        assert_eq!(minor_of("sha256:1.1"), None);
    }
}
