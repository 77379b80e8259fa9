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

/// The minor versions of Istio 1 that the documentation of an era names.
fn supported(era: Era) -> (u32, u32) {
    match era {
        Era::A => (5, 6),
        Era::B => (5, 5),
        Era::C => (7, 9),
        Era::D => (7, 11),
    }
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let meshes = hub.of(Role::Mesh).known_or_skip("there are no meshes")?;
    let Some(era) = hub.era() else {
        return Outcome::skip("its CRDs are not served");
    };
    let (oldest, newest) = supported(era);
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
                    "The releases {} of {} are documented for Istio 1.{oldest} to 1.{newest}. The controllers do not check it: what they \
                     write may not work there.",
                    era.releases(),
                    era.product()
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
    use super::minor_of;

    #[test]
    fn minor_version_is_read_from_a_tag() {
        assert_eq!(minor_of("1.11.4-distroless"), Some(11));
        assert_eq!(minor_of("1.9"), Some(9));
        assert_eq!(minor_of("latest"), None);
        assert_eq!(minor_of("sha256:1.1"), None);
    }
}
