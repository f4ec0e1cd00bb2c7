//! The dashboard: pages, components and server functions.
//!
//! The crate is compiled twice: with `ssr` into the server, and with `hydrate` into the browser's WASM. The server
//! renders every page, and each link loads a new one. Only islands (`#[island]`) run in the browser: what must respond
//! without loading a page. So most of this crate is for the server only, and is not in the WASM.

// A page is one deeply nested type; the compiler counts its depth.
#![recursion_limit = "512"]
#![allow(
    unreachable_pub,
    reason = "Leptos' component macro writes public items whatever the function's own visibility"
)]

#[cfg(feature = "ssr")]
mod account;
mod call;
mod dashboard;
mod developer_zone;
#[cfg(feature = "ssr")]
mod document;
mod error;
#[cfg(feature = "ssr")]
mod error_page;
#[cfg(feature = "ssr")]
mod home;
mod ids;
mod json;
mod page_account;
#[cfg(feature = "ssr")]
pub mod page_context;
#[cfg(feature = "ssr")]
mod pages;
pub mod paths;
#[cfg(feature = "ssr")]
mod reset_password;
pub mod session;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod sign_in;
pub mod texts;
#[cfg(feature = "ssr")]
pub mod time_zone;
mod ui;

pub use self::error::RequestError;
#[cfg(feature = "ssr")]
pub use self::{
    developer_zone::{LinksOutliveTokens, NewTokenForm, NoScriptResponse, create_from_form},
    document::Assets,
    error_page::{Back, error_page},
    pages::App,
    shell::shell,
};
