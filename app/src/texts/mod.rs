//! Texts that more than one output needs: a page and a CSV file, or a page and the documentation.

#[cfg(feature = "ssr")]
pub mod activity;
pub mod examples;
pub mod token_test;
