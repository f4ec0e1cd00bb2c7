//! The HTTP code that all parts of the server share: hosts, the caller's address, request ids, headers, compression,
//! conditional requests, connections, error pages.

pub mod client_address;
pub(crate) mod compression;
pub(crate) mod conditional;
pub(crate) mod connections;
pub(crate) mod error_page;
pub(crate) mod headers;
pub mod host;
pub(crate) mod hosts;
pub mod public_url;
pub(crate) mod request_id;
pub(crate) mod served;
mod service;
pub(crate) mod target;

pub use self::service::HttpService;
