//! The guard's rules: what a key opens (contract, section 3, checks 4, 5 and 7 to 10).
//!
//! Each step hands out a type that only it can make, and the next step needs that type. So the order
//! of the checks is not a habit of the caller but the only program that compiles:
//!
//! [`TokenRecord::admit`] (4, 5) → [`Caller`] → [`Caller::organisation`] (7) → [`OrganisationAccess`] →
//! [`OrganisationAccess::event`] (8, 9) → [`EventAccess`] → [`EventAccess::require`] (10).
//!
//! Checks 1 to 3 (header, host, digest) belong to whoever holds the request, check 6 (rate limit) to
//! whoever counts; it stands between [`Caller`] and [`Caller::organisation`].

use std::str::FromStr;

use crate::{
    event::{EventId, EventSettings, Feature},
    organisation::{OrganisationId, Plan, UnknownCode, find_by_code},
    timestamp::Timestamp,
    token::TokenId,
};

/// What the guard looks at, in its order: the rows of the guard's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// 1: the key header is present.
    KeySent,
    /// 2: the request's host is on the allowlist.
    Host,
    /// 3: the token is well formed, and exists.
    TokenKnown,
    /// 4: the token is active, and not expired.
    TokenActive,
    /// 5: the owning organisation is on the Enterprise plan.
    Plan,
    /// 6: the caller is within its rate limit.
    RateLimit,
    /// 7: the organisation addressed owns the token.
    Organisation,
    /// 8: the event addressed belongs to that organisation.
    Event,
    /// 9: the event has a configuration.
    EventConfigured,
    /// 10: the feature is on for the event.
    Feature,
}

impl Check {
    /// Every check, in order.
    pub const ALL: [Self; 10] = [
        Self::KeySent,
        Self::Host,
        Self::TokenKnown,
        Self::TokenActive,
        Self::Plan,
        Self::RateLimit,
        Self::Organisation,
        Self::Event,
        Self::EventConfigured,
        Self::Feature,
    ];

    /// What holds when the check is passed.
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
    /// Check 2: the request addresses a host that is not on the allowlist.
    HostNotAllowed,
    /// Check 3: the key is malformed or unknown.
    TokenInvalid,
    /// Check 4: the token is paused.
    TokenInactive,
    /// Check 4: the token's time is over.
    TokenExpired,
    /// Check 5: the owning organisation is not on the Enterprise plan.
    PlanRequired,
    /// Check 6: the caller asks for more than it may in the time.
    RateLimited,
    /// Check 7: the organisation addressed does not own the token.
    OrganisationMismatch,
    /// Check 8: the event addressed does not belong to the organisation.
    EventMismatch,
    /// Check 9: the event has no configuration.
    EventNotConfigured,
    /// Check 10: the feature is off for the event.
    FeatureDisabled,
}

impl Refusal {
    /// Every refusal, in the order of the checks.
    pub const ALL: [Self; 11] = [
        Self::TokenMissing,
        Self::HostNotAllowed,
        Self::TokenInvalid,
        Self::TokenInactive,
        Self::TokenExpired,
        Self::PlanRequired,
        Self::RateLimited,
        Self::OrganisationMismatch,
        Self::EventMismatch,
        Self::EventNotConfigured,
        Self::FeatureDisabled,
    ];

    /// The stable name sent in the `X-Error-Code` header.
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

