use std::net::Ipv4Addr;

use model::client::ClientAddress;

use super::*;

const START: Timestamp = Timestamp(1_768_802_400_000);

/// A throttle and the present time.
struct Fixture {
    throttle: SignInThrottle,
    now: Timestamp,
}

impl Fixture {
    fn new() -> Self {
        Self {
            throttle: SignInThrottle::new(),
            now: START,
        }
    }

    fn wait(&mut self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("in range");
        self.now = self.now.plus_millis(millis);
    }

    fn begin(&self, name: &str, source: Source) -> Result<Attempt, Duration> {
        let email = Email::parse(&format!("{name}@example.com")).expect("an address");
        self.throttle.begin(&email, source, self.now)
    }

    /// Gives a wrong password; returns how long it has to wait.
    fn fail(&self, name: &str, source: Source) -> Duration {
        self.begin(name, source).map(drop).err().unwrap_or_default()
    }

    /// Gives wrong passwords as fast as it may for this time; returns how many were checked.
    fn attack(&mut self, name: &str, sources: &[Source], time: Duration) -> u32 {
        let end = self
            .now
            .plus_millis(i64::try_from(time.as_millis()).expect("in range"));
        let mut checked = 0;
        while self.now < end {
            let waits = sources.iter().map(|source| self.fail(name, *source));
            let waits: Vec<_> = waits.collect();
            checked += waits.iter().filter(|wait| wait.is_zero()).count() as u32;
            self.wait(Duration::from_secs(1));
        }
        checked
    }
}

fn network(number: u32) -> Source {
    let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
    Source::Stranger(Some(ClientAddress::new(address.into()).network()))
}

const DEVICE: Source = Source::KnownDevice(DeviceId([7; 16]));
const HOUR: Duration = Duration::from_secs(60 * 60);

#[test]
fn five_wrong_passwords_are_free_and_the_wait_after_each_further_one_doubles_up_to_five_minutes() {
    for source in [network(1), DEVICE, Source::Session(SessionId(3))] {
        let mut fixture = Fixture::new();
        for _ in 0..5 {
            assert_eq!(fixture.fail("ada", source), Duration::ZERO);
        }
        for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(fixture.fail("ada", source), wait);
            fixture.wait(wait - Duration::from_millis(1));
            assert_eq!(fixture.fail("ada", source), Duration::from_millis(1));
            fixture.wait(Duration::from_millis(1));
            assert_eq!(fixture.fail("ada", source), Duration::ZERO, "{seconds}");
        }
    }
}

#[test]
fn a_known_device_never_waits_for_wrong_passwords_of_strangers() {
    let mut fixture = Fixture::new();
    let botnet: Vec<_> = (0..20).map(network).collect();
    fixture.attack("ada", &botnet, Duration::from_secs(600));
    assert!(fixture.begin("ada", network(999)).is_err());
    for source in [DEVICE, Source::Session(SessionId(3))] {
        fixture
            .begin("ada", source)
            .expect("let through")
            .succeeded();
    }
}

#[test]
fn all_networks_together_have_at_most_a_hundred_attempts_an_hour_on_one_account() {
    let mut fixture = Fixture::new();
    let botnet: Vec<_> = (0..20).map(network).collect();
    for _ in 0..3 {
        let tried = fixture.attack("ada", &botnet, HOUR);
        assert!((50..=100).contains(&tried), "{tried}");
    }
}

#[test]
fn an_attacker_in_one_network_delays_a_new_device_elsewhere_by_at_most_a_minute() {
    let mut fixture = Fixture::new();
    let tried = fixture.attack("ada", &[network(1)], HOUR);
    assert!(tried < 30, "{tried}");
    fixture.attack("ada", &[network(1)], 3 * HOUR);
    if let Err(wait) = fixture.begin("ada", network(2)) {
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
        fixture.wait(wait);
        let its_turn = fixture.begin("ada", network(2));
        its_turn.expect("let through").succeeded();
    }
}

