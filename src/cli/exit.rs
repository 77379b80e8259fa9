//! The exit codes: the same for every command and every output format.

/// The exit code of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// No finding at or above `--fail-on`.
    Ok = 0,
    /// At least one finding at or above `--fail-on`, or an unhealthy stack that a redeploy did not change.
    Findings = 1,
    /// Wrong usage, or input from the command line that is wrong or missing.
    Usage = 2,
    /// A state could not be determined, and nothing worse was proven.
    Undetermined = 3,
    /// A change was refused or not confirmed.
    Refused = 4,
    /// A change began and failed partway.
    Partial = 5,
    /// The terminal was closed (SIGHUP).
    HungUp = 129,
    /// Interrupted (SIGINT).
    Interrupted = 130,
    /// Quit (SIGQUIT).
    Quit = 131,
    /// Terminated (SIGTERM).
    Terminated = 143,
}

impl Exit {
    /// The exit code of a run over several stacks, from those of each.
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        let rank = |exit: &Self| match exit {
            Self::Ok => 0,
            Self::Undetermined => 1,
            Self::Findings => 2,
            Self::Refused => 3,
            Self::Partial => 4,
            Self::Usage | Self::HungUp | Self::Interrupted | Self::Quit | Self::Terminated => 5,
        };
        exits.into_iter().max_by_key(rank).unwrap_or(Self::Ok)
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The signal that ended the run, if any.
    pub fn signal(self) -> Option<&'static str> {
        match self {
            Self::HungUp => Some("SIGHUP"),
            Self::Interrupted => Some("SIGINT"),
            Self::Quit => Some("SIGQUIT"),
            Self::Terminated => Some("SIGTERM"),
            _ => None,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
