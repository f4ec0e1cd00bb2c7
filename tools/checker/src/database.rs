//! Databases for the length of a run.

use std::{env, net::SocketAddr, path::Path, process, str::FromStr};

use anyhow::{Context, Result, bail};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use url::Url;

/// A PostgreSQL database of our own on the server at `TEST_POSTGRES_URL`.
pub(crate) struct PostgresDatabase {
    server: Url,
    name: String,
}

impl PostgresDatabase {
    pub(crate) async fn create(purpose: &str) -> Result<Self> {
        let server = env::var("TEST_POSTGRES_URL").context(
            "TEST_POSTGRES_URL names no PostgreSQL server: run this through `cargo xtask with-postgres --`",
        )?;
        let database = Self {
            server: Url::parse(&server).context("TEST_POSTGRES_URL is no address")?,
            name: format!("checker_{purpose}_{}", process::id()),
        };
        // One that a run with this process number was kept from removing.
        database.drop().await?;
        let create = format!("CREATE DATABASE {}", database.name);
        database.tell_server(create).await?;
        Ok(database)
    }

    pub(crate) async fn drop(&self) -> Result<()> {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        self.tell_server(drop).await
    }

    async fn tell_server(&self, statement: String) -> Result<()> {
        let options = PgConnectOptions::from_str(self.server.as_str())?;
        let mut connection = options.connect().await?;
        // The name is ours, and a statement about databases takes no parameters.
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// The server's own address, for a wire to it.
    pub(crate) async fn server_address(&self) -> Result<SocketAddr> {
        let host = self.server.host_str().context("the address has no host")?;
        let port = self.server.port().unwrap_or(5432);
        let mut found = tokio::net::lookup_host((host, port)).await?;
        found.next().context("the host has no address")
    }

    /// The database's address: directly, or over a wire that listens there.
    pub(crate) fn url(&self, over: Option<SocketAddr>) -> Result<String> {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        if let Some(wire) = over
            && (url.set_host(Some(&wire.ip().to_string())).is_err()
                || url.set_port(Some(wire.port())).is_err())
        {
            bail!("TEST_POSTGRES_URL is no address that names a host");
        }
        Ok(url.into())
    }
}

/// The address of a SQLite database in a folder.
pub(crate) fn sqlite_in(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("zone.db").display())
}
