//! The siege: attacks a real server while an owner and a partner work. Everything that these two request must be done,
//! and each attack must be limited to its share. `docs/siege.md` explains it.
//!
//! All addresses are of this machine: 127.0.0.0/8 has as many as a siege needs. So the attackers have connections and
//! networks of their own, without a proxy.

mod attack;
mod report;
mod work;

use std::{fs, net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use rand::{SeedableRng, rngs::StdRng};
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use tokio::time::Instant;

use self::{
    attack::{ATTACKERS_ORGANISATION, Attack, Attackers, FLOODER, RECORDER, Target},
    report::{Phase, Report},
    work::{Defenders, Length, Switched, create},
};
use crate::{
    browser::Browser,
    changer::{MEMBER, ORGANISATION, PASSWORD, sign_in_as},
    client::Client,
    database::{PostgresDatabase, size_of, sqlite_in},
    program::{Program, Server, Settings},
    signals::until_signal,
};

/// The addresses of the owner and of the partner.
const OWNER: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);
const PARTNER: Ipv4Addr = Ipv4Addr::new(127, 2, 0, 1);

/// How many sessions an attacking account has.
const SESSIONS: usize = 4;

/// The number of connections that the server accepts in a short run, so that the attackers can use them up quickly.
const FEW_CONNECTIONS: usize = 240;
/// The number that the server accepts if the system allows it.
const MANY_CONNECTIONS: usize = 10_000;
/// File handles that the server reserves, and those that it reserves for each connection.
const RESERVED_HANDLES: usize = 64;
const HANDLES_PER_CONNECTION: usize = 2;

/// The number of phases of a long run: on each engine the attacks, and one phase without.
const PHASES: u32 = 2 * (Attack::EACH.len() as u32 + 1);

/// Besieges a server on SQLite, then one on PostgreSQL. `length` is that of the whole run; none for a short one.
///
/// # Errors
/// If the run itself fails: no PostgreSQL, no program, a server that does not start, or an attack that does not begin.
pub(crate) async fn run(
    seed: u64,
    length: Option<Duration>,
    program: &Program,
    folder: &Path,
) -> Result<Report> {
    let handles = raise_file_limit()?;
    let accepted = match length {
        None => FEW_CONNECTIONS,
        Some(_) => {
            MANY_CONNECTIONS.min(handles.saturating_sub(RESERVED_HANDLES) / HANDLES_PER_CONNECTION)
        }
    };
    let program = program.with(Settings {
        // Each creation and each activation has to confirm the password.
        variables: &[("DEVELOPER_ZONE_CONFIRM_PASSWORD_AFTER", "0")],
        limits: limits(accepted, &allowed_processors()?),
    });
    let siege = Siege {
        program,
        accepted,
        length: length.map_or(Length::Short, |all| Length::Time(all / PHASES)),
        seed,
    };
    let mut phases = until_signal(siege.run_on(0, "SQLite", &sqlite_in(folder))).await?;
    let database = PostgresDatabase::create("siege").await?;
    let on_postgres = until_signal(siege.run_on(1, "PostgreSQL", &database.url(None)?)).await;
    database.drop().await?;
    phases.extend(on_postgres?);
    Ok(Report {
        phases,
        is_long: length.is_some(),
    })
}

/// Raises this program's limit of file handles as far as the system allows. Returns it.
fn raise_file_limit() -> Result<usize> {
    let wanted = (MANY_CONNECTIONS * HANDLES_PER_CONNECTION + RESERVED_HANDLES) as u64;
    let limit = getrlimit(Resource::Nofile);
    let handles = limit.maximum.unwrap_or(wanted).min(wanted);
    let raised = Rlimit {
        current: Some(handles),
        ..limit
    };
    setrlimit(Resource::Nofile, raised).context("the limit of file handles cannot be raised")?;
    Ok(usize::try_from(handles)?)
}

/// Shell commands that limit the program to this number of connections, and to two processors. So the same attack is as
/// strong on every machine.
fn limits(accepted: usize, processors: &str) -> String {
    let handles = RESERVED_HANDLES + accepted * HANDLES_PER_CONNECTION;
    format!("ulimit -n {handles}; taskset --pid --cpu-list {processors} $$ >/dev/null")
}

/// The first two processors that this program may use, as a list for `taskset`.
fn allowed_processors() -> Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mut lines = status.lines();
    let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.and_then(|list| first_two(list.trim()))
        .context("/proc/self/status has no list of processors")
}

