//! The audit trail as sentences, for the page and the CSV file, and the addresses of both.

use std::fmt;

use model::{
    audit::{Actor, Cursor, Entry, EntryKey, Filter, Kind, RecordedToken},
    organisation::OrganisationId,
    timestamp::Timestamp,
    token::{TokenId, TokenName, TokenPreview, display_name},
};

use crate::{
    paths::{ACTIVITY, ACTIVITY_FILE},
    time_zone::{Day, ReaderZone},
    ui::iso_utc,
};

/// The query in the address of the page or the file. An invalid part is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivityQuery {
    /// The organisation of the file: the one that the page shows.
    pub organisation: Option<OrganisationId>,
    /// Only records of this kind.
    pub kind: Option<Kind>,
    /// Only records about this token.
    pub token: Option<TokenId>,
    /// Only records of this day and later ones.
    pub(crate) first_day: Option<Day>,
    /// Only records of this day and earlier ones.
    pub(crate) last_day: Option<Day>,
    /// Where the page starts.
    pub place: Cursor,
}

impl ActivityQuery {
    /// Reads a query, with or without its question mark.
    pub fn parse(query: &str) -> Self {
        let query = query.strip_prefix('?').unwrap_or(query);
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let key = || value.parse::<EntryKey>().ok();
            match &*name {
                "organisation" => read.organisation = value.parse().ok().map(OrganisationId),
                "kind" => {
                    read.kind = value
                        .parse()
                        .ok()
                        .filter(|kind: &Kind| kind.is_shown_to_members())
                }
                "token" => read.token = value.parse().ok().map(TokenId),
                "first-day" => read.first_day = value.parse().ok(),
                "last-day" => read.last_day = value.parse().ok(),
                "before" => read.place = key().map_or(read.place, Cursor::Before),
                "after" => read.place = key().map_or(read.place, Cursor::After),
                _ => {}
            }
        }
        read
    }

    /// The filter of records. Days begin and end in the reader's zone.
    pub fn filter(&self, zone: &ReaderZone) -> Filter {
        let day_after = |day: Day| zone.start_of(day.tomorrow().ok()?);
        Filter {
            kind: self.kind,
            token: self.token,
            since: self.first_day.and_then(|day| zone.start_of(day)),
            until: self.last_day.and_then(day_after),
        }
    }

    /// The address of the page with this filter, starting at `place`.
    pub(crate) fn page(&self, place: Cursor) -> String {
        let place = match place {
            Cursor::Newest => None,
            Cursor::Before(key) => Some(("before", key.to_string())),
            Cursor::After(key) => Some(("after", key.to_string())),
        };
        self.address(ACTIVITY, place)
    }

    /// The address of the file with this filter.
    pub(crate) fn file(&self, organisation: OrganisationId) -> String {
        self.address(
            ACTIVITY_FILE,
            Some(("organisation", organisation.to_string())),
        )
    }

    fn address(&self, path: &str, more: Option<(&str, String)>) -> String {
        let kind = self.kind.map(|kind| ("kind", kind.code().to_owned()));
        let token = self.token.map(|token| ("token", token.to_string()));
        let day = |name, day: Option<Day>| day.map(|day| (name, day.to_string()));
        let (first, last) = (
            day("first-day", self.first_day),
            day("last-day", self.last_day),
        );
        let parts = [kind, token, first, last, more].into_iter().flatten();
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() {
            return path.to_owned();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("{path}?{}", query.extend_pairs(parts).finish())
    }
}

/// A record as a sentence without its full stop: `ada@example.com deactivated token Website gallery (k7Q2x***)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The subject.
    pub(crate) who: String,
    /// The verb and its objects.
    pub(crate) did: String,
    /// The token.
    pub(crate) token: Option<NamedToken>,
    /// The end of the sentence.
    pub(crate) rest: Option<String>,
}

/// A token in a sentence, with its name at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedToken {
    pub(crate) id: TokenId,
    pub(crate) name: Option<TokenName>,
    pub(crate) preview: TokenPreview,
}

