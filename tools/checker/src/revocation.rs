//! The revocation run: calls and changes several servers on one PostgreSQL database, and injects faults of servers and
//! connections.

use std::{ops::Range, time::Duration};

use anyhow::{Context, Result};
use checker::history::{Action, Ending, Refusal, Time, Way};
use rand::{Rng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    database::PostgresDatabase,
    program::{Program, Server},
    proxy::LinkState,
    report::{self, Report},
    run::{Faults, Plan, Recording, Setup, hold, record},
    signals::until_signal,
};

const QUIET: Duration = Duration::from_secs(11);
const LONG_QUIET: Duration = Duration::from_secs(120);

/// What a server logs when it finds that a change has removed it.
const REMOVED: &str = "this server was removed";
/// How long a resumed server may take to find that. It does not count as removed otherwise.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(10);

/// A fault of the servers or the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Kills a server (`kill -9`) and restarts it after a while.
    Kill,
    /// Suspends a server for longer than its lease, until a change has removed it.
    Suspend,
    /// Closes one server's connections to the database.
    CutOne,
    /// Holds back all data between one server and the database.
    SilenceOne,
    /// Holds back the notifications to one server. All its other connections work.
    UnnotifyOne,
    /// Makes the database unreachable for all servers and commands.
    CutAll,
    /// Stops all calls for a while. Changes continue.
    Quiet(Duration),
}

impl Fault {
    const EACH: [Self; 7] = [
        Self::Kill,
        Self::Suspend,
        Self::CutOne,
        Self::SilenceOne,
        Self::UnnotifyOne,
        Self::CutAll,
        Self::Quiet(QUIET),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Suspend => "suspension through a removal",
            Self::CutOne => "database cut off from one server",
            Self::SilenceOne => "database silent to one server",
            Self::UnnotifyOne => "no notifications to one server",
            Self::CutAll => "database away for all",
            Self::Quiet(_) => "quiet time",
        }
    }
}

/// Runs, and judges the record.
///
/// # Errors
/// If the run itself fails: no PostgreSQL, no program, or a server that does not start.
pub(crate) async fn run(plan: &Plan, program: &Program) -> Result<Report> {
    let database = PostgresDatabase::create("history").await?;
    let mut faults = ServerFaults {
        // One long quiet time, if the run is much longer.
        quiet_for_long: plan.length.is_some_and(|length| length >= 4 * LONG_QUIET),
    };
    let recorded = until_signal(record(&database, plan, program, &mut faults)).await;
    database.drop().await?;
    Ok(report(plan, recorded?))
}

/// Injects the faults.
struct ServerFaults {
    quiet_for_long: bool,
}

impl Faults for ServerFaults {
    type Fault = Fault;

    const PAUSE: Range<u64> = 1_000..2_000;

    fn of_each_kind(&mut self) -> Vec<Fault> {
        let mut faults = Fault::EACH;
        if self.quiet_for_long {
            self.quiet_for_long = false;
            for fault in &mut faults {
                if matches!(fault, Fault::Quiet(_)) {
                    *fault = Fault::Quiet(LONG_QUIET);
                }
            }
        }
        faults.into()
    }

    fn name(fault: Fault) -> &'static str {
        fault.name()
    }

    async fn inject(&mut self, setup: &Setup, fault: Fault, rng: &mut StdRng) -> Result<bool> {
        let victim = rng.random_range(0..setup.servers.len());
        let server = &setup.servers[victim];
        let one = setup.links_of(victim);
        let a_while = Duration::from_millis(rng.random_range(1_500..2_500));
        match fault {
            Fault::Kill => {
                server.kill().await.context("kill -9")?;
                sleep(Duration::from_millis(rng.random_range(0..1_000))).await;
                server.restart().await?;
            }
            Fault::Suspend => return suspend_until_removed(server, setup.lease, a_while).await,
            Fault::CutOne => hold(&one, LinkState::Cut, a_while).await,
            Fault::SilenceOne => hold(&one, LinkState::Silent, a_while).await,
            Fault::UnnotifyOne => hold(&one, LinkState::Unnotified, a_while).await,
            Fault::CutAll => hold(&setup.links(), LinkState::Cut, a_while).await,
            Fault::Quiet(length) => {
                setup.set_calling(false);
                sleep(length).await;
                setup.set_calling(true);
            }
        }
        Ok(true)
    }
}

/// Suspends the server until a change has removed it: for longer each time, because changes are rare on a busy machine.
/// Returns whether one did.
async fn suspend_until_removed(
    server: &Server,
    lease: Duration,
    a_while: Duration,
) -> Result<bool> {
    let before = removals(server);
    for times in [1, 3, 9] {
        server.suspend()?;
        // A change waits for a lease and a tenth.
        sleep(lease * 11 / 10 + a_while * times).await;
        server.resume()?;
        if until_removal_is_found(server, before).await {
            return Ok(true);
        }
    }
    Ok(false)
}

fn removals(server: &Server) -> usize {
    server.log().matches(REMOVED).count()
}

async fn until_removal_is_found(server: &Server, before: usize) -> bool {
    let end = Instant::now() + REMOVAL_TIMEOUT;
    while removals(server) == before {
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(50)).await;
    }
    true
}

fn report(plan: &Plan, recorded: Recording) -> Report {
    let faults_ended = recorded.faults_ended();
    let mut report = Report::of(recorded);
    report.require_each_server(plan.servers, faults_ended);
    for server in 0..plan.servers {
        for refusal in Refusal::ALL {
            let found = report.calls(server, Time::ZERO, report::is(refusal));
            let what = format!("calls refused by server {server} with {}", refusal.code());
            report.require(what, 10, found);
        }
    }
    let by_command = |_, by, ending| by == Way::CommandLine && matches!(ending, Ending::Done(_));
    let found = report.changes(by_command);
    report.require("changes done through the command line", 5, found);
    for name in Action::NAMES {
        let found = report.done(name);
        report.require(format!("changes done of the kind `{name}`"), 2, found);
    }
    report.require_faults(Fault::EACH.map(Fault::name));
    let (accept, refuse) = (report.had_to_accept(), report.had_to_refuse());
    report.require("calls that had to be accepted", 500, accept);
    report.require("calls that had to be refused", 500, refuse);
    report
}
