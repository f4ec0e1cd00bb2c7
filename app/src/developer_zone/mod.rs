//! The Developer Zone: where an organisation on the Enterprise plan manages its API tokens.
//!
//! `tokens` is the card of tokens, an island that runs in the browser. Everything else is rendered by the server only.

#[cfg(feature = "ssr")]
mod activity;
#[cfg(feature = "ssr")]
mod charts;
mod creation;
#[cfg(feature = "ssr")]
mod deactivate_all;
#[cfg(feature = "ssr")]
mod fields;
#[cfg(feature = "ssr")]
mod frame;
#[cfg(feature = "ssr")]
mod no_script;
#[cfg(feature = "ssr")]
mod notice;
#[cfg(feature = "ssr")]
mod out_of_use;
#[cfg(feature = "ssr")]
mod page;
mod receipt;
mod server_functions;
mod token_form;
#[cfg(feature = "ssr")]
mod token_page;
mod tokens;

#[cfg(feature = "ssr")]
pub(crate) use self::{
    activity::{ActivityPage, EntrySentence, ExistingTokens},
    charts::grouped,
    deactivate_all::DeactivateAllPage,
    no_script::NewTokenPage,
    page::DeveloperZonePage,
    token_page::TokenPage,
};
#[cfg(feature = "ssr")]
pub use self::{
    no_script::{NewTokenForm, NoScriptResponse, create_from_form},
    out_of_use::LinksOutliveTokens,
};
