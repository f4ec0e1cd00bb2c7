//! The rules of the API's guard: what a call with a token may read (contract, section 3, checks 4, 5 and 7 to 10).
//!
//! Each check returns a type that no other code can create, and the next check takes that type. So code that skips or
//! reorders checks does not compile:
//!
//! [`TokenRecord::admit`] (4, 5) → [`Caller`] → [`Caller::organisation`] (7) → [`OrganisationPermission`] →
//! [`OrganisationPermission::event`] (8, 9) → [`EventPermission`] → [`EventPermission::require`] (10).
//!
//! The server does the other checks: 1 to 3 (header, host, digest) first, and 6 (rate limit) between [`Caller`] and
//! [`Caller::organisation`].

use std::str::FromStr;

use crate::{
    event::{EventId, EventSettings, Feature},
    organisation::{OrganisationId, Plan, UnknownCode, find_by_code},
    timestamp::Timestamp,
    token::TokenId,
};

/// The guard's checks, in order. They are the rows of the contract's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// 1: the key header is present.
    KeySent,
    /// 2: the request's host is on the allowlist.
    Host,
    /// 3: the token is well formed and exists.
    TokenKnown,
    /// 4: the token is active and has not expired.
    TokenActive,
    /// 5: the token's organisation is on the Enterprise plan.
    Plan,
    /// 6: the caller is within its rate limit.
    RateLimit,
    /// 7: the organisation in the path owns the token.
    Organisation,
    /// 8: the event in the path belongs to that organisation.
    Event,
    /// 9: the event has a configuration.
    EventConfigured,
    /// 10: the feature is on for the event.
    Feature,
}

impl Check {
    /// Every check, in order.
    pub const ALL: [Self; 10] = all_variants![
        KeySent,
        Host,
        TokenKnown,
        TokenActive,
        Plan,
        RateLimit,
        Organisation,
        Event,
        EventConfigured,
        Feature
    ];

    /// The condition that a call must meet to pass the check.
    pub const fn label(self) -> &'static str {
        match self {
            Self::KeySent => "The key was sent",
            Self::Host => "The host is allowed",
            Self::TokenKnown => "The token exists",
            Self::TokenActive => "The token is active",
            Self::Plan => "The organisation is on the Enterprise plan",
            Self::RateLimit => "The token is within its rate limit",
            Self::Organisation => "The organisation owns the token",
            Self::Event => "The event belongs to the organisation",
            Self::EventConfigured => "The event is configured",
            Self::Feature => "The feature is on for the event",
        }
    }
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Check 1: no key was sent.
    TokenMissing,
    /// Check 2: the request's host is not on the allowlist.
    HostNotAllowed,
    /// Check 3: the key is malformed or unknown.
    TokenInvalid,
    /// Check 4: the token is inactive.
    TokenInactive,
    /// Check 4: the token has expired.
    TokenExpired,
    /// Check 5: the token's organisation is not on the Enterprise plan.
    PlanRequired,
    /// Check 6: the caller has exceeded its rate limit.
    RateLimited,
    /// Check 7: the organisation in the path does not own the token.
    OrganisationMismatch,
    /// Check 8: the event in the path does not belong to the organisation.
    EventMismatch,
    /// Check 9: the event has no configuration.
    EventNotConfigured,
    /// Check 10: the feature is off for the event.
    FeatureDisabled,
}

impl Refusal {
    /// Every refusal, in the order of the checks.
    pub const ALL: [Self; 11] = all_variants![
        TokenMissing,
        HostNotAllowed,
        TokenInvalid,
        TokenInactive,
        TokenExpired,
        PlanRequired,
        RateLimited,
        OrganisationMismatch,
        EventMismatch,
        EventNotConfigured,
        FeatureDisabled
    ];

