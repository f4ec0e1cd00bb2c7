//! The servers of a run, and the state that its tasks share.

use std::{
    mem,
    net::SocketAddr,
    sync::{
        Arc, Mutex as StdMutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, bail};
use checker::history::{Action, Time, Way};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::{Instant, sleep},
};

use super::keys::KnownKeys;
use crate::{
    changer::{Changer, Clock, CommandLine, Key, Outcome, Session, sign_in},
    program::{Program, Server},
    proxy::{CuttableProxy, LinkState},
};

const CALLERS_PER_SERVER: usize = 2;

/// Ends the wait for servers that do not recover from a fault.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(120);

/// The settings of a run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) servers: usize,
    /// The approximate length. `None` for a short run with each fault once.
    pub(crate) length: Option<Duration>,
    /// The pauses between faults are this many times longer than usual.
    pub(crate) pace: u32,
    pub(crate) lies: bool,
}

impl Plan {
    /// The random generator for one part of the run. The same seed gives the same generator.
    pub(super) fn rng(&self, part: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(1_000).wrapping_add(part))
    }
}

/// The database of a run: one PostgreSQL, or one that has standbys.
pub(crate) trait Databases {
    /// Where its hosts listen.
    async fn hosts(&self) -> Result<Vec<SocketAddr>>;

    /// The database's URL through these proxies, one for each host.
    ///
    /// # Errors
    /// If there can be no such URL.
    fn url(&self, proxies: &[SocketAddr]) -> Result<String>;
}

/// The servers of a run, with the state that its tasks share.
pub(crate) struct Setup {
    pub(crate) clock: Clock,
    pub(crate) pace: u32,
    pub(crate) lease: Duration,
    pub(crate) servers: Vec<Arc<Server>>,
    pub(crate) command_line: CommandLine,
    pub(crate) session: Arc<Session>,
    lies: bool,
    acknowledged: Arc<AtomicU64>,
    /// For each server, then for the command line: one proxy for each host of the database.
    links: Vec<Vec<CuttableProxy>>,
    pub(super) known_keys: KnownKeys,
    /// Held while a token is created. So while it is held, an unknown token is one whose creation got no response.
    pub(super) creating: Mutex<()>,
    /// The tokens that never change.
    pub(super) steady_keys: StdMutex<Vec<Arc<Key>>>,
    /// Makes the changes of the operator who repairs the database.
    operator: Mutex<Option<Changer>>,
    /// Sends recently changed tokens to each caller.
    hints: Vec<mpsc::UnboundedSender<Arc<Key>>>,
    /// When the last call was made that each server accepted, in nanoseconds of the clock.
    last_accepted: Vec<AtomicU64>,
    pub(super) calling: watch::Sender<bool>,
    pub(super) changing: watch::Sender<bool>,
    pub(super) ended: watch::Sender<bool>,
}

impl Setup {
    /// Also returns the hints for each caller.
    pub(super) async fn start(
        databases: &impl Databases,
        plan: &Plan,
        program: &Program,
    ) -> Result<(Self, Vec<mpsc::UnboundedReceiver<Arc<Key>>>)> {
        let hosts = databases.hosts().await?;
        let (mut links, mut urls) = (Vec::new(), Vec::new());
        for _ in 0..=plan.servers {
            let mut proxies = Vec::new();
            for host in &hosts {
                proxies.push(CuttableProxy::to(*host).await?);
            }
            let addresses: Vec<_> = proxies.iter().map(|proxy| proxy.address).collect();
            urls.push(databases.url(&addresses)?);
            links.push(proxies);
        }
        let command_line = CommandLine {
            program: program.clone(),
            database_url: urls.pop().unwrap_or_default(),
        };
        command_line
            .program
            .must_run(&command_line.database_url, &["demo"])
            .await?;
        let mut servers = Vec::new();
        for (number, url) in urls.into_iter().enumerate() {
            servers.push(Arc::new(Server::start(number, program.clone(), url).await?));
        }
        let session = Arc::new(Session::new(sign_in(&servers[0]).await?));
        let callers = plan.servers * CALLERS_PER_SERVER;
        let (hints, hinted) = (0..callers).map(|_| mpsc::unbounded_channel()).unzip();
        let setup = Self {
            clock: Clock::start(),
            pace: plan.pace,
            lease: program.lease(),
            last_accepted: servers.iter().map(|_| AtomicU64::new(0)).collect(),
            servers,
            command_line,
            session,
            lies: plan.lies,
            acknowledged: Arc::default(),
            links,
            known_keys: KnownKeys::default(),
            creating: Mutex::new(()),
            steady_keys: StdMutex::default(),
            operator: Mutex::new(None),
            hints,
            calling: watch::Sender::new(true),
            changing: watch::Sender::new(true),
            ended: watch::Sender::new(false),
        };
        *setup.operator.lock().await = Some(setup.changer());
        Ok((setup, hinted))
    }

