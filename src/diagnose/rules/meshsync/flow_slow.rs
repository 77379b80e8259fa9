use crate::{
    diagnose::rules::{
        meshsync::flow::{span, tested},
        prelude::*,
    },
    report::Timing,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-slow",
    title: "Events arrive late",
    explanation: include_str!("flow_slow.md"),
    cure: Cure::Person(because::CAPACITY),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check =
    Check { id: "flow-prompt", title: "events arrive without delay", after: &[], ..Check::of(&[&DIAGNOSIS], judge) };

/// From this time on an event is slow; a healthy one takes a few milliseconds.
const SLOW: u64 = 1_000_000;

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    let times = || flow.changes.iter().filter_map(|change| change.received);
    let Some(timing) = Timing::of(times()) else {
        return Outcome::skip("no event of the test arrived");
    };
    if timing.p95_micros < SLOW {
        return Outcome::pass_with(format!("at most {}", span(timing.max_micros)));
    }
    let floor = flow.servers.iter().flat_map(|s| s.round_trips.iter().copied());
    let watched = Timing::of(flow.changes.iter().filter_map(|c| c.watched));
    DIAGNOSIS
        .finding()
        .title(format!("Events arrive after {}", span(timing.p50_micros)))
        .message("No event is lost, but {product}'s view of the cluster lags behind.")
        .evidence(format!("{} events: {} to {}", timing.count, span(timing.min_micros), span(timing.max_micros)))
        .evidences(watched.map(|it| format!("meshdoctor's own watch received them within {}", span(it.max_micros))))
        .evidences(Timing::of(floor).map(|it| format!("a broker round trip takes {}", span(it.p50_micros))))
        .remedy(
            "check whether MeshSync has enough CPU, and whether its watch-list contains kinds that change all the \
             time",
        )
        .command(context.kubectl().inspect("top pods --containers"))
        .command(context.meshdoctor(Effect::Read, "watch-list"))
        .found()
}
