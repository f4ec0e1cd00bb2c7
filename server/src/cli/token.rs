//! `developer-zone token`.

use std::time::Duration;

use app::texts::links;
use clap::{Args, Subcommand, builder::BoolishValueParser};
use model::{
    organisation::OrganisationId,
    timestamp::Timestamp,
    token::{Receipt, TokenId, TokenName, TokenStatus, TokenSummary},
    user::Email,
};
use serde::Serialize;
use store::{Store, TokenPermission, error::MemberError};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::{
    arguments::{self, NewName},
    output::{self, Row},
};
use crate::error::Error;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create a token in a member's name, and print the token alone on standard output
    #[command(after_help = "Example:
  TOKEN=$(developer-zone token create --organisation 903 --created-by ada@example.com \\
    --name 'Website gallery')

Create a separate token for each integration, and name it after what uses it. The token cannot be shown again: only
its digest is stored.")]
    Create {
        /// The organisation's number
        #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
        organisation: OrganisationId,
        /// Email address of the member in whose name the token is created
        #[arg(long, env = "DEVELOPER_ZONE_CREATED_BY", value_name = "EMAIL", value_parser = arguments::email)]
        created_by: Email,
        /// A name after what uses the token; at most 60 characters
        #[arg(long, env = "DEVELOPER_ZONE_NAME", value_parser = arguments::token_name)]
        name: Option<TokenName>,
    },
    /// List the tokens of an organisation, newest first
    List {
        /// The organisation's number
        #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
        organisation: OrganisationId,
        /// Print a JSON array of objects with id, name, token, status, created_by, creator_left, created_at and last_used
        #[arg(long, env = "DEVELOPER_ZONE_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Activate an inactive token
    Activate(Which),
    /// Deactivate a token, or all tokens of an organisation. When the command ends, every server refuses them
    #[command(after_help = "Examples:
  developer-zone token deactivate --organisation 903 57
  developer-zone token deactivate --organisation 903 --all")]
    Deactivate {
        /// The organisation's number
        #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
        organisation: OrganisationId,
        #[command(flatten)]
        which: OneOrAll,
    },
    /// Rename a token
    #[command(after_help = "Example:
  developer-zone token rename --organisation 903 57 'Website gallery'

Names need not be unique. An empty name ('') removes the name.")]
    Rename {
        #[command(flatten)]
        which: Which,
        /// The new name, after what uses the token; at most 60 characters
        #[arg(value_parser = arguments::token_name_or_none)]
        new_name: NewName,
    },
    /// Permanently delete a token. When the command ends, every server refuses it
    Delete(Which),
}

/// A token of an organisation.
#[derive(Args)]
pub(super) struct Which {
    /// The organisation's number
    #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
    organisation: OrganisationId,
    /// The token's number, as `token list` shows it
    #[arg(value_parser = arguments::token_id)]
    id: TokenId,
}

/// A token, or all of them.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct OneOrAll {
    /// The token's number, as `token list` shows it
    #[arg(value_parser = arguments::token_id)]
    id: Option<TokenId>,
    /// Every token of the organisation
    #[arg(long, env = "DEVELOPER_ZONE_ALL", value_parser = BoolishValueParser::new())]
    all: bool,
}

impl Which {
    fn permission(&self) -> TokenPermission<'static> {
        TokenPermission::Operator(self.organisation)
    }
}

impl Command {
    /// Whether the command only revokes, or shows what to revoke.
    pub(super) const fn revokes(&self) -> bool {
        match self {
            Self::List { .. } | Self::Deactivate { .. } | Self::Delete(_) => true,
            Self::Create { .. } | Self::Activate(_) | Self::Rename { .. } => false,
        }
    }

