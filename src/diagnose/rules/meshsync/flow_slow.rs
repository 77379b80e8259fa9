use crate::{
    diagnose::rules::{
        meshsync::flow::{span, tested},
        prelude::*,
    },
    report::Timing,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-slow",
    title: "Events take long to come",
    explanation: include_str!("flow_slow.md"),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check =
    Check { id: "flow-prompt", title: "events come without delay", after: &[], ..Check::of(&[&DIAGNOSIS], judge) };

/// From when on an event is slow: a healthy one takes some milliseconds.
const SLOW: u64 = 1_000_000;

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    let times = || flow.changes.iter().filter_map(|change| change.received);
    let Some(timing) = Timing::of(times()) else {
        return Outcome::skip("no event of ours came");
    };
    if timing.p95_micros < SLOW {
        return Outcome::pass_with(format!("{} at the most", span(timing.max_micros)));
    }
    let floor = flow.servers.iter().flat_map(|s| s.round_trips.iter().copied());
    let watched = Timing::of(flow.changes.iter().filter_map(|c| c.watched));
    DIAGNOSIS
            .finding()
            .title(format!("Events take {} to come", span(timing.p50_micros)))
            .message("Nothing is lost by that, but whoever reads sees the cluster as it was.")
            .evidence(format!("{} events: {} to {}", timing.count, span(timing.min_micros), span(timing.max_micros)))
        .evidences(watched.map(|it| format!("the API server told a watch of ours within {}", span(it.max_micros))))
        .evidences(
            Timing::of(floor).map(|it| format!("a message to the broker and back takes {}", span(it.p50_micros))),
        )
        .remedy("see whether MeshSync has the CPU that it needs, and whether its watch-list has kinds that change all the time")
                .command(context.kubectl().inspect("top pods --containers"))
                .command(context.meshdoctor(Effect::Read, "watch-list"))
                .found()
}
