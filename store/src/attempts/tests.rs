use std::net::Ipv4Addr;

use model::client::ClientAddress;

use super::*;

const START: Timestamp = Timestamp(1_768_802_400_000);

/// Attempts with a clock beside them.
struct Given {
    attempts: Attempts,
    now: Timestamp,
}

impl Given {
    fn new() -> Self {
        Self {
            attempts: Attempts::new(),
            now: START,
        }
    }

    fn wait(&mut self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("in range");
        self.now = self.now.plus_millis(millis);
    }

    fn begin(&self, name: &str, source: Source) -> Result<Attempt, Duration> {
        let email = Email::parse(&format!("{name}@example.com")).expect("an address");
        self.attempts.begin(&email, source, self.now)
    }

    /// A wrong password; gives how long it would have had to wait.
    fn fail(&self, name: &str, source: Source) -> Duration {
        self.begin(name, source).map(drop).err().unwrap_or_default()
    }

    /// Tries wrong passwords as fast as it is let, for so long; gives how many were looked at.
    fn attack(&mut self, name: &str, sources: &[Source], time: Duration) -> u32 {
        let end = self
            .now
            .plus_millis(i64::try_from(time.as_millis()).expect("in range"));
        let mut tried = 0;
        while self.now < end {
            let waits = sources.iter().map(|source| self.fail(name, *source));
            let waits: Vec<_> = waits.collect();
            tried += waits.iter().filter(|wait| wait.is_zero()).count() as u32;
            self.wait(Duration::from_secs(1));
        }
        tried
    }
}

fn network(number: u32) -> Source {
    let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
    Source::Stranger(Some(ClientAddress::new(address.into()).network()))
}

const BROWSER: Source = Source::KnownBrowser(BrowserId([7; 16]));
const HOUR: Duration = Duration::from_secs(60 * 60);

#[test]
fn five_wrong_passwords_are_free_and_the_wait_after_each_further_one_doubles_up_to_five_minutes() {
    for source in [network(1), BROWSER, Source::Session(SessionId(3))] {
        let mut given = Given::new();
        for _ in 0..5 {
            assert_eq!(given.fail("ada", source), Duration::ZERO);
        }
        for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(given.fail("ada", source), wait);
            given.wait(wait - Duration::from_millis(1));
            assert_eq!(given.fail("ada", source), Duration::from_millis(1));
            given.wait(Duration::from_millis(1));
            assert_eq!(given.fail("ada", source), Duration::ZERO, "{seconds}");
        }
    }
}

#[test]
fn a_known_browser_never_waits_for_what_strangers_get_wrong() {
    let mut given = Given::new();
    let botnet: Vec<_> = (0..20).map(network).collect();
    given.attack("ada", &botnet, Duration::from_secs(600));
    assert!(given.begin("ada", network(999)).is_err());
    for source in [BROWSER, Source::Session(SessionId(3))] {
        given.begin("ada", source).expect("let through").succeeded();
    }
}

#[test]
fn all_networks_together_have_no_more_than_a_hundred_tries_an_hour_on_one_account() {
    let mut given = Given::new();
    let botnet: Vec<_> = (0..20).map(network).collect();
    for _ in 0..3 {
        let tried = given.attack("ada", &botnet, HOUR);
        assert!((50..=100).contains(&tried), "{tried}");
    }
}

#[test]
fn a_stranger_of_one_network_keeps_a_new_browser_elsewhere_waiting_for_a_minute_at_most() {
    let mut given = Given::new();
    let tried = given.attack("ada", &[network(1)], HOUR);
    assert!(tried < 30, "{tried}");
    given.attack("ada", &[network(1)], 3 * HOUR);
    if let Err(wait) = given.begin("ada", network(2)) {
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
        given.wait(wait);
        let its_turn = given.begin("ada", network(2));
        its_turn.expect("let through").succeeded();
    }
}

