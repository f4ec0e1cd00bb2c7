//! Fixtures and helpers for the tests.
//!
//! | module | purpose |
//! |---|---|
//! | [`database`] | a database for one test, on SQLite or PostgreSQL |
//! | [`server`] | the server in this process, without a socket, with the demo data |
//! | [`client`] | a caller of that server, and the responses it gets |
//! | [`browser`] | a browser with cookies, signed in to that server's dashboard |
//! | [`program`] | the real program, for one command |
//! | [`process`] | the real program, running `serve` |
//! | [`scrape`] | the metrics of that server |
//! | [`reverse_proxy`] | nginx or HAProxy, with the shipped configuration |
//! | [`deployment`] | two `serve` processes on one PostgreSQL, behind reverse proxies |
//! | [`dying_server`] | a server that dies in the middle of every request |
//! | [`holding_server`] | a server that never responds |
//! | [`cuttable_proxy`] | a TCP proxy that can hold back bytes or close its connections |
//! | [`pgbouncer`] | PgBouncer in front of a PostgreSQL |
//! | [`loopback`] | loopback addresses and ports that no other test uses |
//! | [`wait`] | waiting for an event |

pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod cuttable_proxy;
pub(crate) mod database;
pub(crate) mod deployment;
pub(crate) mod dying_server;
pub(crate) mod holding_server;
pub(crate) mod loopback;
pub(crate) mod pgbouncer;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod reverse_proxy;
pub(crate) mod scrape;
pub(crate) mod server;
pub(crate) mod wait;

use std::env;

/// The number in a variable that changes how long a test takes.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// The password of every account in the demo data.
pub(crate) const DEMO_PASSWORD: &str = "developer-zone-demo";

/// A member of organisation 903 in the demo data.
pub(crate) const MEMBER: &str = "member@example.com";

/// A well-formed key that belongs to no token. Only a read of the database shows that.
pub(crate) const UNKNOWN_KEY: &str = "0000000000000000000000000000000000009Pic14yBvz";

/// The cheapest call to the API, below [`client::BASE`].
pub(crate) const PING: &str = "/903/event/456/ping";

/// The whole path of [`PING`].
pub(crate) const PING_PATH: &str = "/api/v1/ext/903/event/456/ping";

/// The body of the response to a [`PING`] with a good key (contract, section 6).
pub(crate) const PONG: &str = r#"{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}"#;
