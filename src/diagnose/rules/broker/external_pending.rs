use k8s_openapi::{
    api::core::v1::{Event, Service},
    jiff::SignedDuration,
};

use crate::diagnose::{
    rules::{
        broker::addresses::set_service_type,
        prelude::*,
        workload::events::{event_time, event_words},
    },
    stack_view::{Line, Location},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-external-pending",
    title: "The load balancer has no address yet",
    explains: &["broker-external-unroutable", "server-broker-unreachable"],
    explanation: include_str!("external_pending.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-external-address",
    title: "every requested load balancer has an address",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.facts.services.settled()?;
    // A server that is already connected does not need the load balancer.
    let needed = matches!(context.server_location(), Location::Outside(_)) && context.clients.server.is_empty();
    let mut balancers = stack::broker_services(context.facts);
    balancers.retain(|service| stack::service_type(service) == "LoadBalancer");
    if balancers.is_empty() {
        return Outcome::skip("no load balancer requested");
    }
    let pending = balancers.into_iter().filter(|service| stack::external_addresses(service).is_empty());
    let findings = pending.map(|service| {
        let name = stack::name(&service.metadata);
        let known = Known::of(context, service);
        DIAGNOSIS
            .finding()
            .severity(if needed { Severity::Error } else { Severity::Warning })
            .title(format!("Service {name} is waiting for a load balancer address"))
            .message(format!("{} Inside the cluster the broker works.", known.meaning()))
            .object(context.object("Service", name))
            .evidence("spec.type is LoadBalancer, but status.loadBalancer has no address")
            .evidence(known.evidence(service))
            .remedy(if context.line == Some(Line::Old) {
                // This operator publishes no address of a Service of type ClusterIP.
                format!("{}, or use NodePort, which needs no load balancer", known.remedy())
            } else {
                format!("{}, or use ClusterIP, which is enough for a server in this cluster", known.remedy())
            })
            .command(context.kubectl().inspect(format!("describe service {name}")))
            .command(set_service_type(context, name, "ClusterIP"))
            .done()
    });
    Outcome::of(findings.collect())
}

/// How long a load balancer may take. Clouds usually need up to five minutes.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What the events of a Service show about its load balancer.
enum Known<'a> {
    /// The last attempt failed.
    Fails(&'a Event),
    /// Something works on it.
    Works {
        /// The newest step.
        step: &'a Event,
        /// Whether that was long ago.
        late: bool,
    },
    /// There is no event.
    Nothing,
    /// The events are not known, for this reason.
    Unseen(String),
}

impl<'a> Known<'a> {
    fn of(context: &RuleContext<'a>, service: &Service) -> Self {
        let events = &context.facts.events;
        if let Some(why) = events.why_unsettled() {
            return Self::Unseen(why);
        }
        let name = stack::name(&service.metadata);
        // A former Service of the same name had another UID.
        let uid = service.metadata.uid.as_deref();
        let about = |event: &&Event| {
            let object = &event.involved_object;
            object.kind.as_deref() == Some("Service")
                && object.name.as_deref() == Some(name)
                && (object.uid.is_none() || uid.is_none() || object.uid.as_deref() == uid)
        };
        let newest = |wanted: fn(&Event) -> bool| {
            let events = context.facts.events.items().iter().filter(about);
            events.filter(|event| wanted(event)).max_by_key(|event| event_time(event))
        };
        let failure = newest(is_failure);
        let success = newest(|event| is_step(event) && !is_begin(event));
        // A retry begins again, so the beginning of an attempt does not outdate a failure.
        match (failure, newest(is_step)) {
            (Some(failure), _) if success.and_then(event_time) <= event_time(failure) => Self::Fails(failure),
            (_, Some(step)) => {
                let late = event_time(step).is_some_and(|time| context.clock().duration_since(time) > PATIENCE);
                Self::Works { step, late }
            }
            (_, None) => Self::Nothing,
        }
    }

    fn meaning(&self) -> &'static str {
        match self {
            Self::Fails(_) => "The load-balancer implementation reports a failure; its event says why.",
            Self::Works { late: true, .. } => {
                "A load-balancer implementation has started on it but has reported no result for ten minutes."
            }
            Self::Works { .. } => {
                "A load-balancer implementation is working on it. Clouds usually need up to five minutes."
            }
            Self::Nothing => {
                "No event says why. Either nothing provides load balancers in this cluster, or the events have \
                 expired, by default after one hour."
            }
            Self::Unseen(_) => "Why is not known, because the events of the Service could not be read.",
        }
    }

    fn evidence(&self, service: &Service) -> String {
        let name = stack::name(&service.metadata);
        match self {
            Self::Fails(event) | Self::Works { step: event, .. } => event_words(event),
            Self::Nothing => match &service.metadata.creation_timestamp {
                Some(created) => {
                    format!("no event about the load balancer of Service {name}, created at {}", created.0)
                }
                None => format!("no event about the load balancer of Service {name}"),
            },
            Self::Unseen(why) => format!("events: {why}"),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::Fails(_) => "fix what the event names",
            Self::Works { late: false, .. } => "wait up to five minutes and check again",
            Self::Works { .. } => "check the log of the load-balancer implementation",
            Self::Nothing | Self::Unseen(_) => "check that a load-balancer implementation is running",
        }
    }
}

/// Whether an event of a Service reports a failure of its load balancer. Each implementation has its own reasons, so the
/// warnings of Kubernetes about other parts of a Service are excluded instead.
fn is_failure(event: &Event) -> bool {
    let reason = event.reason.as_deref().unwrap_or_default();
    let is_other = ["Endpoint", "ClusterIP", "Topology"].iter().any(|word| reason.contains(word));
    event.type_.as_deref() == Some("Warning") && !is_other
}

/// Whether an event reports a step towards an address.
fn is_step(event: &Event) -> bool {
    let reason = event.reason.as_deref().unwrap_or_default();
    event.type_.as_deref() != Some("Warning")
        && ["LoadBalancer", "IPAllocated"].iter().any(|word| reason.contains(word))
}

/// Whether an event reports the beginning of an attempt.
fn is_begin(event: &Event) -> bool {
    event.reason.as_deref() == Some("EnsuringLoadBalancer")
}
