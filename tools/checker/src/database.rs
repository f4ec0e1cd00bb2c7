//! Databases that exist only during a run.

use std::{env, net::SocketAddr, path::Path, process, str::FromStr};

use anyhow::{Context, Result, bail};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions};
use url::Url;

use crate::run::Databases;

/// A new PostgreSQL database on the server at `TEST_POSTGRES_URL`.
pub(crate) struct PostgresDatabase {
    server: Url,
    name: String,
}

impl PostgresDatabase {
    pub(crate) async fn create(purpose: &str) -> Result<Self> {
        let server = env::var("TEST_POSTGRES_URL").context(
            "TEST_POSTGRES_URL is not set: run this through `cargo xtask with-postgres --`",
        )?;
        let database = Self {
            server: Url::parse(&server).context("TEST_POSTGRES_URL is not a URL")?,
            name: format!("checker_{purpose}_{}", process::id()),
        };
        // An earlier run with the same process ID may not have deleted its database.
        database.drop().await?;
        let create = format!("CREATE DATABASE {}", database.name);
        database.execute_on_server(create).await?;
        Ok(database)
    }

    pub(crate) async fn drop(&self) -> Result<()> {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        self.execute_on_server(drop).await
    }

    async fn execute_on_server(&self, statement: String) -> Result<()> {
        let options = PgConnectOptions::from_str(self.server.as_str())?;
        let mut connection = options.connect().await?;
        // Safe, because the name is generated here. Statements about databases cannot have parameters.
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// The database's URL, either directly or through a proxy at `proxy`.
    pub(crate) fn url(&self, proxy: Option<SocketAddr>) -> Result<String> {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        if let Some(proxy) = proxy
            && (url.set_host(Some(&proxy.ip().to_string())).is_err()
                || url.set_port(Some(proxy.port())).is_err())
        {
            bail!("TEST_POSTGRES_URL cannot have a host");
        }
        Ok(url.into())
    }
}

impl Databases for PostgresDatabase {
    async fn hosts(&self) -> Result<Vec<SocketAddr>> {
        let host = self
            .server
            .host_str()
            .context("TEST_POSTGRES_URL has no host")?;
        let port = self.server.port().unwrap_or(5432);
        let mut found = tokio::net::lookup_host((host, port)).await?;
        Ok(vec![found.next().context("the host has no address")?])
    }

    fn url(&self, proxies: &[SocketAddr]) -> Result<String> {
        self.url(proxies.first().copied())
    }
}

/// The URL of an SQLite database in a folder.
pub(crate) fn sqlite_in(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("zone.db").display())
}

/// The size of the database at this URL, in bytes.
pub(crate) async fn size_of(url: &str) -> Result<i64> {
    if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url)?.read_only(true);
        let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let mut connection = options.connect().await?;
        return Ok(sqlx::query_scalar(pages).fetch_one(&mut connection).await?);
    }
    let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
    let size = "SELECT pg_database_size(current_database())";
    Ok(sqlx::query_scalar(size).fetch_one(&mut connection).await?)
}
