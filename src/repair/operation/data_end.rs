//! Whether the server stores again what the cluster has. Pure.

use crate::{diagnose, facts::Facts, report::State};

/// How many looks may find the previous number of objects before it counts as received again: the server deletes after it
/// has answered.
const LOOKS: usize = 5;

/// How many differences are named.
const NAMED: usize = 3;

/// Whether the data is complete: the evidence, or what is missing. `before` is the number of objects stored before.
pub(in crate::repair) fn judge(before: Option<u64>, facts: &Facts) -> Result<String, String> {
    let Some(server) = facts.server.as_deref().filter(|server| server.has_session()) else {
        return Err("the server does not answer".into());
    };
    if server.data.known().is_none() {
        let why = server.data.why_unsettled().unwrap_or_else(|| "there is no answer".into());
        return Err(format!("the stored objects cannot be counted: {why}"));
    }
    let (data, source) = diagnose::stored_data(facts);
    if data.compared == 0 {
        return Err("no kind was counted both in the server and in the cluster".into());
    }
    let is_idle = source.publishes == Some(false) && source.embedded != Some(true);
    if data.matches() && is_idle {
        return Err(format!("MeshSync is {}, not {}", source.meshsync, State::Connected));
    }
    if data.matches() {
        let before = before.map(|before| format!("{before} objects stored before, ")).unwrap_or_default();
        return Ok(format!(
            "{before}{} now, and {} in the cluster ({} kinds compared)",
            data.stored, data.served, data.compared
        ));
    }
    let mut named: Vec<String> = data.missing.iter().chain(&data.ghosts).take(NAMED).cloned().collect();
    let more = data.missing.len() + data.ghosts.len() - named.len();
    if more > 0 {
        named.push(format!("{more} more kinds"));
    }
    if named.is_empty() {
        named.push(format!("{} objects stored, {} in the cluster", data.stored, data.served));
    }
    Err(named.join("; "))
}

/// The numbers during a wait.
#[derive(Debug, Default)]
pub(in crate::repair) struct Numbers {
    lowest: Option<u64>,
    looks: usize,
}

impl Numbers {
    /// Notes what was seen, and delays success until the deletion was seen or has had its time.
    pub(in crate::repair) fn judge(&mut self, before: Option<u64>, facts: &Facts) -> Result<String, String> {
        let is_counted = facts.server.as_deref().is_some_and(|server| server.data.known().is_some());
        let (data, _) = diagnose::stored_data(facts);
        if is_counted && data.compared > 0 {
            self.lowest = Some(self.lowest.unwrap_or(u64::MAX).min(data.stored));
        }
        self.looks += 1;
        let fell = before.is_none_or(|before| self.lowest.is_some_and(|lowest| lowest < before));
        let evidence = judge(before, facts)?;
        match self.lowest {
            Some(lowest) if fell => Ok(format!("{evidence}; {lowest} at the lowest in between")),
            _ if fell => Ok(evidence),
            _ if self.looks >= LOOKS => Ok(format!("{evidence}; never seen lower in between")),
            _ => Err("the number of stored objects has not changed yet".into()),
        }
    }

    /// What was seen if the data was not complete. `None` if nothing was counted.
    pub(in crate::repair) fn evidence(&self, before: Option<u64>) -> Option<String> {
        let before = before.map(|before| format!("{before} objects stored before, ")).unwrap_or_default();
        Some(format!("{before}{} at the lowest since then", self.lowest?))
    }
}
