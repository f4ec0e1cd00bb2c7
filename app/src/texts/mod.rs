//! Texts that more than one output needs: a page and a CSV file, a page and the documentation, two pages.

#[cfg(feature = "ssr")]
pub mod activity;
pub(crate) mod creation;
pub(crate) mod deactivation;
pub mod examples;
#[cfg(feature = "ssr")]
pub mod links;
#[cfg(feature = "ssr")]
pub mod servers;
pub mod syntax;
pub mod token_test;
