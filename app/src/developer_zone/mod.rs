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
mod out_of_use;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod plain_creation;
mod requests;
mod rows;
mod token_card;
mod token_examples;
mod token_list;
mod token_name;
#[cfg(feature = "ssr")]
mod token_page;
mod token_row;
#[cfg(feature = "ssr")]
mod upgrade;
mod watch;

#[cfg(feature = "ssr")]
pub(crate) use self::{
    activity::ActivityPage, page::DeveloperZonePage, plain_creation::NewTokenPage,
    token_page::TokenPage, upgrade::UpgradeDialog,
};
#[cfg(feature = "ssr")]
pub use self::{
    plain_creation::{NewTokenForm, PlainAnswer, create_from_form},
    token_card::NEW_TOKEN,
    token_page::TokenNotice,
};

pub(crate) use self::token_card::CREATE_BUTTON;

/// Id of the dialog that explains the lock, for the button that opens it.
pub(crate) const UPGRADE_DIALOG: &str = "upgrade-dialog";
