//! `developer-zone serve`.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use clap::{Args, builder::BoolishValueParser};
use store::{Store, clock::SystemMonotonicClock, key_cache::Lease, task};
use tokio::net::TcpListener;

use super::{
    database::{DatabaseOptions, open},
    demo,
    listen::{Listen, listen_address, reachable},
    output,
    storage::Storage,
};
use crate::{
    api::throttle::{Rate, RateLimit, RateLimits},
    assets,
    config::{Config, ContactUrl},
    error::Error,
    http::{
        client_address::ProxyNetwork, connections::Bounds, host::HostName, public_url::PublicUrl,
    },
    metrics,
    originals::Originals,
    serve,
    service::{Instruments, service},
    telemetry,
};

#[derive(Args)]
#[command(after_help = "Examples:
  developer-zone serve --demo
  developer-zone serve --listen 0.0.0.0:8080 --database-url postgres://zone@db/zone \\
      --api-hosts api.example.com --public-url https://dev.example.com
  developer-zone serve --listen 10.0.0.5:3000 --trusted-proxies 10.0.0.2,10.0.0.3
  developer-zone serve --rate-limit 200 --rate-burst 1000 --originals-folder /srv/originals
  developer-zone serve --s3-endpoint https://s3.eu-central-1.amazonaws.com \\
      --s3-region eu-central-1 --s3-bucket race-originals --s3-access-key-id AKIA... \\
      --s3-secret-access-key-file /run/secrets/s3

Several servers may share one PostgreSQL database; a SQLite file allows only one server.
The first line on standard output is `listening on http://ADDRESS:PORT`.
After SIGTERM or Ctrl-C, running requests have --shutdown-grace to finish; a second signal exits immediately.")]
pub(super) struct Serve {
    #[command(flatten)]
    listen: Listen,
    /// The host names under which the external API is called, separated by commas
    #[arg(
        long,
        env = "DEVELOPER_ZONE_API_HOSTS",
        value_name = "HOSTS",
        value_delimiter = ',',
        default_value = "api.9pic.ai"
    )]
    api_hosts: Vec<HostName>,
    /// The host names under which the dashboard is served, separated by commas [default: the host of --public-url;
    /// without that the names of this machine, such as localhost, and with --demo every name]
    #[arg(
        long,
        env = "DEVELOPER_ZONE_DASHBOARD_HOSTS",
        value_name = "HOSTS",
        value_delimiter = ','
    )]
    dashboard_hosts: Option<Vec<HostName>>,
    /// The contact link for organisations without the Enterprise plan
    #[arg(
        long,
        env = "DEVELOPER_ZONE_CONTACT_URL",
        value_name = "URL",
        default_value = "https://9pic.ai/contact"
    )]
    contact_url: ContactUrl,
    /// The address of the dashboard in browsers; with https, cookies are sent over HTTPS only. Required with --listen on
    /// an address that other machines reach, except with --demo
    #[arg(long, env = "DEVELOPER_ZONE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// The address under which integrations call the API [default: https:// and the first API host]
    #[arg(long, env = "DEVELOPER_ZONE_API_URL", value_name = "URL")]
    api_url: Option<PublicUrl>,
    /// Addresses and networks (CIDR) of trusted proxies, separated by commas; X-Forwarded-For is read only from them
    #[arg(
        long,
        env = "DEVELOPER_ZONE_TRUSTED_PROXIES",
        value_name = "CIDRS",
        value_delimiter = ','
    )]
    trusted_proxies: Vec<ProxyNetwork>,
    /// Requests a second that each token may send to each server; 0 turns all limits off
    #[arg(
        long,
        env = "DEVELOPER_ZONE_RATE_LIMIT",
        value_name = "NUMBER",
        default_value = "50"
    )]
    rate_limit: Rate,
    /// Requests that a token may send at once after an idle time
    #[arg(
        long,
        env = "DEVELOPER_ZONE_RATE_BURST",
        value_name = "NUMBER",
        value_parser = rate_burst,
        default_value = "100"
    )]
    rate_burst: NonZeroU32,
    /// For how many milliseconds a server may answer while the database does not confirm its lease; a change waits at
    /// most a tenth longer for a server that is silent. 0 reads the database for every request
    #[arg(
        long,
        env = "DEVELOPER_ZONE_LEASE_MS",
        value_name = "NUMBER",
        default_value_t
    )]
    lease_ms: Lease,
    /// Start, and be ready, only while PostgreSQL confirms no change before a synchronous standby has it
    #[arg(long, env = "DEVELOPER_ZONE_REQUIRE_SYNCHRONOUS_STANDBY", value_parser = BoolishValueParser::new())]
    require_synchronous_standby: bool,
    /// The address on which to serve `/metrics` for Prometheus; it must not be public [default: none]
    #[arg(
        long,
        env = "DEVELOPER_ZONE_METRICS_LISTEN",
        value_name = "ADDRESS:PORT",
        value_parser = listen_address
    )]
    metrics_listen: Option<SocketAddr>,
    /// For how long after entering the password a user can create and activate tokens without it, for example 15m or
    /// 1h; 0 always asks
    #[arg(
        long,
        env = "DEVELOPER_ZONE_CONFIRM_PASSWORD_AFTER",
        value_name = "TIME",
        value_parser = time,
        default_value = "15m"
    )]
    confirm_password_after: Duration,
    #[command(flatten)]
    storage: Storage,
    /// Load the demo data, and serve API and dashboard also under the names of the listen address
    #[arg(long, env = "DEVELOPER_ZONE_DEMO", value_parser = BoolishValueParser::new())]
    demo: bool,
    /// For how long to accept requests after SIGTERM or Ctrl-C, while /readyz responds with 503: the time that a load
    /// balancer needs to notice
    #[arg(
        long,
        env = "DEVELOPER_ZONE_SHUTDOWN_DELAY",
        value_name = "TIME",
        value_parser = at_most_an_hour,
        default_value = "0s"
    )]
    shutdown_delay: Duration,
    /// How long running requests may then take to finish
    #[arg(
        long,
        env = "DEVELOPER_ZONE_SHUTDOWN_GRACE",
        value_name = "TIME",
        value_parser = at_most_an_hour,
        default_value = "10s"
    )]
    shutdown_grace: Duration,
    /// Print the value of every option and its source, and do nothing else
    #[arg(long, env = "DEVELOPER_ZONE_CHECK_CONFIG", value_parser = BoolishValueParser::new())]
    check_config: bool,
}

