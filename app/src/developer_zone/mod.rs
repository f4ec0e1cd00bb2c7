//! The Developer Zone: where an organisation on the Enterprise plan manages its API tokens.

#[cfg(feature = "ssr")]
mod activity;
#[cfg(feature = "ssr")]
mod charts;
mod confirmation;
mod connection_test;
mod create;
mod delete;
mod new_token;
#[cfg(feature = "ssr")]
mod page;
mod requests;
mod rows;
mod token_card;
mod token_examples;
mod token_list;
mod token_name;
mod token_row;
#[cfg(feature = "ssr")]
mod upgrade;
mod watch;

#[cfg(feature = "ssr")]
pub(crate) use self::{activity::ActivityPage, page::DeveloperZonePage, upgrade::UpgradeDialog};

pub(crate) use self::token_card::CREATE_BUTTON;

/// Id of the dialog that explains the lock, for the button that opens it.
pub(crate) const UPGRADE_DIALOG: &str = "upgrade-dialog";
