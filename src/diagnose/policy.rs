//! The policies of Service Mesh Hub with what their statuses say, which are read once for all checks.

use std::rc::Rc;

use crate::{
    facts::{
        Facts,
        hub::{HubFacts, HubObject, PolicyStatus},
    },
    stack::hub::{Generation, HubKind, Role},
};

/// One policy, with what its status says.
#[derive(Clone)]
pub(crate) struct Policy<'a> {
    pub(crate) kind: HubKind,
    pub(crate) object: &'a HubObject,
    pub(crate) status: Rc<PolicyStatus>,
}

/// Every policy. None for the other profiles.
pub(super) fn read(facts: &Facts) -> Rc<[Policy<'_>]> {
    let hub = facts.hub.as_deref().filter(|_| facts.profile.is_hub());
    let of_kind = |kind: HubKind| {
        let objects = hub.map(|hub| hub.of(kind.role).items()).unwrap_or_default();
        objects.iter().map(move |object| Policy { kind: kind.clone(), object, status: Rc::new(object.policy_status()) })
    };
    let kinds = hub.and_then(HubFacts::generation).into_iter().flat_map(Generation::kinds);
    kinds.filter(|kind| Role::POLICIES.contains(&kind.role)).flat_map(of_kind).collect()
}