    /// The stable code in the `X-Error-Code` header.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenMissing => "token_missing",
            Self::HostNotAllowed => "host_not_allowed",
            Self::TokenInvalid => "token_invalid",
            Self::TokenInactive => "token_inactive",
            Self::TokenExpired => "token_expired",
            Self::PlanRequired => "plan_required",
            Self::RateLimited => "rate_limited",
            Self::OrganisationMismatch => "organisation_mismatch",
            Self::EventMismatch => "event_mismatch",
            Self::EventNotConfigured => "event_not_configured",
            Self::FeatureDisabled => "feature_disabled",
        }
    }

    /// The check that refused.
    pub const fn check(self) -> Check {
        match self {
            Self::TokenMissing => Check::KeySent,
            Self::HostNotAllowed => Check::Host,
            Self::TokenInvalid => Check::TokenKnown,
            Self::TokenInactive | Self::TokenExpired => Check::TokenActive,
            Self::PlanRequired => Check::Plan,
            Self::RateLimited => Check::RateLimit,
            Self::OrganisationMismatch => Check::Organisation,
            Self::EventMismatch => Check::Event,
            Self::EventNotConfigured => Check::EventConfigured,
            Self::FeatureDisabled => Check::Feature,
        }
    }

    /// The message in the response: what is wrong, then what to do.
    pub const fn message(self) -> &'static str {
        match self {
            Self::TokenMissing => {
                "No API key was sent. Send your API token in the X-API-Key header."
            }
            Self::HostNotAllowed => {
                "The API is not served under this host name. Check the address that you call."
            }
            Self::TokenInvalid => {
                "The API key is invalid. Check that you copied the whole token, and that it was not deleted."
            }
            Self::TokenInactive => {
                "The API key is inactive. Activate the token in the Developer Zone, or use another one."
            }
            Self::TokenExpired => {
                "The API key has expired. Create a new token in the Developer Zone."
            }
            Self::PlanRequired => {
                "The API requires the Enterprise plan, and this API key’s organisation is on another plan. Ask its administrator to upgrade."
            }
            Self::RateLimited => {
                "Too many calls in a short time. Wait for the number of seconds in Retry-After, then slow down."
            }
            Self::OrganisationMismatch => {
                "The API key does not belong to the organisation in the address. Check the organisation ID."
            }
            Self::EventMismatch => {
                "The event in the address does not belong to this API key’s organisation. Check the event ID."
            }
            Self::EventNotConfigured => {
                "The event has no configuration yet. Configure it in the dashboard first."
            }
            Self::FeatureDisabled => {
                "This feature is not enabled for the event. The event’s details list the enabled features."
            }
        }
    }

    /// The cause and the remedy, for developers of integrations. The API documentation shows them.
    pub const fn explanation(self) -> Explanation {
        let (cause, remedy) = match self {
            Self::TokenMissing => (
                "The call has no key, or an empty one.",
                "Send the token in the `X-API-Key` header.",
            ),
            Self::HostNotAllowed => (
                "The API is not served under the host name that was called.",
                "Call the address that this documentation shows.",
            ),
            Self::TokenInvalid => (
                "The key is not a 9Pic token, or the token was deleted.",
                "Check that you copied the whole token. If you did, create a new one.",
            ),
            Self::TokenInactive => (
                "The token is inactive.",
                "Activate it in the Developer Zone, or use another one.",
            ),
            Self::TokenExpired => (
                "The token has expired.",
                "Create a new token in the Developer Zone.",
            ),
            Self::PlanRequired => (
                "The organisation is not on the Enterprise plan.",
                "Ask the organisation’s administrator to upgrade.",
            ),
            Self::RateLimited => (
                "Too many calls in a short time.",
                "Wait for the number of seconds in `Retry-After`, then slow down.",
            ),
            Self::OrganisationMismatch => (
                "The token does not belong to the organisation in the address.",
                "Use the ID of the token’s own organisation in the address.",
            ),
            Self::EventMismatch => (
                "The organisation has no event with this ID.",
                "Take `event_id` from the list of events.",
            ),
            Self::EventNotConfigured => (
                "The event has no configuration yet.",
                "Configure the event in the dashboard.",
            ),
            Self::FeatureDisabled => (
                "The feature is off for this event, or not part of the product.",
                "Check the event’s details for the enabled features. Enable this one if you need it.",
            ),
        };
        Explanation { cause, remedy }
    }
}

impl FromStr for Refusal {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        find_by_code(&Self::ALL, Self::code, code)
    }
}

/// Why a call is refused, and what the caller can do. Text between backticks is code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why the call is refused.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The token's data that the checks need, read from the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The token's ID.
    pub token_id: TokenId,
    /// The organisation that owns the token.
    pub organisation_id: OrganisationId,
    /// That organisation's plan.
    pub plan: Plan,
    /// Whether the token is active.
    pub active: bool,
    /// When the token expires, if it does. From this instant on, the API refuses it.
    pub expires_at: Option<Timestamp>,
}

impl TokenRecord {
    /// Checks 4 and 5: the token is active and unexpired at `now`, and its organisation is on the Enterprise plan.
    ///
    /// # Errors
    /// [`Refusal::TokenInactive`], [`Refusal::TokenExpired`] or [`Refusal::PlanRequired`], the first
    /// that applies.
    pub fn admit(&self, now: Timestamp) -> Result<Caller, Refusal> {
        if !self.active {
            return Err(Refusal::TokenInactive);
        }
        if self.expires_at.is_some_and(|end| now >= end) {
            return Err(Refusal::TokenExpired);
        }
        if !self.plan.includes_developer_zone() {
            return Err(Refusal::PlanRequired);
        }
        Ok(Caller {
            token_id: self.token_id,
            organisation_id: self.organisation_id,
        })
    }
}