    /// What a person at the other end reads: what is wrong, then what to do.
    pub const fn message(self) -> &'static str {
        match self {
            Self::TokenMissing => {
                "No API key was sent. Send your API token in the X-API-Key header."
            }
            Self::HostNotAllowed => {
                "The API is not served under this host name. Check the address that you call."
            }
            Self::TokenInvalid => {
                "The API key is invalid. Check that the whole token was copied, and that it has not been deleted."
            }
            Self::TokenInactive => {
                "The API key is inactive. Activate the token in the Developer Zone, or use another one."
            }
            Self::TokenExpired => {
                "The API key has expired. Create a new token in the Developer Zone."
            }
            Self::PlanRequired => {
                "The organisation of this API key is not on the Enterprise plan, which the API needs. Ask its administrator to upgrade."
            }
            Self::RateLimited => {
                "Too many calls in a short time. Wait as many seconds as Retry-After says, then go on more slowly."
            }
            Self::OrganisationMismatch => {
                "The API key does not belong to the organisation in the address. Check the organisation ID in it."
            }
            Self::EventMismatch => {
                "The event in the address does not belong to the organisation of this API key. Check the event ID in it."
            }
            Self::EventNotConfigured => {
                "The event has no configuration yet. Configure it in the dashboard first."
            }
            Self::FeatureDisabled => {
                "This feature is not enabled for the event. The event’s details say which ones are."
            }
        }
    }

    /// What it means to the developer of an integration, and what to do about it.
    pub const fn explanation(self) -> Explanation {
        let (cause, remedy) = match self {
            Self::TokenMissing => (
                "No key was sent, or an empty one.",
                "Send the token in the `X-API-Key` header.",
            ),
            Self::HostNotAllowed => (
                "The API is not served under the host name that was called.",
                "Call the address that this documentation shows.",
            ),
            Self::TokenInvalid => (
                "The key is not a token of ours, or the token was deleted.",
                "Check that the whole token was copied; otherwise create a new one.",
            ),
            Self::TokenInactive => (
                "The token is paused.",
                "Activate it in the Developer Zone, or use another one.",
            ),
            Self::TokenExpired => (
                "The token’s time is over.",
                "Create a new token in the Developer Zone.",
            ),
            Self::PlanRequired => (
                "The organisation is not on the Enterprise plan.",
                "Ask the organisation’s administrator to upgrade.",
            ),
            Self::RateLimited => (
                "Too many calls in a short time.",
                "Wait as long as `Retry-After` says, then go on more slowly.",
            ),
            Self::OrganisationMismatch => (
                "The token does not belong to the organisation in the address.",
                "Put the ID of the token’s own organisation into the address.",
            ),
            Self::EventMismatch => (
                "The organisation has no event with this ID.",
                "Take `event_id` from the list of events.",
            ),
            Self::EventNotConfigured => (
                "The event has no configuration yet.",
                "Have the event configured in the dashboard.",
            ),
            Self::FeatureDisabled => (
                "The feature is off for this event, or not part of the product.",
                "See the event’s details for what is on; have it switched on if it is needed.",
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

/// Why a call is refused, in plain words. What stands between backticks is code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why.
    pub cause: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What the database says of a token when its key is presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The token's number.
    pub token_id: TokenId,
    /// The organisation that owns it.
    pub organisation_id: OrganisationId,
    /// That organisation's plan.
    pub plan: Plan,
    /// Whether the token is switched on.
    pub active: bool,
    /// The first instant at which it is no longer taken, if it has one.
    pub expires_at: Option<Timestamp>,
}

impl TokenRecord {
    /// Checks 4 and 5: whether the token opens anything at `now`.
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
        if !self.plan.opens_developer_zone() {
            return Err(Refusal::PlanRequired);
        }
        Ok(Caller {
            token_id: self.token_id,
            organisation_id: self.organisation_id,
        })
    }
}

/// What the database says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// The event's number.
    pub event_id: EventId,
    /// The organisation that it belongs to.
    pub organisation_id: OrganisationId,
    /// Its configuration, if it has been configured.
    pub settings: Option<EventSettings>,
}

/// Whoever holds a token that opens something. Made by [`TokenRecord::admit`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    token_id: TokenId,
    organisation_id: OrganisationId,
}

impl Caller {
    /// The token presented.
    pub const fn token_id(self) -> TokenId {
        self.token_id
    }

    /// Check 7: the organisation addressed must be the token's own.
    ///
    /// # Errors
    /// [`Refusal::OrganisationMismatch`], whether or not another organisation has that number.
    pub fn organisation(self, addressed: OrganisationId) -> Result<OrganisationAccess, Refusal> {
        if addressed == self.organisation_id {
            Ok(OrganisationAccess { caller: self })
        } else {
            Err(Refusal::OrganisationMismatch)
        }
    }
}

/// Leave to read an organisation through the API. Made by [`Caller::organisation`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganisationAccess {
    caller: Caller,
}

impl OrganisationAccess {
    /// The organisation.
    pub const fn organisation_id(self) -> OrganisationId {
        self.caller.organisation_id
    }

    /// The token presented.
    pub const fn token_id(self) -> TokenId {
        self.caller.token_id
    }

    /// Checks 8 and 9: the event addressed must be the organisation's, and configured. `found` is
    /// what the database has under the number addressed.
    ///
    /// # Errors
    /// [`Refusal::EventMismatch`], the same for an event that does not exist and one of another
    /// organisation; [`Refusal::EventNotConfigured`].
    pub fn event(self, found: Option<&EventRecord>) -> Result<EventAccess, Refusal> {
        let event = found
            .filter(|event| event.organisation_id == self.organisation_id())
            .ok_or(Refusal::EventMismatch)?;
        let settings = event.settings.ok_or(Refusal::EventNotConfigured)?;
        Ok(EventAccess {
            organisation: self,
            event_id: event.event_id,
            settings: settings.normalised(),
        })
    }
}