#[test]
fn attempts_on_one_account_do_not_delay_other_accounts() {
    let mut fixture = Fixture::new();
    fixture.attack("ada", &[network(1)], Duration::from_secs(60));
    assert!(fixture.begin("ada", network(1)).is_err());
    assert!(fixture.begin("bob", network(1)).is_ok());
}

#[test]
fn one_password_on_many_accounts_is_delayed_by_its_network() {
    let fixture = Fixture::new();
    for number in 0..50 {
        assert_eq!(
            fixture.fail(&format!("user{number}"), network(1)),
            Duration::ZERO
        );
    }
    assert_eq!(fixture.fail("one-more", network(1)), Duration::from_secs(1));
    assert_eq!(fixture.fail("one-more", network(2)), Duration::ZERO);
}

#[test]
fn a_success_does_not_clear_the_count_of_its_network() {
    let fixture = Fixture::new();
    for number in 0..50 {
        fixture.fail(&format!("user{number}"), network(1));
        let own = fixture.begin("mallory", network(1));
        if let Ok(own) = own {
            own.succeeded();
        }
    }
    assert_eq!(fixture.fail("one-more", network(1)), Duration::from_secs(1));
}

#[test]
fn a_success_clears_the_counts_of_its_account_and_source() {
    let fixture = Fixture::new();
    for _ in 0..4 {
        fixture.fail("ada", network(1));
    }
    fixture
        .begin("ada", network(1))
        .expect("the fifth")
        .succeeded();
    for _ in 0..5 {
        assert_eq!(fixture.fail("ada", network(1)), Duration::ZERO);
    }
    assert!(fixture.begin("ada", network(1)).is_err());
}

#[test]
fn an_attempt_that_could_not_be_checked_does_not_count() {
    let fixture = Fixture::new();
    for _ in 0..200 {
        fixture
            .begin("ada", network(1))
            .expect("let through")
            .could_not_be_checked();
    }
    for _ in 0..5 {
        assert_eq!(fixture.fail("ada", network(1)), Duration::ZERO);
    }
}

#[test]
fn concurrent_attempts_count_before_any_of_them_is_checked() {
    let fixture = Fixture::new();
    let running: Vec<_> = (0..50).map(|_| fixture.begin("ada", network(1))).collect();
    assert_eq!(running.iter().filter(|attempt| attempt.is_ok()).count(), 5);
}

#[test]
fn a_refused_attempt_does_not_prolong_the_wait() {
    let mut fixture = Fixture::new();
    for _ in 0..1_000 {
        fixture.fail("ada", network(1));
    }
    fixture.wait(Duration::from_secs(2));
    assert!(fixture.begin("ada", network(1)).is_ok());
}

#[test]
fn without_a_client_address_only_the_account_counts() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        assert_eq!(fixture.fail("ada", Source::Stranger(None)), Duration::ZERO);
    }
    assert_eq!(
        fixture.fail("ada", Source::Stranger(None)),
        Duration::from_secs(1)
    );
    for number in 0..100 {
        let name = format!("user{number}");
        assert_eq!(fixture.fail(&name, Source::Stranger(None)), Duration::ZERO);
    }
}

#[test]
fn an_hour_without_an_attempt_clears_all_counts() {
    let mut fixture = Fixture::new();
    for _ in 0..5 {
        fixture.fail("ada", network(1));
    }
    fixture.wait(HOUR);
    for _ in 0..5 {
        assert_eq!(fixture.fail("ada", network(1)), Duration::ZERO);
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_wait_longer_than_at_first() {
    let mut fixture = Fixture::new();
    for _ in 0..6 {
        fixture.fail("ada", network(1));
    }
    fixture.now = START.plus_millis(-86_400_000);
    assert_eq!(fixture.fail("ada", network(1)), Duration::from_secs(2));
}

#[test]
fn a_flood_of_keys_takes_bounded_memory() {
    let counts = Counts::new(NETWORK_DELAY);
    for number in 0..150_000_u32 {
        counts.add(number, START);
    }
    assert!(counts.counts.len() <= MAX_COUNTS);
}