/// The event's data that the checks need, read from the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// The event's ID.
    pub event_id: EventId,
    /// The organisation that the event belongs to.
    pub organisation_id: OrganisationId,
    /// The event's configuration. `None` if the event was never configured.
    pub settings: Option<EventSettings>,
}

/// A caller that has passed checks 1 to 5. Only [`TokenRecord::admit`] creates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    token_id: TokenId,
    organisation_id: OrganisationId,
}

impl Caller {
    /// The token of the call.
    pub const fn token_id(self) -> TokenId {
        self.token_id
    }

    /// Check 7: the organisation in the path must be the token's own.
    ///
    /// # Errors
    /// [`Refusal::OrganisationMismatch`], whether or not an organisation with that ID exists.
    pub fn organisation(
        self,
        addressed: OrganisationId,
    ) -> Result<OrganisationPermission, Refusal> {
        if addressed == self.organisation_id {
            Ok(OrganisationPermission { caller: self })
        } else {
            Err(Refusal::OrganisationMismatch)
        }
    }
}

/// Permission to read an organisation through the API. Only [`Caller::organisation`] creates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganisationPermission {
    caller: Caller,
}

impl OrganisationPermission {
    /// The organisation.
    pub const fn organisation_id(self) -> OrganisationId {
        self.caller.organisation_id
    }

    /// The token of the call.
    pub const fn token_id(self) -> TokenId {
        self.caller.token_id
    }

    /// Checks 8 and 9: the event in the path must belong to the organisation and be configured. `found` is the
    /// database's record for the ID in the path.
    ///
    /// # Errors
    /// - [`Refusal::EventMismatch`] if the event does not exist or belongs to another organisation. The two cases look
    ///   the same, so that a caller cannot find out which events exist.
    /// - [`Refusal::EventNotConfigured`] if the event has no configuration.
    pub fn event(self, found: Option<&EventRecord>) -> Result<EventPermission, Refusal> {
        let event = found
            .filter(|event| event.organisation_id == self.organisation_id())
            .ok_or(Refusal::EventMismatch)?;
        let settings = event.settings.ok_or(Refusal::EventNotConfigured)?;
        Ok(EventPermission {
            organisation: self,
            event_id: event.event_id,
            settings: settings.normalised(),
        })
    }
}

/// Permission to read an event through the API. Only [`OrganisationPermission::event`] creates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPermission {
    organisation: OrganisationPermission,
    event_id: EventId,
    settings: EventSettings,
}

impl EventPermission {
    /// The organisation that the event belongs to.
    pub const fn organisation(self) -> OrganisationPermission {
        self.organisation
    }

    /// The event.
    pub const fn event_id(self) -> EventId {
        self.event_id
    }

    /// The event's configuration.
    pub const fn settings(self) -> EventSettings {
        self.settings
    }