    /// Whether every server has acknowledged a change that was requested after this time.
    pub(crate) fn have_acknowledged_since(&self, since: Time) -> bool {
        u128::from(self.acknowledged.load(Ordering::Relaxed)) > since.as_nanos()
    }

    pub(super) fn changer(&self) -> Changer {
        let mut changer = Changer::new(
            self.clock,
            self.command_line.clone(),
            Arc::clone(&self.session),
            &self.servers,
        );
        changer.acknowledged = Arc::clone(&self.acknowledged);
        if self.lies {
            changer.lie();
        }
        changer
    }

    pub(super) fn random_way(&self, rng: &mut StdRng) -> Way {
        if rng.random_ratio(1, 4) {
            Way::CommandLine
        } else {
            Way::Dashboard(rng.random_range(0..self.servers.len()))
        }
    }

    pub(super) fn is_changing(&self) -> bool {
        *self.changing.borrow()
    }

    pub(super) fn stop_changing(&self) {
        self.changing.send_replace(false);
    }

    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Stops the calls, or lets them go on.
    pub(crate) fn set_calling(&self, calling: bool) {
        self.calling.send_replace(calling);
    }

    /// Fails if a server has ended and the checker did not end it.
    pub(crate) fn ensure_running(&self) -> Result<()> {
        self.servers
            .iter()
            .try_for_each(|server| server.ensure_running())
    }

    /// Tells every caller to use this token next.
    pub(super) fn hint(&self, key: &Arc<Key>) {
        for caller in &self.hints {
            // A caller that has ended needs no hint.
            let _ = caller.send(Arc::clone(key));
        }
    }

    /// The links of one server to the database's hosts.
    pub(crate) fn links_of(&self, server: usize) -> Vec<&CuttableProxy> {
        self.links[server].iter().collect()
    }

    /// All links of servers and commands.
    pub(crate) fn links(&self) -> Vec<&CuttableProxy> {
        self.links.iter().flatten().collect()
    }

    /// The link of one server to one host. The command line comes after the last server.
    pub(crate) fn link(&self, server: usize, host: usize) -> &CuttableProxy {
        &self.links[server][host]
    }

    /// The links of all servers and commands to one host.
    pub(crate) fn links_to(&self, host: usize) -> Vec<&CuttableProxy> {
        self.links.iter().map(|links| &links[host]).collect()
    }

    pub(super) fn note_accepted(&self, server: usize, at: Time) {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.last_accepted[server].fetch_max(nanos, Ordering::Relaxed);
    }

    /// Waits until each server has accepted a call that is made from now on.
    ///
    /// # Errors
    /// If one does not within two minutes.
    pub(crate) async fn until_accepting(&self) -> Result<()> {
        let since = self.clock.now();
        let end = Instant::now() + RECOVERY_TIMEOUT;
        for (server, accepted) in self.servers.iter().zip(&self.last_accepted) {
            while Time::from_nanos(accepted.load(Ordering::Relaxed)) <= since {
                if Instant::now() > end {
                    bail!("server {} accepts no call any more", server.number);
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }

    /// Activates the tokens that never change, after a command has deactivated all.
    pub(crate) async fn activate_steady_tokens(&self) -> Result<()> {
        let keys = self.steady_keys.lock();
        let keys = keys.unwrap_or_else(PoisonError::into_inner).clone();
        let mut operator = self.operator.lock().await;
        let Some(operator) = operator.as_mut() else {
            return Ok(());
        };
        for key in keys {
            let end = Instant::now() + RECOVERY_TIMEOUT;
            while operator
                .change(Action::Activate(key.id), Way::CommandLine)
                .await?
                != Outcome::Done
            {
                if Instant::now() > end {
                    bail!("token {} cannot be activated", key.id);
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// The changer of [`Setup::activate_steady_tokens`], with its changes.
    pub(super) async fn take_operator(&self) -> Option<Changer> {
        mem::take(&mut *self.operator.lock().await)
    }
}

/// Puts links into a state.
pub(crate) fn set(links: &[&CuttableProxy], state: LinkState) {
    links.iter().for_each(|link| link.set(state));
}

/// Puts links into a state for a while.
pub(crate) async fn hold(links: &[&CuttableProxy], state: LinkState, length: Duration) {
    set(links, state);
    sleep(length).await;
    set(links, LinkState::Open);
}