/// The first two of a list of processors, such as `0-3,8`.
fn first_two(list: &str) -> Option<String> {
    let ranges = list.split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<u32>().ok()?..=last.parse().ok()?)
    });
    let ranges: Option<Vec<_>> = ranges.collect();
    let all = ranges?.into_iter().flatten();
    let two: Vec<_> = all.take(2).map(|number| number.to_string()).collect();
    Some(two.join(","))
}

struct Siege {
    program: Program,
    /// The number of connections that the server accepts.
    accepted: usize,
    /// The length of each phase.
    length: Length,
    seed: u64,
}

impl Siege {
    const fn is_long(&self) -> bool {
        matches!(self.length, Length::Time(_))
    }

    async fn run_on(&self, number: usize, engine: &'static str, url: &str) -> Result<Vec<Phase>> {
        self.program.must_run(url, &["demo"]).await?;
        let server = Server::start(number, self.program.clone(), url.to_owned()).await?;
        let server = Arc::new(server);
        let mut defenders = self.defenders(&server, url).await?;
        let target = Arc::new(self.target(&server).await?);
        let mut rng = StdRng::seed_from_u64(self.seed);
        let idle = self.is_long().then_some(None);
        let mut phases = Vec::new();
        for attack in idle.into_iter().chain(Attack::EACH.map(Some)) {
            eprintln!("{engine}: {}", attack.map_or("no attack", Attack::name));
            if self.is_long() {
                // What the server has counted ends with it, so each attack finds the same server.
                server.kill().await?;
                server.restart().await?;
            }
            let begun = Instant::now();
            let (size, processor_time) = (size_of(url).await?, own_processor_time());
            let attackers = attack.map(|attack| Attackers::begin(attack, &target, &mut rng));
            let attackers = attackers.transpose()?;
            if let Some(attackers) = &attackers {
                attackers.begun().await?;
            }
            let work = defenders.work(self.length).await;
            let answers = attackers.map(|attackers| attackers.answers.counts());
            phases.push(Phase {
                engine,
                attack,
                work,
                answers: answers.unwrap_or_default(),
                length: begun.elapsed(),
                grown: size_of(url).await? - size,
                processor_time: own_processor_time() - processor_time,
            });
            server.ensure_running()?;
        }
        Ok(phases)
    }

    async fn defenders(&self, server: &Arc<Server>, url: &str) -> Result<Defenders> {
        let organisation = ORGANISATION.to_string();
        let create_key = ["token", "create", "--organisation", &organisation];
        let create_key = [&create_key[..], &["--created-by", MEMBER]].concat();
        let key = self.program.must_run(url, &create_key).await?;
        let mut stopper = signed_in(server, OWNER, MEMBER).await?;
        Ok(Defenders {
            token: Switched::create(&mut stopper).await?,
            stopper,
            signer: signed_in(server, OWNER, MEMBER).await?,
            creator: signed_in(server, OWNER, MEMBER).await?,
            partner: Client::at(Arc::clone(server), PARTNER),
            key: key.trim().to_owned(),
        })
    }

    async fn target(&self, server: &Arc<Server>) -> Result<Target> {
        let (mut flooder, mut recorder) = (Vec::new(), Vec::new());
        for _ in 0..SESSIONS {
            flooder.push(sign_in_as(server, FLOODER, PASSWORD).await?);
            recorder.push(sign_in_as(server, RECORDER, PASSWORD).await?);
        }
        let mut browser = Browser::new(server, recorder[0].clone());
        let token = create(&mut browser, ATTACKERS_ORGANISATION).await?;
        Ok(Target {
            server: Arc::clone(server),
            accepted: self.accepted,
            flooder,
            recorder,
            token: token.id,
        })
    }
}

/// A browser at this address in which the user has signed in.
async fn signed_in(server: &Arc<Server>, address: Ipv4Addr, email: &str) -> Result<Browser> {
    let mut browser = Browser {
        client: Client::at(Arc::clone(server), address),
        cookies: String::new(),
    };
    let signed_in = browser.sign_in(email, PASSWORD).await?;
    signed_in.map_err(|answer| anyhow!("sign-in failed: {answer}"))?;
    Ok(browser)
}

/// The processor time that this program has used.
fn own_processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_processors_of_a_list_are_found() {
        for (list, two) in [
            ("0-3,8", Some("0,1")),
            ("0,2-5", Some("0,2")),
            ("3-3,7", Some("3,7")),
            ("5", Some("5")),
            ("all", None),
        ] {
            assert_eq!(first_two(list).as_deref(), two, "{list}");
        }
    }
}
