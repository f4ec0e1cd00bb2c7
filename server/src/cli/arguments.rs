//! Parsers for values on the command line.

use app::time_zone::iana_name;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::{
    audit::Kind,
    event::{EventId, EventStatus},
    organisation::{OrganisationId, Plan, Role},
    timestamp::Timestamp,
    token::{InvalidTokenName, TokenId, TokenName, is_visible},
    user::{Email, InvalidEmail},
};
use time::{
    Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

fn number(text: &str) -> Result<i64, &'static str> {
    let number = text.parse().ok().filter(|&number: &i64| number > 0);
    number.ok_or("use a whole number from 1")
}

pub(super) fn organisation_id(text: &str) -> Result<OrganisationId, &'static str> {
    number(text).map(OrganisationId)
}

pub(super) fn event_id(text: &str) -> Result<EventId, &'static str> {
    number(text).map(EventId)
}

/// The largest number for a new organisation or event. Many JSON parsers read numbers as floating point, which is exact up
/// to 2^53, 9007199254740992. The numbers after the largest are for organisations and events without `--id`.
const MAX_NEW_ID: i64 = 999_999_999_999_999;

fn new_number(text: &str) -> Result<i64, &'static str> {
    let number = number(text).ok().filter(|&number| number <= MAX_NEW_ID);
    number.ok_or(
        "use a whole number from 1 to 999999999999999, which every JSON parser reads exactly",
    )
}

/// The number of an organisation that does not exist yet.
pub(super) fn new_organisation_id(text: &str) -> Result<OrganisationId, &'static str> {
    new_number(text).map(OrganisationId)
}

/// The number of an event that does not exist yet.
pub(super) fn new_event_id(text: &str) -> Result<EventId, &'static str> {
    new_number(text).map(EventId)
}

pub(super) fn token_id(text: &str) -> Result<TokenId, &'static str> {
    number(text).map(TokenId)
}

pub(super) fn email(text: &str) -> Result<Email, InvalidEmail> {
    Email::parse(text)
}

/// A name of an organisation or event: what people can see, as in a token's name.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if is_visible(name) {
        Ok(name.to_owned())
    } else {
        Err(
            "a name has at least one character, and no line breaks, control characters or other invisible characters",
        )
    }
}

pub(super) fn token_name(text: &str) -> Result<TokenName, InvalidTokenName> {
    TokenName::parse(text)
}

/// A token's name, or an empty text for no name.
pub(super) fn token_name_or_none(text: &str) -> Result<NewName, InvalidTokenName> {
    TokenName::parse_optional(text).map(NewName)
}

/// The new name of a token. `clap` would read a plain `Option` as an optional argument.
#[derive(Clone, Debug)]
pub(super) struct NewName(pub(super) Option<TokenName>);

pub(super) fn plan() -> impl TypedValueParser<Value = Plan> {
    PossibleValuesParser::new(Plan::ALL.map(Plan::code)).try_map(|code| code.parse::<Plan>())
}

pub(super) fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::code)).try_map(|code| code.parse::<Role>())
}

pub(super) fn audit_kind() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::code)).try_map(|code| code.parse::<Kind>())
}

/// The start of a day in UTC, or a time (RFC 3339).
pub(super) fn instant(text: &str) -> Result<Timestamp, &'static str> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let instant = match day {
        Ok(day) => Ok(day.midnight().assume_utc()),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339),
    };
    let instant = instant.map_err(|_| "use YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ")?;
    let millis = i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000));
    millis
        .map(Timestamp)
        .map_err(|_| "use YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ")
}

/// A time zone of the IANA database.
pub(super) fn time_zone(text: &str) -> Result<String, &'static str> {
    iana_name(text).ok_or("use a name of the IANA time zone database, for example Europe/London")
}

/// A time zone, or an empty text for none.
pub(super) fn time_zone_or_none(text: &str) -> Result<NewTimeZone, &'static str> {
    let text = Some(text.trim()).filter(|text| !text.is_empty());
    text.map(time_zone).transpose().map(NewTimeZone)
}

/// The new time zone of an event. `clap` would read a plain `Option` as an optional argument.
#[derive(Clone, Debug)]
pub(super) struct NewTimeZone(pub(super) Option<String>);

pub(super) fn event_status() -> impl TypedValueParser<Value = EventStatus> {
    PossibleValuesParser::new(["active", "draft"]).map(|code| {
        if code == "draft" {
            EventStatus::Draft
        } else {
            EventStatus::Active
        }
    })
}