fn rate_burst(text: &str) -> Result<NonZeroU32, &'static str> {
    let burst = text.parse().ok();
    burst
        .filter(|burst: &NonZeroU32| burst.get() <= RateLimit::MAX_BURST)
        .ok_or("use a whole number from 1 to 1000000")
}

fn time(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text)
        .map_err(|_| "use a time with its unit, for example 10s, 15m or 1h 30m, or 0")
}

fn at_most_an_hour(text: &str) -> Result<Duration, &'static str> {
    const HOUR: Duration = Duration::from_hours(1);
    let time = time(text)?;
    if time > HOUR {
        return Err("use a time of at most 1h, for example 10s");
    }
    Ok(time)
}

impl Serve {
    /// Whether the options are only printed.
    pub(super) const fn only_checks(&self) -> bool {
        self.check_config
    }

    /// Checks what no single option shows.
    ///
    /// Without the address in browsers the server could neither mark its cookies `Secure` nor refuse foreign host names.
    ///
    /// # Errors
    /// [`Error::NoPublicUrl`], or that the database's address is wrong.
    pub(super) fn check(&self, database: &DatabaseOptions) -> Result<(), Error> {
        let is_local = self.listen.listen.ip().to_canonical().is_loopback();
        if self.public_url.is_none() && !is_local && !self.demo {
            return Err(Error::NoPublicUrl(self.listen.listen));
        }
        let url = &database.database_url;
        url.check().map_err(Error::OpenDatabase)
    }

    /// Runs the server until a signal stops it. A signal also ends the start: the database may not answer.
    ///
    /// # Errors
    /// The reason why the server cannot start.
    pub(super) async fn perform(self, database: &DatabaseOptions) -> Result<(), Error> {
        self.check(database)?;
        assets::of_pages()?;
        let mut stop = Box::pin(serve::stop_signal()?);
        tokio::select! {
            started = self.start(database) => {
                started?.run(stop).await;
            }
            () = &mut stop => tracing::info!("stopped before the server had started"),
        }
        Ok(())
    }

    async fn start(self, database: &DatabaseOptions) -> Result<Started, Error> {
        let (listener, address) = serve::listen("--listen", self.listen.listen).await?;
        let metrics_listener = match self.metrics_listen {
            Some(address) => Some(serve::listen("--metrics-listen", address).await?),
            None => None,
        };
        let store = open(database).await?;
        // Without the option, a failure prevents nothing: the next look logs it.
        let looked = store.watch_standbys().await;
        if self.require_synchronous_standby {
            looked?;
            let standbys = store.standbys().unwrap_or_default();
            if !standbys.are_synchronous {
                return Err(Error::NoSynchronousStandby);
            }
        }
        let (delay, grace) = (self.shutdown_delay, self.shutdown_grace);
        match self.prepare(&store, address).await {
            Ok((config, originals)) => Ok(Started {
                listener,
                metrics_listener,
                store,
                config,
                originals,
                delay,
                grace,
            }),
            Err(error) => {
                // Otherwise the next change would wait for this server.
                store.close().await;
                Err(error)
            }
        }
    }

    async fn prepare(
        self,
        store: &Store,
        address: SocketAddr,
    ) -> Result<(Config, Originals), Error> {
        let clock = Arc::new(SystemMonotonicClock);
        store.become_server(self.lease_ms, clock).await?;
        serve::watch_space(store).await;
        let demo = self.demo;
        if demo {
            store.load_demo().await?;
        }
        let (config, storage) = self.config(address);
        let originals = storage.open(store, &config.api_url, demo).await?;
        if demo {
            add_demo_pictures(&originals)?;
        }
        warn_of_demo_sign_ins(store, address.ip()).await?;
        output::line(format!("listening on http://{address}"))?;
        if demo {
            output::line(invitation(address))?;
        }
        Ok((config, originals))
    }