#[test]
fn other_accounts_are_not_slowed_by_what_is_tried_on_one() {
    let mut given = Given::new();
    given.attack("ada", &[network(1)], Duration::from_secs(60));
    assert!(given.begin("ada", network(1)).is_err());
    assert!(given.begin("bob", network(1)).is_ok());
}

#[test]
fn one_password_tried_on_everybody_is_slowed_by_its_network() {
    let given = Given::new();
    for number in 0..50 {
        assert_eq!(
            given.fail(&format!("user{number}"), network(1)),
            Duration::ZERO
        );
    }
    assert_eq!(given.fail("one-more", network(1)), Duration::from_secs(1));
    assert_eq!(given.fail("one-more", network(2)), Duration::ZERO);
}

#[test]
fn an_account_of_ones_own_does_not_clear_the_count_of_its_network() {
    let given = Given::new();
    for number in 0..50 {
        given.fail(&format!("user{number}"), network(1));
        let own = given.begin("mallory", network(1));
        if let Ok(own) = own {
            own.succeeded();
        }
    }
    assert_eq!(given.fail("one-more", network(1)), Duration::from_secs(1));
}

#[test]
fn a_success_clears_what_its_account_and_source_had_gathered() {
    let given = Given::new();
    for _ in 0..4 {
        given.fail("ada", network(1));
    }
    given
        .begin("ada", network(1))
        .expect("the fifth")
        .succeeded();
    for _ in 0..5 {
        assert_eq!(given.fail("ada", network(1)), Duration::ZERO);
    }
    assert!(given.begin("ada", network(1)).is_err());
}

#[test]
fn a_try_that_came_to_nothing_does_not_count() {
    let given = Given::new();
    for _ in 0..200 {
        given
            .begin("ada", network(1))
            .expect("let through")
            .came_to_nothing();
    }
    for _ in 0..5 {
        assert_eq!(given.fail("ada", network(1)), Duration::ZERO);
    }
}

#[test]
fn tries_at_once_are_counted_before_any_of_them_is_answered() {
    let given = Given::new();
    let running: Vec<_> = (0..50).map(|_| given.begin("ada", network(1))).collect();
    assert_eq!(running.iter().filter(|attempt| attempt.is_ok()).count(), 5);
}

#[test]
fn asking_while_one_must_wait_prolongs_nothing() {
    let mut given = Given::new();
    for _ in 0..1_000 {
        given.fail("ada", network(1));
    }
    given.wait(Duration::from_secs(2));
    assert!(given.begin("ada", network(1)).is_ok());
}

#[test]
fn without_an_address_the_account_alone_is_counted() {
    let given = Given::new();
    for _ in 0..20 {
        assert_eq!(given.fail("ada", Source::Stranger(None)), Duration::ZERO);
    }
    assert_eq!(
        given.fail("ada", Source::Stranger(None)),
        Duration::from_secs(1)
    );
    for number in 0..100 {
        let name = format!("user{number}");
        assert_eq!(given.fail(&name, Source::Stranger(None)), Duration::ZERO);
    }
}

#[test]
fn an_hour_without_a_try_forgets_all() {
    let mut given = Given::new();
    for _ in 0..5 {
        given.fail("ada", network(1));
    }
    given.wait(HOUR);
    for _ in 0..5 {
        assert_eq!(given.fail("ada", network(1)), Duration::ZERO);
    }
}

#[test]
fn a_clock_that_is_set_back_never_makes_a_wait_longer_than_it_was_at_first() {
    let mut given = Given::new();
    for _ in 0..6 {
        given.fail("ada", network(1));
    }
    given.now = START.plus_millis(-86_400_000);
    assert_eq!(given.fail("ada", network(1)), Duration::from_secs(2));
}

#[test]
fn a_flood_of_keys_does_not_fill_the_memory() {
    let counts = Counts::new(OF_NETWORK);
    for number in 0..150_000_u32 {
        counts.add(number, START);
    }
    counts.kept.run_pending_tasks();
    assert!(counts.kept.entry_count() <= MOST_COUNTS);
}
