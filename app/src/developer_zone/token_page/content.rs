//! The content of a token's page.

use leptos::prelude::*;
use model::{
    audit::Cursor,
    organisation::OrganisationId,
    permission::Refusal,
    token::{TokenId, TokenStatus, TokenSummary},
    usage::{IDLE_DAYS, RefusalCount, TokenUsage},
};
use store::{Member, sessions::Session};

use super::{
    forms::{ActivationForm, DeleteForm, RenameForm},
    hours::CallsByHour,
};
use crate::{
    developer_zone::{
        charts::grouped,
        notice::{NoticeMessage, TokenNotice},
    },
    error::RequestError,
    paths::{ERROR_CODES, TOKENS},
    session::{store, take_flash, wants_password},
    texts::activity::ActivityQuery,
    ui::{Icon, IconName, ServerTime, Shown as TimeShown},
};

/// What the page shows.
pub(super) struct Shown {
    usage: TokenUsage,
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
) -> Result<Shown, RequestError> {
    Ok(Shown {
        usage: store().tokens().usage(member.into(), token).await?,
        notice: take_flash(),
        wants_password: wants_password(session),
    })
}

/// The page's content.
#[component]
pub(super) fn Content(organisation: OrganisationId, token: Shown) -> impl IntoView {
    let Shown {
        usage,
        notice,
        wants_password,
    } = token;
    let token = usage.token.clone();
    let heading = match &token.name {
        Some(name) => view! { <bdi>{name.to_string()}</bdi> }.into_any(),
        None => {
            view! { <code translate="no" class="token-preview">{token.preview.to_string()}</code> }
                .into_any()
        }
    };
    let is_idle = usage.is_idle;
    let refusals = usage.refusals.clone();
    view! {
        <div class="token-page">
            <p>
                <a class="link" href=TOKENS>
                    "All API tokens"
                </a>
            </p>
            <h2 class="token-heading">{heading}</h2>
            {notice.clone().map(|notice| view! { <NoticeMessage notice /> })}
            {is_idle.then(|| view! { <Idle /> })}
            <Facts token=token.clone() />
            <section class="card" aria-labelledby="hours-title">
                <header class="card-header">
                    <h3 id="hours-title">"Calls by hour"</h3>
                </header>
                <CallsByHour usage />
            </section>
            {(!refusals.is_empty()).then(|| view! { <Refusals refusals /> })}
            <section class="card" aria-labelledby="change-title">
                <header class="card-header">
                    <h3 id="change-title">"Change this token"</h3>
                </header>
                <div class="token-forms">
                    <RenameForm organisation token=token.clone() notice=notice.clone() />
                    <ActivationForm
                        organisation
                        token=token.clone()
                        notice=notice.clone()
                        wants_password
                    />
                    <DeleteForm organisation token notice />
                </div>
            </section>
        </div>
    }
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
    let badge = match token.status {
        TokenStatus::Active => "badge status-active",
        TokenStatus::Inactive => "badge status-inactive",
    };
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
                <h3 id="facts-title">"About this token"</h3>
                <a class="button" href=activity.page(Cursor::Newest)>
                    "Activity of this token"
                </a>
            </header>
            <dl class="facts card-text">
                <dt>"Token"</dt>
                <dd>
                    <code translate="no" class="token-preview">{token.preview.to_string()}</code>
                </dd>
                <dt>"Status"</dt>
                <dd>
                    <span class=badge>{token.status.label()}</span>
                </dd>
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
fn Refusals(refusals: Vec<RefusalCount>) -> impl IntoView {
    let rows = refusals
        .into_iter()
        .map(|refusal| view! { <RefusalRow refusal /> });
    view! {
        <section class="card" aria-labelledby="refusals-title">
            <header class="card-header">
                <h3 id="refusals-title">"Refused calls"</h3>
                <a class="link" href=ERROR_CODES>
                    "All error codes"
                </a>
            </header>
            <table class="table refusal-table">
                <caption class="visually-hidden">
                    "Why calls of the last 7 days were refused, the most frequent reason first"
                </caption>
                <thead>
                    <tr>
                        <th scope="col">"Reason"</th>
                        <th scope="col">"Calls"</th>
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
fn RefusalRow(refusal: RefusalCount) -> impl IntoView {
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
            <td data-label="Reason">
                <span class="source">
                    {with_code(cause)}
                    <code translate="no">{refusal.code}</code>
                </span>
            </td>
            <td data-label="Calls">{grouped(refusal.calls)}</td>
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
