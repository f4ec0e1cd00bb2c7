//! What is recorded of a run. All times are on the checker's own monotonic clock, from the run's start.

use std::{fmt, time::Duration};

pub use model::token::TokenId;

/// Time since the run began.
pub type Time = Duration;

/// What a change is about: one thing that is either so or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Whether the token exists.
    Existence(TokenId),
    /// Whether the token is active.
    Activity(TokenId),
    /// Whether the organisation's plan opens the API.
    Plan,
}

/// What somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// A new token.
    Create(TokenId),
    /// The token's end.
    Delete(TokenId),
    /// The token is to be refused.
    Deactivate(TokenId),
    /// The token is to be taken again.
    Activate(TokenId),
    /// The organisation goes to a plan without the API.
    Downgrade,
    /// The organisation goes back to Enterprise.
    Upgrade,
}

impl Action {
    /// One name for each kind, as counted in a report.
    pub const NAMES: [&'static str; 6] = [
        "creation",
        "deletion",
        "deactivation",
        "activation",
        "downgrade",
        "upgrade",
    ];

    /// What it changes.
    pub const fn subject(self) -> Subject {
        match self {
            Self::Create(token) | Self::Delete(token) => Subject::Existence(token),
            Self::Deactivate(token) | Self::Activate(token) => Subject::Activity(token),
            Self::Downgrade | Self::Upgrade => Subject::Plan,
        }
    }

    /// What its subject is afterwards: so (exists, is active, opens), or not.
    pub const fn sets(self) -> bool {
        matches!(self, Self::Create(_) | Self::Activate(_) | Self::Upgrade)
    }

    /// Its kind.
    pub const fn name(self) -> &'static str {
        Self::NAMES[match self {
            Self::Create(_) => 0,
            Self::Delete(_) => 1,
            Self::Deactivate(_) => 2,
            Self::Activate(_) => 3,
            Self::Downgrade => 4,
            Self::Upgrade => 5,
        }]
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(token)
            | Self::Delete(token)
            | Self::Deactivate(token)
            | Self::Activate(token) => {
                write!(f, "{} of token {token}", self.name())
            }
            Self::Downgrade | Self::Upgrade => write!(f, "{} of the plan", self.name()),
        }
    }
}

/// How a change was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a server function of the dashboard, on the server with this number (from 0).
    Dashboard(usize),
    /// By the command line.
    CommandLine,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dashboard(server) => write!(f, "through the dashboard of server {server}"),
            Self::CommandLine => f.write_str("through the command line"),
        }
    }
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was reported as done.
    Done(Time),
    /// It failed, or whoever worked on it went away, at this time. It may have happened or not, and if it
    /// has, then before any change of the same subject that was asked for later: a transaction that may still
    /// be committed has changed the row, and the database lets the next change of that row wait for it.
    Lost(Time),
    /// The checker waited no longer: it may still happen, at any time.
    Open,
}

/// A change that may have happened. What was answered with a refusal is no change, and is not recorded: had it
/// happened all the same, the calls would show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What was asked for.
    pub action: Action,
    /// How.
    pub way: Way,
    /// Before the first byte was sent.
    pub invoked: Time,
    /// What came of it.
    pub ending: Ending,
}

/// Why the guard refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// There is no such token.
    TokenInvalid,
    /// It is inactive.
    TokenInactive,
    /// The plan does not open the API.
    PlanRequired,
}

impl Refusal {
    /// Every refusal that a run can meet by right.
    pub const ALL: [Self; 3] = [Self::TokenInvalid, Self::TokenInactive, Self::PlanRequired];

    /// The code in the answer's `X-Error-Code`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenInvalid => "token_invalid",
            Self::TokenInactive => "token_inactive",
            Self::PlanRequired => "plan_required",
        }
    }

    /// The refusal with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The token was taken.
    Accepted,
    /// It was refused.
    Refused(Refusal),
    /// 503: the server could not tell. Neither taken nor refused.
    Unavailable,
    /// 429. Neither taken nor refused.
    Limited,
    /// The connection failed, or nothing came in time.
    None,
    /// What no server may answer, in words.
    Wrong(String),
}

/// A call of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The number of the server that was called (from 0).
    pub server: usize,
    /// With which token.
    pub token: TokenId,
    /// Before the first byte was sent.
    pub invoked: Time,
    /// After the last byte was read.
    pub completed: Time,
    /// What came of it.
    pub answer: Answer,
}

/// A whole run. Before its first change no token exists, and the plan opens the API.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Every call, in any order.
    pub calls: Vec<Call>,
    /// Every change, in any order.
    pub changes: Vec<Change>,
}
