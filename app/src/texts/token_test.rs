//! A try of a new token: the answer that an integration would get, from the guard itself.

use model::{
    event::EventId,
    organisation::OrganisationId,
    permission::{Check, Refusal},
};
use serde::{Deserialize, Serialize};

/// What the external API answered to a ping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The code in `X-Error-Code`, if it was no success.
    pub code: Option<String>,
    /// The answer's message.
    pub message: String,
}

/// What became of one of the guard's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It let the call through.
    Passed,
    /// It refused the call.
    Failed,
    /// A check before it refused the call.
    NotReached,
}

impl PingAnswer {
    /// Whether the ping came through.
    pub fn is_success(&self) -> bool {
        self.status == 200 && self.code.is_none()
    }

    /// What the guard refused the ping for, if it did.
    pub fn refusal(&self) -> Option<Refusal> {
        let code = self.code.as_deref()?;
        Refusal::ALL
            .into_iter()
            .find(|refusal| refusal.code() == code)
    }

    /// The checks that a ping meets, in order, with what became of each. None where the answer does not
    /// tell, because something else went wrong: nothing is said to have passed then.
    pub fn checks(&self) -> Option<Vec<(Check, CheckOutcome)>> {
        let refused = self.refusal().map(Refusal::check);
        if refused.is_none() && !self.is_success() {
            return None;
        }
        let outcome = |check: Check| match refused {
            Some(refused) if check == refused => CheckOutcome::Failed,
            Some(refused) if check > refused => CheckOutcome::NotReached,
            _ => CheckOutcome::Passed,
        };
        let checks = Check::ALL.into_iter();
        Some(
            checks
                .filter(|check| *check != Check::Feature)
                .map(|check| (check, outcome(check)))
                .collect(),
        )
    }
}

/// Where ping answers for this event.
pub fn ping_path(organisation: OrganisationId, event: EventId) -> String {
    format!("/api/v1/ext/{organisation}/event/{event}/ping")
}

/// Where the organisation's events are listed.
pub fn events_path(organisation: OrganisationId) -> String {
    format!("/api/v1/ext/{organisation}/events")
}

/// Calls ping as an integration does. The host of the dashboard has the external API at hand and provides
/// this to the server functions; the app itself stands below it and does not know it.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait CallPing: Send + Sync {
    /// The answer to a ping with this key, at the API's own address and through its whole guard.
    async fn call_ping(
        &self,
        key: &str,
        organisation: OrganisationId,
        event: EventId,
    ) -> PingAnswer;
}

#[cfg(test)]
mod tests {
    use super::{CheckOutcome::*, *};

    fn outcomes(status: u16, code: Option<&str>) -> Option<Vec<CheckOutcome>> {
        let answer = PingAnswer {
            status,
            code: code.map(str::to_owned),
            message: String::new(),
        };
        let checks = answer.checks()?;
        Some(checks.into_iter().map(|(_, outcome)| outcome).collect())
    }

    #[test]
    fn a_pong_has_passed_all_nine_checks() {
        assert_eq!(outcomes(200, None), Some(vec![Passed; 9]));
    }

    #[test]
    fn a_refusal_has_passed_the_checks_before_and_reached_none_after() {
        let expected = [[Passed; 3].as_slice(), &[Failed], &[NotReached; 5]].concat();
        assert_eq!(outcomes(403, Some("token_inactive")), Some(expected));
        let first = [[Failed].as_slice(), &[NotReached; 8]].concat();
        assert_eq!(outcomes(401, Some("token_missing")), Some(first));
    }

    #[test]
    fn an_answer_that_names_no_check_is_not_said_to_have_passed_any() {
        for (status, code) in [
            (503, Some("unavailable")),
            (500, Some("internal")),
            (404, Some("not_found")),
            (200, Some("internal")),
            (204, None),
        ] {
            assert_eq!(outcomes(status, code), None, "{status} {code:?}");
        }
    }
}
