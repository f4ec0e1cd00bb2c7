//! The card of tokens: all code of the Developer Zone that runs in the browser.

mod card;
mod confirmation;
mod confirmation_dialog;
mod context;
mod create;
mod dialogs;
mod examples;
mod ids;
mod list;
mod menu;
mod name;
mod name_form;
mod password_prompt;
mod row;
mod row_data;
mod running;
mod shown_once;
mod token_test;
mod waiting;
mod watch;

pub(super) use self::row_data::{ListedToken, TokenRows};
#[cfg(feature = "ssr")]
pub(super) use self::{
    card::{CardContent, CardHeader, TokenCard},
    row_data::{use_in_words, written_last_use},
};
