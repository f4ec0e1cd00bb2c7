//! The content of a token's page.

use leptos::prelude::*;
use model::{
    audit::Cursor,
    organisation::OrganisationId,
    permission::Refusal,
    timestamp::Timestamp,
    token::{TokenId, TokenSummary},
    usage::{HourlyRefusals, IDLE_DAYS, RefusalCount, TokenUsage},
};
use store::{Member, sessions::Session};

use super::{
    forms::{AskedFrom, DangerZone, DeleteQuestion, RenameForm, Status},
    hours::{CallsByHour, total},
    period::Period,
    reasons::{Swatch, pattern_of},
};
use crate::{
    developer_zone::{
        charts::grouped,
        frame::Trail,
        notice::{NoticeMessage, TokenNotice},
    },
    error::RequestError,
    paths::ERROR_CODES,
    session::{store, take_flash, wants_password},
    texts::activity::ActivityQuery,
    time_zone::ReaderZone,
    ui::{Icon, IconName, ServerTime, Shown as TimeShown},
};

/// What the page shows.
pub(super) struct Shown {
    usage: TokenUsage,
    period: Period,
    now: Timestamp,
    notice: Option<TokenNotice>,
    /// Whether the password was given too long ago to activate the token without it.
    wants_password: bool,
}

impl Shown {
    /// The page's title, without the token's name: leptos_meta does not escape titles, and names are text by users.
    pub(super) fn title(&self) -> String {
        format!("Token {}", self.usage.token.preview)
    }
}

/// Reads the data of the page.
///
/// # Errors
/// [`RequestError::NoSuchToken`], [`RequestError::PlanRequired`], and those of the database.
pub(super) async fn load(
    session: &Session,
    member: &Member,
    token: TokenId,
    period: Period,
) -> Result<Shown, RequestError> {
    let store = store();
    let now = store.clock().now();
    let start = period.start(now, &ReaderZone::current());
    Ok(Shown {
        usage: store.tokens().usage(member.into(), token, start).await?,
        period,
        now,
        notice: take_flash(),
        wants_password: wants_password(session),
    })
}

/// The page's content: the token, or the question before it is deleted.
#[component]
pub(super) fn Content(organisation: OrganisationId, token: Shown) -> impl IntoView {
    let Shown {
        usage,
        period,
        now,
        notice,
        wants_password,
    } = token;
    let token = usage.token.clone();
    let called = match &token.name {
        Some(name) => name.to_string(),
        None => token.preview.to_string(),
    };
    let flash = notice
        .clone()
        .map(|notice| view! { <NoticeMessage notice /> });
    if let Some(asked_from) = AskedFrom::of_page(notice.as_ref()) {
        return view! {
            <Trail here=called />
            {flash}
            <DeleteQuestion organisation token accepted=total(&usage).accepted asked_from />
        }
        .into_any();
    }
    let is_idle = usage.is_idle;
    let refusals = usage.refusals.clone();
    view! {
        <Trail here=called />
        <div class="token-page">
            <header class="token-head">
                <h1>
                    {token
                        .name
                        .as_ref()
                        .map(|name| view! { <bdi>{name.to_string()}</bdi> " " })}
                    <code translate="no" class="token-preview">
                        {token.preview.to_string()}
                    </code>
                </h1>
                <Status organisation token=token.clone() notice=notice.clone() wants_password />
            </header>
            {flash}
            {is_idle.then(|| view! { <Idle /> })}
            <Facts token=token.clone() />
            <CallsByHour usage period now />
            {(!refusals.is_empty()).then(|| view! { <Refusals refusals period /> })}
            <section class="card" aria-labelledby="name-title">
                <header class="card-header">
                    <h2 id="name-title">"Rename this token"</h2>
                </header>
                <RenameForm organisation token=token.clone() notice />
            </section>
            <DangerZone token=token.id />
        </div>
    }
    .into_any()
}

#[component]
fn Idle() -> impl IntoView {
    view! {
        <p class="callout">
            <Icon name=IconName::Warning />
            <span>
                {format!(
                    "No call with this token was accepted for {IDLE_DAYS} days or more. If nothing needs it any more, delete it. If you are not sure, deactivate it first.",
                )}
            </span>
        </p>
    }
}

#[component]
fn Facts(token: TokenSummary) -> impl IntoView {
    let activity = ActivityQuery {
        token: Some(token.id),
        ..ActivityQuery::default()
    };
    let last_used = match token.last_used {
        Some(at) => view! { <ServerTime at shown=TimeShown::DateAndTime /> }.into_any(),
        None => "Never".into_any(),
    };
    view! {
        <section class="card" aria-labelledby="facts-title">
            <header class="card-header">
                <h2 id="facts-title">"About this token"</h2>
                <a class="link" href=activity.page(Cursor::Newest)>
                    "Activity of this token"
                </a>
            </header>
            <dl class="facts card-text">
                <dt>"Created by"</dt>
                <dd>
                    {token.created_by}
                    {token.creator_left.then(|| view! { " " <span class="creator-left">"Creator left"</span> })}
                </dd>
                <dt>"Created at"</dt>
                <dd>
                    <ServerTime at=token.created_at shown=TimeShown::DateAndTime />
                </dd>
                <dt>"Last used"</dt>
                <dd>{last_used}</dd>
            </dl>
        </section>
    }
}

#[component]
fn Refusals(refusals: Vec<HourlyRefusals>, period: Period) -> impl IntoView {
    let caption = format!(
        "Why calls of the last {} were refused, the most frequent reason first",
        period.label()
    );
    let rows = refusals
        .into_iter()
        .enumerate()
        .map(|(n, refusal)| view! { <RefusalRow refusal=refusal.total pattern=pattern_of(n) /> });
    view! {
        <section class="card" aria-labelledby="refusals-title">
            <header class="card-header">
                <h2 id="refusals-title">{format!("Refused calls, last {}", period.label())}</h2>
                <a class="link" href=ERROR_CODES>
                    "All error codes"
                </a>
            </header>
            <table class="table refusal-table">
                <caption class="visually-hidden">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Reason"</th>
                        <th scope="col" class="number">
                            "Calls"
                        </th>
                        <th scope="col">"Last seen"</th>
                        <th scope="col">"What to do"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
    }
}

#[component]
fn RefusalRow(refusal: RefusalCount, pattern: usize) -> impl IntoView {
    // A newer version of the program may have counted a code that this one does not know.
    let known = refusal
        .code
        .parse::<Refusal>()
        .ok()
        .map(Refusal::explanation);
    let (cause, remedy) = known.map_or(
        (
            "A reason that this version of the page does not know.",
            "Look up the code in the list of all error codes.",
        ),
        |known| (known.cause, known.remedy),
    );
    view! {
        <tr>
            <th scope="row" data-label="Reason">
                <span class="source">
                    <span>{with_code(cause)}</span>
                    <span>
                        <Swatch pattern />
                        <code translate="no">{refusal.code}</code>
                    </span>
                </span>
            </th>
            <td class="number" data-label="Calls">
                {grouped(refusal.calls)}
            </td>
            <td data-label="Last seen">
                <ServerTime at=refusal.last_hour shown=TimeShown::DateAndTime />
            </td>
            <td data-label="What to do">
                <span>{with_code(remedy)}</span>
            </td>
        </tr>
    }
}

/// A text with code between backticks.
fn with_code(text: &'static str) -> impl IntoView {
    let parts = text.split('`').enumerate();
    parts
        .map(|(n, part)| match n % 2 {
            0 => part.into_any(),
            _ => view! { <code translate="no">{part}</code> }.into_any(),
        })
        .collect_view()
}