    /// Runs the command and prints the result. Links to originals outlive their tokens by `links`.
    ///
    /// # Errors
    /// [`Error::CreatorNotAMember`], [`Error::TokenNotShown`], those of the store, and
    /// [`Error::Output`].
    pub(super) async fn perform(self, store: &Store, links: Option<Duration>) -> Result<(), Error> {
        let tokens = store.tokens();
        match self {
            Self::Create {
                organisation,
                created_by,
                name,
            } => create(store, organisation, created_by, name).await,
            Self::List { organisation, json } => {
                let found = tokens.list(TokenPermission::Operator(organisation)).await?;
                let rows: Vec<_> = found.into_iter().map(TokenRow::from).collect();
                output::list(&rows, json)
            }
            Self::Activate(which) => {
                let Receipt {
                    token,
                    acknowledged,
                    ..
                } = tokens
                    .set_active(which.permission(), which.id, true)
                    .await?;
                let done = format!("Token {} ({}) is active.", token.preview, token.id);
                output::receipt(done, acknowledged)
            }
            Self::Deactivate {
                organisation,
                which: OneOrAll { id, all },
            } => {
                let permission = TokenPermission::Operator(organisation);
                let (inactive, since, acknowledged) = match id {
                    Some(id) => {
                        let receipt = tokens.set_active(permission, id, false).await?;
                        let Receipt {
                            token,
                            in_force_since,
                            acknowledged,
                            ..
                        } = receipt;
                        (vec![token], in_force_since, acknowledged)
                    }
                    None if all => {
                        let done = tokens.deactivate_all(permission).await?;
                        (done.deactivated, done.in_force_since, done.acknowledged)
                    }
                    // A variable that says no.
                    None => return Err(Error::NoTokenNamed),
                };
                let links = about_links(since, links);
                output::receipt(
                    inactive_tokens(organisation, &inactive, &links),
                    acknowledged,
                )
            }
            Self::Rename { which, new_name } => {
                let NewName(name) = new_name;
                let token = tokens.rename(which.permission(), which.id, name).await?;
                output::line(match &token.name {
                    Some(name) => {
                        format!("Token {} ({}) is named “{name}”.", token.preview, token.id)
                    }
                    None => format!("Token {} ({}) has no name.", token.preview, token.id),
                })
            }
            Self::Delete(which) => {
                let Receipt {
                    token,
                    in_force_since,
                    acknowledged,
                    ..
                } = tokens.delete(which.permission(), which.id).await?;
                let done = format!(
                    "Token {} ({}) is deleted.{}",
                    token.preview,
                    token.id,
                    about_links(in_force_since, links)
                );
                output::receipt(done, acknowledged)
            }
        }
    }
}

/// Until when links to originals of a token may work that no server accepts `since` then.
///
/// Unlike the dashboard, a command does not know whether the token had a call in the last seconds.
fn about_links(since: Timestamp, links: Option<Duration>) -> String {
    let lifetime = links.and_then(|links| i64::try_from(links.as_millis()).ok());
    let until = lifetime.map(|lifetime| rfc_3339(since.plus_millis(lifetime).epoch_millis()));
    links::about_links(until.as_deref())
}

/// A line for each token.
fn inactive_tokens(
    organisation: OrganisationId,
    tokens: &[TokenSummary],
    about_links: &str,
) -> String {
    if tokens.is_empty() {
        return format!("Organisation {organisation} had no active token.");
    }
    let lines = tokens.iter().map(|token| {
        format!(
            "Token {} ({}) is inactive.{about_links}",
            token.preview, token.id
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Creates a token and prints it. If printing fails, deletes the token, because its secret is lost.
async fn create(
    store: &Store,
    organisation: OrganisationId,
    created_by: Email,
    name: Option<TokenName>,
) -> Result<(), Error> {
    let member = match store
        .members()
        .find_by_email(&created_by, organisation)
        .await
    {
        Err(MemberError::NotAMember(_)) => {
            return Err(Error::CreatorNotAMember {
                email: created_by,
                organisation,
            });
        }
        found => found?,
    };
    let created = store.tokens().create(&member, name).await?;
    if let Err(cause) = output::write_line(&created.secret.reveal()) {
        let permission = TokenPermission::Operator(organisation);
        store
            .tokens()
            .delete(permission, created.summary.id)
            .await?;
        return Err(Error::TokenNotShown(cause));
    }
    Ok(())
}

#[derive(Serialize)]
struct TokenRow {
    id: TokenId,
    name: Option<TokenName>,
    token: String,
    status: TokenStatus,
    created_by: String,
    creator_left: bool,
    created_at: String,
    last_used: Option<String>,
}

impl From<TokenSummary> for TokenRow {
    fn from(token: TokenSummary) -> Self {
        Self {
            id: token.id,
            name: token.name,
            token: token.preview.to_string(),
            status: token.status,
            created_by: token.created_by,
            creator_left: token.creator_left,
            created_at: rfc_3339(token.created_at.epoch_millis()),
            last_used: token.last_used.map(|at| rfc_3339(at.epoch_millis())),
        }
    }
}

impl Row<7> for TokenRow {
    const HEADINGS: [&'static str; 7] = [
        "ID",
        "NAME",
        "TOKEN",
        "STATUS",
        "CREATED BY",
        "CREATED AT",
        "LAST USED",
    ];

    fn cells(&self) -> [String; 7] {
        [
            self.id.to_string(),
            self.name.as_ref().map_or("-", TokenName::as_str).to_owned(),
            self.token.clone(),
            self.status.label().to_owned(),
            match self.creator_left {
                true => format!("{} (creator left)", self.created_by),
                false => self.created_by.clone(),
            },
            self.created_at.clone(),
            self.last_used.clone().unwrap_or_else(|| "never".to_owned()),
        ]
    }
}

/// The time in UTC (RFC 3339), to the second.
fn rfc_3339(epoch_millis: i64) -> String {
    const UTC: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(epoch_millis.div_euclid(1_000))
        .ok()
        .and_then(|instant| instant.format(UTC).ok())
        .unwrap_or_else(|| epoch_millis.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_printed_in_utc() {
        assert_eq!(rfc_3339(1_768_802_400_999), "2026-01-19T06:00:00Z");
    }
}