impl Sentence {
    /// The record as a sentence.
    pub fn of(entry: &Entry) -> Self {
        Self {
            who: who(entry),
            did: did(entry),
            token: entry.token.as_ref().map(|token| NamedToken {
                id: token.id,
                name: token.name.clone(),
                preview: token.preview.clone(),
            }),
            rest: match (&entry.actor, entry.kind, &entry.account, &entry.token) {
                (Actor::Operator(_), Kind::TokenCreated, Some(account), _) => {
                    Some(format!("in the name of {}", account.email))
                }
                (_, Kind::TokenRenamed, _, Some(token)) => renamed_to(token),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.who, self.did)?;
        if let Some(NamedToken { name, preview, .. }) = &self.token {
            write!(f, " {}", display_name(name.as_ref(), preview))?;
        }
        if let Some(rest) = &self.rest {
            write!(f, " {rest}")?;
        }
        Ok(())
    }
}

fn who(entry: &Entry) -> String {
    match &entry.actor {
        Actor::User(account) => account.email.clone(),
        Actor::Operator(Some(name)) => format!("Operator {name}"),
        Actor::Operator(None) => "9Pic support".to_owned(),
        Actor::Unknown if entry.kind == Kind::SignInFailed => "Failed sign-in".to_owned(),
        Actor::Unknown => "Someone".to_owned(),
    }
}

/// The new name, after `named token k7Q2x***` or `renamed token Kiosk (k7Q2x***)`.
fn renamed_to(token: &RecordedToken) -> Option<String> {
    let name = token.renamed_to.as_ref()?;
    Some(match token.name {
        Some(_) => format!("to “{name}”"),
        None => format!("“{name}”"),
    })
}

fn did(entry: &Entry) -> String {
    let account = entry.account.as_ref().map_or("", |it| it.email.as_str());
    let own = matches!(entry.actor, Actor::User(_));
    let text = match entry.kind {
        Kind::SignedIn => "signed in",
        Kind::SignInFailed if own => "failed to sign in",
        Kind::SignInFailed if account.is_empty() => "for an address that has no account",
        Kind::SignInFailed => return format!("for {account}"),
        Kind::SignedOut => "signed out",
        Kind::PasswordChanged if own => "changed their password",
        Kind::PasswordChanged => return format!("changed the password of {account}"),
        Kind::ResetLinkCreated => return format!("created a reset link for {account}"),
        Kind::SessionsEnded if own => "ended sessions of their account",
        Kind::SessionsEnded => return format!("ended the sessions of {account}"),
        Kind::TokenCreated => "created token",
        Kind::TokenDeactivated => "deactivated token",
        Kind::TokenActivated => "activated token",
        Kind::TokenRenamed => match &entry.token {
            Some(token) if token.renamed_to.is_none() => "removed the name of token",
            Some(token) if token.name.is_none() => "named token",
            _ => "renamed token",
        },
        Kind::TokenDeleted => "deleted token",
        Kind::PlanChanged => {
            let (before, after) = entry.plans.map(|it| (it.0.label(), it.1.label())).unzip();
            return format!(
                "changed the plan from {} to {}",
                before.unwrap_or("?"),
                after.unwrap_or("?")
            );
        }
        Kind::MemberAdded => return format!("added {account} to the organisation"),
        Kind::MemberRemoved => return format!("removed {account} from the organisation"),
        Kind::AccountDisabled => return format!("disabled the account of {account}"),
        Kind::AccountEnabled => return format!("enabled the account of {account}"),
        Kind::AccountDeleted => return format!("deleted the account of {account}"),
        Kind::AuditPruned => {
            let before = entry.pruned_before.unwrap_or(Timestamp(0));
            let before = iso_utc(before).replace('T', " ");
            let before = before.get(..19).unwrap_or_default();
            return format!("removed all records before {before} UTC");
        }
    };
    text.to_owned()
}

/// `2026-01-19T06:00:00.000Z` (RFC 3339).
pub fn instant(at: Timestamp) -> String {
    iso_utc(at)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::COOKIE};

    use super::*;

    #[test]
    fn the_query_of_every_address_of_the_page_is_read_back() {
        let key = EntryKey {
            at: Timestamp(1_768_802_400_000),
            id: 57,
        };
        let day = Some(Day::constant(2026, 1, 19));
        for kind in [None, Some(Kind::TokenDeactivated)] {
            for token in [None, Some(TokenId(7))] {
                for place in [Cursor::Newest, Cursor::Before(key), Cursor::After(key)] {
                    for (first_day, last_day) in
                        [(None, None), (day, None), (None, day), (day, day)]
                    {
                        let query = ActivityQuery {
                            organisation: None,
                            kind,
                            token,
                            first_day,
                            last_day,
                            place,
                        };
                        let address = query.page(place);
                        let (path, query_text) = address.split_once('?').unwrap_or((&address, ""));
                        assert_eq!(path, ACTIVITY);
                        assert_eq!(ActivityQuery::parse(query_text), query);
                    }
                }
            }
        }
    }

    #[test]
    fn days_begin_and_end_in_the_readers_zone() {
        let day = Some(Day::constant(2026, 1, 19));
        let query = ActivityQuery {
            first_day: day,
            last_day: day,
            ..ActivityQuery::default()
        };
        let cookie = HeaderValue::from_static("developer-zone-time-zone=Asia/Tokyo");
        let filter = query.filter(&ReaderZone::of(&HeaderMap::from_iter([(COOKIE, cookie)])));
        let midnight_in_tokyo = Timestamp(1_768_748_400_000);
        assert_eq!(filter.since, Some(midnight_in_tokyo));
        assert_eq!(
            filter.until,
            Some(midnight_in_tokyo.plus_millis(86_400_000))
        );
    }

    #[test]
    fn a_renaming_names_both_names() {
        let name = |text: &str| Some(TokenName::parse(text).expect("a name"));
        let sentence = |before: Option<TokenName>, after: Option<TokenName>| {
            let token = RecordedToken {
                id: TokenId(7),
                preview: TokenPreview::of("k7Q2x"),
                name: before,
                renamed_to: after,
            };
            let entry = Entry {
                key: EntryKey {
                    at: Timestamp(0),
                    id: 1,
                },
                kind: Kind::TokenRenamed,
                actor: Actor::Operator(None),
                organisation: Some(OrganisationId(903)),
                account: None,
                token: Some(token),
                plans: None,
                pruned_before: None,
                address: None,
                user_agent: None,
            };
            Sentence::of(&entry).to_string()
        };
        let who = "9Pic support";
        for (before, after, did) in [
            (None, name("Kiosk"), "named token k7Q2x*** “Kiosk”"),
            (
                name("Kiosk"),
                name("Web"),
                "renamed token Kiosk (k7Q2x***) to “Web”",
            ),
            (
                name("Kiosk"),
                None,
                "removed the name of token Kiosk (k7Q2x***)",
            ),
        ] {
            assert_eq!(sentence(before, after), format!("{who} {did}"));
        }
    }

    #[test]
    fn a_part_of_a_query_that_cannot_be_read_is_ignored() {
        let query = ActivityQuery::parse(
            "?kind=&token=&before=&after=x&first-day=&last-day=2026-02-30&kind=gold&token=%00&nonsense",
        );
        assert_eq!(query, ActivityQuery::default());
        let not_theirs = ActivityQuery::parse("kind=audit-pruned");
        assert_eq!(not_theirs, ActivityQuery::default());
    }
}