    fn config(self, listening: SocketAddr) -> (Config, Storage) {
        let api_url = self.api_url(listening);
        let own_names = own_names(self.listen.listen.ip());
        let public_host = self.public_url.as_ref().and_then(PublicUrl::host);
        let mut dashboard_hosts = self.dashboard_hosts.or(public_host.map(|host| vec![host]));
        let mut api_hosts = self.api_hosts;
        if self.demo {
            api_hosts.extend(own_names.clone());
            if let Some(hosts) = &mut dashboard_hosts {
                hosts.extend(own_names);
            }
        } else if dashboard_hosts.is_none() {
            dashboard_hosts = Some(own_names.collect());
        }
        let rate_limit = RateLimit::new(self.rate_limit, self.rate_burst);
        let config = Config {
            api_hosts,
            dashboard_hosts,
            contact_url: self.contact_url,
            public_url: self.public_url,
            api_url,
            rate_limits: rate_limit.map(RateLimits::of_tokens),
            trusted_proxies: self.trusted_proxies.into_iter().collect(),
            confirm_password_after: self.confirm_password_after,
            require_synchronous_standby: self.require_synchronous_standby,
        };
        (config, self.storage)
    }

    /// The operator's choice. Otherwise a demo uses its listen address, and any other server its first API host.
    fn api_url(&self, listening: SocketAddr) -> PublicUrl {
        self.api_url.clone().unwrap_or_else(|| {
            if self.demo {
                PublicUrl::http(reachable(listening))
            } else {
                PublicUrl::https(&self.api_hosts[0])
            }
        })
    }
}

/// A server whose database is open, and which listens.
struct Started {
    listener: TcpListener,
    metrics_listener: Option<(TcpListener, SocketAddr)>,
    store: Store,
    config: Config,
    originals: Originals,
    delay: Duration,
    grace: Duration,
}

impl Started {
    /// Responds to requests until `stop` is ready.
    async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let instruments = Instruments::new(&self.store, &self.config);
        if let Some((listener, address)) = self.metrics_listener {
            tracing::info!("metrics on http://{address}/metrics");
            task::spawn(metrics::listener::serve(
                listener,
                Arc::clone(&instruments.metrics),
            ));
        }
        let service = service(
            self.store.clone(),
            &self.config,
            self.originals,
            &instruments,
        );
        let bounds = Bounds::behind(self.config.trusted_proxies);
        let stop = instruments.readiness.drained(stop, self.delay);
        let metrics = instruments.metrics;
        serve::run(
            self.listener,
            service,
            bounds,
            &self.store,
            metrics,
            stop,
            self.grace,
        )
        .await;
    }
}

/// The names by which a browser or curl on this machine reaches a server that listens on `ip`.
fn own_names(ip: IpAddr) -> impl Iterator<Item = HostName> + Clone {
    let names = [
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        "::1".to_owned(),
        ip.to_string(),
    ];
    names.into_iter().filter_map(|name| name.parse().ok())
}

fn add_demo_pictures(originals: &Originals) -> Result<(), Error> {
    let added = originals.add_demo_pictures(store::demo::originals());
    added.map_err(|cause| Error::DemoOriginals {
        folder: originals
            .folder()
            .map(|folder| folder.path().to_owned())
            .unwrap_or_default(),
        cause,
    })
}

/// Warns if others can reach the server and its database has demo sign-ins: their password is public.
async fn warn_of_demo_sign_ins(store: &Store, ip: IpAddr) -> Result<(), Error> {
    let emails = store.users().demo_emails().await?;
    if !emails.is_empty() && !ip.is_loopback() {
        telemetry::report_warning(&format!(
            "anyone who can reach {ip} can sign in: this database has demo sign-ins, whose password is \
             published ({}). Listen on 127.0.0.1, or use a database without demo data.",
            emails.join(", ")
        ));
    }
    Ok(())
}

fn invitation(address: SocketAddr) -> String {
    format!(
        "\nOpen http://{}\n{}\n",
        reachable(address),
        demo::sign_ins()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_server_accepts_the_names_of_its_listen_address() {
        let names: Vec<_> = own_names([192, 168, 1, 7].into()).collect();
        for name in ["127.0.0.1", "localhost", "[::1]", "192.168.1.7"] {
            assert!(names.iter().any(|own| own.is(name)), "{name}: {names:?}");
        }
    }

    #[test]
    fn the_printed_address_can_be_opened_in_a_browser() {
        let open = |address: &str| invitation(address.parse().expect("an address"));
        assert!(open("0.0.0.0:80").contains("http://127.0.0.1:80\n"));
        assert!(open("[::]:80").contains("http://[::1]:80\n"));
        assert!(open("192.168.1.7:80").contains("http://192.168.1.7:80\n"));
    }
}
