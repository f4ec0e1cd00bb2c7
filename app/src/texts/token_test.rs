//! The test of a new token: the response that an integration would get, from the API's own checks.

use model::{
    event::EventId,
    organisation::OrganisationId,
    permission::{Check, Refusal},
};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use model::permission::Explanation;

/// The external API's response to a ping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingResponse {
    /// The HTTP status.
    pub status: u16,
    /// The code in `X-Error-Code`. `None` on success.
    pub code: Option<String>,
    /// The message of the response. Once it is [explained](Self::explained), that of a refusal has two lines: what was
    /// refused, and what to do.
    pub message: String,
}

/// The outcome of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The check accepted the call.
    Passed,
    /// The check refused the call.
    Failed,
    /// An earlier check refused the call.
    NotReached,
}

impl PingResponse {
    /// Whether the API accepted the ping.
    pub fn is_success(&self) -> bool {
        self.status == 200 && self.code.is_none()
    }

    /// Why a check refused the ping, if one did.
    pub fn refusal(&self) -> Option<Refusal> {
        let code = self.code.as_deref()?;
        Refusal::ALL
            .into_iter()
            .find(|refusal| refusal.code() == code)
    }

    /// The response with a refusal in the words of the documentation: `Refused: the token is inactive.`
    #[cfg(feature = "ssr")]
    #[must_use]
    pub(crate) fn explained(mut self) -> Self {
        if let Some(refusal) = self.refusal() {
            let Explanation { cause, remedy } = refusal.explanation();
            let cause = match cause.strip_prefix("The ") {
                Some(rest) => format!("the {rest}"),
                None => cause.to_owned(),
            };
            self.message = format!("Refused: {cause}\n{remedy}").replace('`', "");
        }
        self
    }

    /// The checks of a ping, in order, each with its outcome. `None` if another error occurred: the response then
    /// contains nothing about the checks.
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

/// The path of ping for this event.
pub fn ping_path(organisation: OrganisationId, event: EventId) -> String {
    format!("/api/v1/ext/{organisation}/event/{event}/ping")
}

/// The path of the list of the organisation's events.
pub fn events_path(organisation: OrganisationId) -> String {
    format!("/api/v1/ext/{organisation}/events")
}

/// Calls ping as an integration does. The crate `server` provides this to the server functions, because `app` does not
/// depend on the external API.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait CallPing: Send + Sync {
    /// Pings with this key, at the API's own address and through all of its checks.
    async fn call_ping(
        &self,
        key: &str,
        organisation: OrganisationId,
        event: EventId,
    ) -> PingResponse;
}

#[cfg(test)]
mod tests {
    use super::{CheckOutcome::*, *};

    fn outcomes(status: u16, code: Option<&str>) -> Option<Vec<CheckOutcome>> {
        let response = PingResponse {
            status,
            code: code.map(str::to_owned),
            message: String::new(),
        };
        let checks = response.checks()?;
        Some(checks.into_iter().map(|(_, outcome)| outcome).collect())
    }

    #[test]
    fn a_successful_ping_passed_all_nine_checks() {
        assert_eq!(outcomes(200, None), Some(vec![Passed; 9]));
    }

    #[test]
    fn a_refused_ping_passed_the_checks_before_and_reached_none_after() {
        let expected = [[Passed; 3].as_slice(), &[Failed], &[NotReached; 5]].concat();
        assert_eq!(outcomes(403, Some("token_inactive")), Some(expected));
        let first = [[Failed].as_slice(), &[NotReached; 8]].concat();
        assert_eq!(outcomes(401, Some("token_missing")), Some(first));
    }

    #[test]
    fn a_response_that_names_no_check_has_no_outcomes() {
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
