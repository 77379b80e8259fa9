//! Schedules in the form that a `CronJob` accepts.

use std::ops::RangeInclusive;

/// A field: its values, and the names of the first of them.
struct Field {
    values: RangeInclusive<u8>,
    first_name: u8,
    names: &'static [&'static str],
}

const fn numbers(values: RangeInclusive<u8>) -> Field {
    Field { values, first_name: 0, names: &[] }
}

/// Minute, hour, day of the month, month, day of the week.
const FIELDS: [Field; 5] = [
    numbers(0..=59),
    numbers(0..=23),
    numbers(1..=31),
    Field {
        values: 1..=12,
        first_name: 1,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    // Kubernetes does not accept 7 for Sunday.
    Field { values: 0..=6, first_name: 0, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

const NAMED: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// Whether the API server accepts a schedule. Time zones and `@every` are not supported.
pub(crate) fn is_schedule(text: &str) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    NAMED.contains(&text) || (fields.len() == FIELDS.len() && fields.iter().zip(&FIELDS).all(|(f, of)| of.has(f)))
}

impl Field {
    /// Whether a text selects values of the field: `*`, `5`, `1-5`, `*/15`, `0-30/10`, and lists of these.
    fn has(&self, text: &str) -> bool {
        text.split(',').all(|part| {
            let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
            let steps = step.is_none_or(|step| number(step).is_some_and(|step| step > 0));
            let within = match range.split_once('-') {
                _ if matches!(range, "*" | "?") => true,
                Some((from, to)) => matches!((self.value(from), self.value(to)), (Some(from), Some(to)) if from <= to),
                None => self.value(range).is_some(),
            };
            steps && within
        })
    }

    fn value(&self, text: &str) -> Option<u8> {
        let named = self.names.iter().zip(self.first_name..).find(|(name, _)| text.eq_ignore_ascii_case(name));
        let value = named.map(|(_, value)| value).or_else(|| number(text))?;
        self.values.contains(&value).then_some(value)
    }
}

/// A number without a sign.
fn number(text: &str) -> Option<u8> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::is_schedule;

    #[test]
    fn schedules_are_those_of_a_cron_job() {
        for good in
            ["*/15 * * * *", "0 0 1 1 0", "5,35 8-18/2 * jan-MAR mon-Fri", "0 12 ? * 6", "59 23 31 DEC sat", "@hourly"]
        {
            assert!(is_schedule(good), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "*/0 * * * *",
            "5-1 * * * *",
            "1- * * * *",
            "+1 * * * *",
            "mon * * * *",
            "*  * * * *",
            "@reboot",
            "@every 5m",
            "TZ=UTC * * * * *",
            "* * * * *\n",
            "1,,2 * * * *",
        ] {
            assert!(!is_schedule(bad), "{bad:?}");
        }
    }
}