/// Leave to read an event through the API. Made by [`OrganisationAccess::event`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventAccess {
    organisation: OrganisationAccess,
    event_id: EventId,
    settings: EventSettings,
}

impl EventAccess {
    /// The organisation that the event belongs to.
    pub const fn organisation(self) -> OrganisationAccess {
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
    /// [`Refusal::FeatureDisabled`].
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

    fn organisation_access() -> OrganisationAccess {
        token()
            .admit(NOW)
            .and_then(|caller| caller.organisation(OrganisationId(903)))
            .expect("a good key")
    }

    #[test]
    fn refusals_stand_in_the_order_of_their_checks() {
        let checks = Refusal::ALL.map(Refusal::check);
        assert!(checks.is_sorted(), "{checks:?}");
        assert!(Check::ALL.is_sorted() && Check::ALL.iter().all(|check| checks.contains(check)));
    }

    /// The contract's table, section 3.
    #[test]
    fn every_refusal_has_the_contracts_code_and_words_of_its_own() {
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
        let different = |texts: &[&str]| texts.iter().collect::<HashSet<_>>().len();
        let messages = Refusal::ALL.map(Refusal::message);
        assert_eq!(different(&messages), messages.len());
        assert!(messages.iter().all(|message| message.ends_with('.')));
        let labels = Check::ALL.map(Check::label);
        assert_eq!(different(&labels), labels.len());
        assert!(labels.iter().all(|label| label.starts_with("The ")));
    }

    #[test]
    fn a_paused_token_is_refused_before_its_expiry_and_plan_are_looked_at() {
        let refused = TokenRecord {
            active: false,
            expires_at: Some(Timestamp(0)),
            plan: Plan::Trial,
            ..token()
        };
        assert_eq!(refused.admit(NOW), Err(Refusal::TokenInactive));
    }

    #[test]
    fn an_expired_token_is_refused_before_its_plan_is_looked_at() {
        let refused = TokenRecord {
            expires_at: Some(NOW),
            plan: Plan::Trial,
            ..token()
        };
        assert_eq!(refused.admit(NOW), Err(Refusal::TokenExpired));
    }

    #[test]
    fn a_token_is_taken_until_the_millisecond_before_its_expiry() {
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
    fn a_missing_event_and_another_organisations_event_are_refused_alike() {
        let access = organisation_access();
        let foreign = event(904, Some(EventSettings::default()));
        let unconfigured_foreign = event(904, None);
        assert_eq!(access.event(None), Err(Refusal::EventMismatch));
        assert_eq!(access.event(Some(&foreign)), Err(Refusal::EventMismatch));
        assert_eq!(
            access.event(Some(&unconfigured_foreign)),
            Err(Refusal::EventMismatch)
        );
    }

    #[test]
    fn an_event_without_configuration_opens_nothing() {
        assert_eq!(
            organisation_access().event(Some(&event(903, None))),
            Err(Refusal::EventNotConfigured)
        );
    }

    #[test]
    fn a_feature_is_open_only_where_the_event_has_it_on() {
        let settings = EventSettings {
            bib_search: true,
            ..EventSettings::default()
        };
        let access = organisation_access()
            .event(Some(&event(903, Some(settings))))
            .expect("its own event");
        assert!(access.require(Feature::BibSearch).is_ok());
        assert_eq!(
            access.require(Feature::TimelineSearch),
            Err(Refusal::FeatureDisabled)
        );
    }

    #[test]
    fn faces_and_clips_stay_closed_whatever_the_event_says() {
        let access = organisation_access()
            .event(Some(&event(903, Some(EventSettings::ALL_ON))))
            .expect("its own event");
        for closed in [Feature::SelfieSearch, Feature::VideoSelfieSearch] {
            assert_eq!(access.require(closed), Err(Refusal::FeatureDisabled));
        }
    }

    proptest! {
        #[test]
        fn access_is_given_to_the_owners_active_token_on_enterprise_and_to_nothing_else(
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
            let given = record
                .admit(NOW)
                .and_then(|caller| caller.organisation(OrganisationId(addressed)));
            let deserved = active
                && plan == Plan::Enterprise
                && expires_in.is_none_or(|millis| millis > 0)
                && owner == addressed;
            prop_assert_eq!(given.is_ok(), deserved);
        }
    }
}
