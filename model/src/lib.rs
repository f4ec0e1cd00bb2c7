//! Types and rules of the Developer Zone.
//!
//! The code is pure: no I/O, no clock, no randomness. The server and the browser compile the same code, so each rule
//! exists once and holds on both sides.

/// An array with every variant of `Self`, except those after `except`. A list that names neither here nor there one of
/// the variants does not compile.
///
/// A variant with a value is listed with an example of the value.
#[macro_export]
macro_rules! all_variants {
    ($($variant:ident $(($example:expr))?),+ $(,)? $(; except $($excepted:ident),+)?) => {{
        // The match has no catch-all, so it must name every variant.
        let _ = |value: &Self| match value {
            $(Self::$variant { .. } => {})+
            $($(Self::$excepted { .. } => {})+)?
        };
        [$(Self::$variant $(($example))?),+]
    }};
}

pub mod audit;
pub mod client;
pub mod event;
mod natural_order;
pub mod organisation;
pub mod page;
pub mod permission;
pub mod photo;
pub mod security;
pub mod servers;
pub mod session;
pub mod timestamp;
pub mod token;
pub mod usage;
pub mod user;

pub use self::natural_order::natural_order;
