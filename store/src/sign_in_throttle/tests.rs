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

/// A known device, with an address of its own.
fn device(number: u8) -> Source {
    Source::KnownDevice(DeviceId([number; 16]), Some(address_of(number)))
}

fn address_of(device: u8) -> ClientNetwork {
    ClientAddress::new(Ipv4Addr::new(192, 0, 2, device).into()).network()
}

fn session(number: i64) -> Source {
    Source::Session(SessionId(number))
}

const HOUR: Duration = Duration::from_secs(60 * 60);

#[test]
fn five_wrong_passwords_are_free_and_the_wait_after_each_further_one_doubles_up_to_five_minutes() {
    for source in [network(1), device(7), session(3)] {
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
    for source in [device(7), session(3)] {
        fixture
            .begin("ada", source)
            .expect("let through")
            .succeeded();
    }
}

#[test]
fn a_known_device_and_a_session_do_not_count_for_strangers() {
    let mut fixture = Fixture::new();
    let sources: Vec<_> = (0..8).map(device).chain((0..50).map(session)).collect();
    fixture.attack("ada", &sources, HOUR);
    assert_eq!(fixture.fail("ada", network(1)), Duration::ZERO);
    let same_network = Source::Stranger(Some(address_of(1)));
    assert_eq!(fixture.fail("bob", same_network), Duration::ZERO);
}

#[test]
fn however_many_cookies_there_are_an_account_has_at_most_220_attempts_an_hour() {
    for (devices, sessions, most) in [(8, 0, 120), (0, 9, 120), (8, 9, 120), (20, 9, 220)] {
        let mut fixture = Fixture::new();
        let sources = (0..devices).map(device).chain((0..sessions).map(session));
        let sources: Vec<_> = sources.collect();
        for _ in 0..2 {
            let tried = fixture.attack("ada", &sources, HOUR);
            assert!(
                (50..=most).contains(&tried),
                "{tried} by {devices} and {sessions}"
            );
        }
    }
}

#[test]
fn a_thief_of_one_device_delays_the_others_by_at_most_a_minute() {
    let mut fixture = Fixture::new();
    fixture.attack("ada", &[device(1)], 12 * HOUR);
    for own in [device(2), session(3)] {
        let its_turn = fixture.begin("ada", own).or_else(|wait| {
            assert!(wait <= Duration::from_secs(60), "{wait:?}");
            fixture.wait(wait);
            fixture.begin("ada", own)
        });
        its_turn.expect("let through").succeeded();
    }
}

#[test]
fn eight_devices_with_wrong_passwords_count_apart_and_others_are_strangers_for_an_hour() {
    let mut fixture = Fixture::new();
    for number in 0..8 {
        assert_eq!(fixture.fail("ada", device(number)), Duration::ZERO);
    }
    let source = |fixture: &Fixture, number| {
        let attempt = fixture.begin("ada", device(number));
        let attempt = attempt.expect("let through");
        let source = attempt.source();
        attempt.could_not_be_checked();
        source
    };
    assert_eq!(source(&fixture, 8), Source::Stranger(Some(address_of(8))));
    assert_eq!(source(&fixture, 7), device(7));
    // One that signs in has no wrong passwords any more.
    let signs_in = fixture.begin("ada", device(7));
    signs_in.expect("let through").succeeded();
    assert_eq!(source(&fixture, 8), device(8));
    assert_eq!(fixture.fail("ada", device(8)), Duration::ZERO);
    assert_eq!(source(&fixture, 9), Source::Stranger(Some(address_of(9))));
    fixture.wait(HOUR);
    assert_eq!(source(&fixture, 9), device(9));
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
fn an_attempt_that_was_turned_away_counts_for_its_network_alone() {
    let fixture = Fixture::new();
    for _ in 0..50 {
        let turned_away = fixture.begin("ada", network(1));
        turned_away.expect("let through").was_turned_away();
    }
    let second = Duration::from_secs(1);
    assert_eq!(fixture.fail("ada", network(1)), second);
    assert_eq!(fixture.fail("bob", network(1)), second);
    for _ in 0..5 {
        assert_eq!(fixture.fail("ada", network(2)), Duration::ZERO);
    }
    for own in [device(1), session(1)] {
        for _ in 0..100 {
            let turned_away = fixture.begin("ada", own);
            turned_away.expect("let through").was_turned_away();
        }
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
    fixture.wait(Duration::from_secs(2));
    assert_eq!(fixture.fail("ada", network(1)), Duration::ZERO);
}

#[test]
fn a_flood_of_keys_takes_bounded_memory() {
    let counts = Counts::new(NETWORK_DELAY);
    for number in 0..150_000_i64 {
        counts.add(Key::SessionOn(Account([7; 32]), SessionId(number)), START);
    }
    assert!(counts.counts.len() <= MAX_COUNTS);
}

#[test]
fn an_account_remembers_a_bounded_number_of_devices() {
    let fixture = Fixture::new();
    for number in 0..200 {
        fixture.fail("ada", device(number));
    }
    let devices = &fixture.throttle.inner.devices;
    let (_, of_ada) = devices.iter().next().expect("an account");
    assert_eq!((devices.len(), of_ada.len()), (1, MAX_DEVICES));
}