    /// Check 10: the feature must be on for the event.
    ///
    /// # Errors
    /// [`Refusal::FeatureDisabled`] if the feature is off.
    pub fn require(self, feature: Feature) -> Result<Self, Refusal> {
        if self.settings.allows(feature) {
            Ok(self)
        } else {
            Err(Refusal::FeatureDisabled)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn token() -> TokenRecord {
        TokenRecord {
            token_id: TokenId(1),
            organisation_id: OrganisationId(903),
            plan: Plan::Enterprise,
            active: true,
            expires_at: None,
        }
    }

    fn event(organisation: i64, settings: Option<EventSettings>) -> EventRecord {
        EventRecord {
            event_id: EventId(456),
            organisation_id: OrganisationId(organisation),
            settings,
        }
    }

    fn organisation_permission() -> OrganisationPermission {
        token()
            .admit(NOW)
            .and_then(|caller| caller.organisation(OrganisationId(903)))
            .expect("a valid token of organisation 903")
    }

    #[test]
    fn refusals_are_listed_in_the_order_of_their_checks() {
        let checks = Refusal::ALL.map(Refusal::check);
        assert!(checks.is_sorted(), "{checks:?}");
        assert!(Check::ALL.is_sorted() && Check::ALL.iter().all(|check| checks.contains(check)));
    }

    /// The contract's table, section 3.
    #[test]
    fn every_refusal_has_the_contracts_code_and_its_own_message() {
        let codes = [
            "token_missing",
            "host_not_allowed",
            "token_invalid",
            "token_inactive",
            "token_expired",
            "plan_required",
            "rate_limited",
            "organisation_mismatch",
            "event_mismatch",
            "event_not_configured",
            "feature_disabled",
        ];
        assert_eq!(Refusal::ALL.map(Refusal::code), codes);
        let count_distinct = |texts: &[&str]| texts.iter().collect::<HashSet<_>>().len();
        let messages = Refusal::ALL.map(Refusal::message);
        assert_eq!(count_distinct(&messages), messages.len());
        assert!(messages.iter().all(|message| message.ends_with('.')));
        let labels = Check::ALL.map(Check::label);
        assert_eq!(count_distinct(&labels), labels.len());
        assert!(labels.iter().all(|label| label.starts_with("The ")));
    }

    #[test]
    fn an_inactive_token_is_refused_before_its_expiry_and_plan_are_checked() {
        let refused = TokenRecord {
            active: false,
            expires_at: Some(Timestamp(0)),
            plan: Plan::Trial,
            ..token()
        };
        assert_eq!(refused.admit(NOW), Err(Refusal::TokenInactive));
    }

    #[test]
    fn an_expired_token_is_refused_before_its_plan_is_checked() {
        let refused = TokenRecord {
            expires_at: Some(NOW),
            plan: Plan::Trial,
            ..token()
        };
        assert_eq!(refused.admit(NOW), Err(Refusal::TokenExpired));
    }

    #[test]
    fn a_token_is_accepted_until_the_millisecond_before_its_expiry() {
        let expiring = TokenRecord {
            expires_at: Some(NOW.plus_millis(1)),
            ..token()
        };
        assert!(expiring.admit(NOW).is_ok());
        assert_eq!(
            expiring.admit(NOW.plus_millis(1)),
            Err(Refusal::TokenExpired)
        );
    }

    #[test]
    fn every_plan_but_enterprise_is_refused() {
        for plan in Plan::ALL {
            let admitted = TokenRecord { plan, ..token() }.admit(NOW);
            assert_eq!(admitted.is_ok(), plan == Plan::Enterprise, "{plan:?}");
        }
    }

    #[test]
    fn a_missing_event_and_another_organisations_event_are_refused_in_the_same_way() {
        let permission = organisation_permission();
        let foreign = event(904, Some(EventSettings::default()));
        let unconfigured_foreign = event(904, None);
        for found in [None, Some(&foreign), Some(&unconfigured_foreign)] {
            let refused = permission.event(found);
            assert_eq!(refused, Err(Refusal::EventMismatch), "{found:?}");
        }
    }

    #[test]
    fn an_event_without_configuration_is_refused() {
        assert_eq!(
            organisation_permission().event(Some(&event(903, None))),
            Err(Refusal::EventNotConfigured)
        );
    }

    #[test]
    fn a_feature_is_allowed_only_if_it_is_on_for_the_event() {
        let settings = EventSettings {
            bib_search: true,
            ..EventSettings::default()
        };
        let permission = organisation_permission()
            .event(Some(&event(903, Some(settings))))
            .expect("the organisation's own event");
        assert!(permission.require(Feature::BibSearch).is_ok());
        assert_eq!(
            permission.require(Feature::TimelineSearch),
            Err(Refusal::FeatureDisabled)
        );
    }

    #[test]
    fn searches_by_face_are_refused_even_if_they_are_on_for_the_event() {
        let permission = organisation_permission()
            .event(Some(&event(903, Some(EventSettings::ALL_ON))))
            .expect("the organisation's own event");
        for by_face in [Feature::SelfieSearch, Feature::VideoSelfieSearch] {
            assert_eq!(permission.require(by_face), Err(Refusal::FeatureDisabled));
        }
    }

    proptest! {
        #[test]
        fn only_an_active_unexpired_token_on_enterprise_may_read_and_only_its_own_organisation(
            active: bool,
            plan in proptest::sample::select(Plan::ALL.to_vec()),
            expires_in in proptest::option::of(-5i64..5),
            owner in 900i64..904,
            addressed in 900i64..904,
        ) {
            let record = TokenRecord {
                organisation_id: OrganisationId(owner),
                plan,
                active,
                expires_at: expires_in.map(|millis| NOW.plus_millis(millis)),
                ..token()
            };
            let permission = record
                .admit(NOW)
                .and_then(|caller| caller.organisation(OrganisationId(addressed)));
            let expected = active
                && plan == Plan::Enterprise
                && expires_in.is_none_or(|millis| millis > 0)
                && owner == addressed;
            prop_assert_eq!(permission.is_ok(), expected);
        }
    }
}
