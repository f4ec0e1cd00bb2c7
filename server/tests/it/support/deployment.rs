//! Two `serve` processes on one PostgreSQL database, behind reverse proxies.

use std::path::Path;

use tempfile::TempDir;

use super::{
    database::TestDatabase,
    loopback::own_address,
    process::ServerProcess,
    program::{create_token, done, program},
    reverse_proxy::{Kind, ReverseProxy},
};

/// Two servers, the proxies in front of them, and a token.
pub(crate) struct Deployment {
    pub(crate) proxies: Vec<ReverseProxy>,
    pub(crate) servers: Vec<ServerProcess>,
    pub(crate) token: String,
    /// The folder with the originals. A test may add other files to it.
    pub(crate) folder: TempDir,
    _database: TestDatabase,
}

impl Deployment {
    pub(crate) async fn start(kinds: &[Kind], options: &[&str]) -> Self {
        let database = TestDatabase::postgres().await;
        let folder = tempfile::tempdir().expect("a folder");
        let url = database.url();
        done(&url, &["demo"]);
        let servers: Vec<_> = (0..2)
            .map(|_| start_behind_proxy(&url, folder.path(), options))
            .collect();
        let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        let start = |kind: &Kind| ReverseProxy::start(*kind, &addresses);
        Self {
            proxies: kinds.iter().map(start).collect(),
            token: create_token(&url),
            servers,
            folder,
            _database: database,
        }
    }

    /// The header with the token, as curl takes it.
    pub(crate) fn key(&self) -> String {
        format!("X-API-Key: {}", self.token)
    }
}

/// Starts a server that trusts a proxy on this machine. It listens on an address of its own, so that no other test's
/// server can take the address after it stops.
pub(crate) fn start_behind_proxy(url: &str, originals: &Path, options: &[&str]) -> ServerProcess {
    let listen = format!("--listen={}:0", own_address());
    let serve = [
        "serve",
        &listen,
        "--api-hosts=api.example.com",
        "--public-url=https://dev.example.com",
        "--trusted-proxies=127.0.0.1",
    ];
    let mut command = program(url, &[&serve[..], options].concat());
    command.env("DEVELOPER_ZONE_ORIGINALS_FOLDER", originals);
    ServerProcess::start_with(command)
}
