//! The record of a run. All times are since the run's start, by the checker's monotonic clock.

use std::{fmt, ops::Range, time::Duration};

pub use model::token::TokenId;

/// Time since the run began.
pub type Time = Duration;

/// A fact that changes set to true or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Whether the token exists.
    Existence(TokenId),
    /// Whether the token is active.
    Activity(TokenId),
    /// Whether the organisation's plan includes the API.
    Plan,
}

/// A requested change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Creates a token.
    Create(TokenId),
    /// Deletes a token.
    Delete(TokenId),
    /// Deactivates a token.
    Deactivate(TokenId),
    /// Activates a token.
    Activate(TokenId),
    /// Changes the organisation's plan to one without the API.
    Downgrade,
    /// Changes the organisation's plan back to Enterprise.
    Upgrade,
}

impl Action {
    /// The names of the kinds of actions, as reports count them.
    pub const NAMES: [&'static str; 6] = [
        "creation",
        "deletion",
        "deactivation",
        "activation",
        "downgrade",
        "upgrade",
    ];

    /// The fact that the action changes.
    pub const fn subject(self) -> Subject {
        match self {
            Self::Create(token) | Self::Delete(token) => Subject::Existence(token),
            Self::Deactivate(token) | Self::Activate(token) => Subject::Activity(token),
            Self::Downgrade | Self::Upgrade => Subject::Plan,
        }
    }

    /// The value of the fact afterwards. True means: exists, is active, includes the API.
    pub const fn sets(self) -> bool {
        matches!(self, Self::Create(_) | Self::Activate(_) | Self::Upgrade)
    }

    /// The name of the action's kind.
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

/// How a change was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through a server function of the dashboard, on the server with this number (from 0).
    Dashboard(usize),
    /// Through the command line.
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
    /// The change was reported as done, at this time.
    Done(Time),
    /// The change failed or its server was killed, at this time. It may have happened or not.
    ///
    /// If it happened, it happened before every later request to change the same fact. A transaction that may still
    /// commit has locked the row, so the next change of that row waits for it.
    Lost(Time),
    /// The checker stopped waiting. The change may still happen at any time.
    Open,
}

/// A change that may have happened.
///
/// Refused changes are not recorded. If one happened nevertheless, the calls would show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The requested change.
    pub action: Action,
    /// How it was requested.
    pub way: Way,
    /// The time before the first byte was sent.
    pub invoked: Time,
    /// How it ended.
    pub ending: Ending,
}

impl Change {
    /// When it was made at the latest, if it was made.
    pub const fn end(&self) -> Time {
        match self.ending {
            Ending::Done(at) | Ending::Lost(at) => at,
            Ending::Open => Time::MAX,
        }
    }
}

/// Why the guard refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The token does not exist.
    TokenInvalid,
    /// The token is inactive.
    TokenInactive,
    /// The plan does not include the API.
    PlanRequired,
}

impl Refusal {
    /// Every refusal that can be correct in a run.
    pub const ALL: [Self; 3] = [Self::TokenInvalid, Self::TokenInactive, Self::PlanRequired];

    /// The code in the response's `X-Error-Code`.
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

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The server accepted the token.
    Accepted,
    /// The server refused the token.
    Refused(Refusal),
    /// 503: the server could not check the token. Neither accepted nor refused.
    Unavailable,
    /// 429: the rate limit was exceeded. Neither accepted nor refused.
    Limited,
    /// The connection failed, or no response came in time.
    None,
    /// A response that no server may give, described in words.
    Wrong(String),
}

/// A call of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The number of the called server (from 0).
    pub server: usize,
    /// The token of the call.
    pub token: TokenId,
    /// The time before the first byte was sent.
    pub invoked: Time,
    /// The time after the last byte was read.
    pub completed: Time,
    /// The result.
    pub response: Response,
}

/// The database lost changes that were reported as done: it went back to an older copy, or a standby without its last
/// changes became the primary. Then an operator ran `after-restore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Changes that were reported as done before this time are kept.
    pub kept: Time,
    /// No change of the lost history was made after this time.
    pub happened: Time,
    /// A lease after that, when no server may answer by the lost history any more.
    pub noticed: Time,
    /// When `after-restore` was requested.
    pub requested: Time,
    /// When it was reported as done.
    pub accepted: Time,
    /// Whether every server had acknowledged one of the lost changes. Only then must each of them notice the loss: a server
    /// that was silent then has not known any of them.
    pub is_known: bool,
}

/// A whole run. At its start no token exists, and the plan includes the API.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Every call, in any order.
    pub calls: Vec<Call>,
    /// Every change, in any order.
    pub changes: Vec<Change>,
    /// Every loss of changes.
    pub losses: Vec<Loss>,
    /// When a server could read from a primary that had been replaced.
    pub two_primaries: Vec<Range<Time>>,
}
