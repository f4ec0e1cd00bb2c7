use std::net::IpAddr;

use model::client::ClientAddress;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    threads: 3,
    proven: 8,
    strangers: 12,
    account: 2,
    network: 3,
    block: 5,
};

fn stranger(address: &str) -> Requester {
    let address: IpAddr = address.parse().expect("an address");
    Requester::Stranger(Some(ClientAddress::new(address).network()))
}

const fn account(number: i64) -> Requester {
    Requester::Account(UserId(number))
}

/// A queue of which every thread was taken before these passwords came.
fn behind_busy_threads(requesters: &[Requester]) -> Queue<Requester> {
    let mut queue = Queue::new(LIMITS);
    for busy in [
        stranger("203.0.113.1"),
        stranger("203.0.113.2"),
        account(99),
    ] {
        queue.enter(busy, busy).expect("a place");
    }
    while queue.next().is_some() {}
    assert_eq!((queue.running(), queue.waiting()), (LIMITS.threads, 0));
    for requester in requesters {
        queue.enter(*requester, *requester).expect("a place");
    }
    queue
}

/// The order in which one thread hashes what waits.
fn order(queue: &mut Queue<Requester>, thread: Requester) -> Vec<Requester> {
    let mut freed = thread;
    let mut order = Vec::new();
    loop {
        queue.done(freed);
        let Some((next, ticket)) = queue.next() else {
            return order;
        };
        assert_eq!(next, ticket);
        order.push(next);
        freed = next;
    }
}

#[test]
fn strangers_leave_one_thread_to_the_proven() {
    let mut queue = Queue::new(LIMITS);
    for number in 0..12 {
        let flood = stranger(&format!("192.0.{number}.1"));
        queue.enter(flood, ()).expect("a place");
    }
    while queue.next().is_some() {}
    assert_eq!((queue.running(), queue.waiting()), (2, 10));
    queue.enter(account(1), ()).expect("a place of its own");
    let next = queue.next().map(|(requester, ())| requester);
    assert_eq!(next, Some(account(1)));
}

#[test]
fn a_free_thread_goes_to_the_proven_before_strangers_who_came_earlier() {
    let early = stranger("192.0.2.1");
    let mut queue = behind_busy_threads(&[early, account(1), Requester::Operator]);
    queue.done(stranger("203.0.113.1"));
    for expected in [account(1), Requester::Operator, early] {
        let (next, _) = queue.next().expect("a free thread");
        assert_eq!(next, expected);
        queue.done(next);
    }
}

#[test]
fn the_proven_leave_one_thread_to_strangers_who_wait() {
    let mut queue = Queue::new(LIMITS);
    for number in 0..6 {
        queue.enter(account(number), ()).expect("a place");
    }
    let late = stranger("192.0.2.1");
    queue.enter(late, ()).expect("a place");
    let started: Vec<_> = std::iter::from_fn(|| queue.next()).collect();
    let started: Vec<_> = started.iter().map(|(requester, ())| *requester).collect();
    assert_eq!(started, [account(0), late, account(1)]);
}

#[test]
fn without_strangers_the_proven_use_every_thread() {
    let mut queue = Queue::new(LIMITS);
    for number in 0..6 {
        queue.enter(account(number), ()).expect("a place");
    }
    while queue.next().is_some() {}
    assert_eq!((queue.running(), queue.waiting()), (3, 3));
}

#[test]
fn neither_class_takes_places_of_the_other() {
    for strangers_first in [true, false] {
        let mut queue = Queue::new(LIMITS);
        let mut fill = |strangers: bool| {
            let requester = |number| match strangers {
                true => stranger(&format!("192.0.{number}.1")),
                false => account(number),
            };
            let taken = (0..100).filter(|number| queue.enter(requester(*number), ()).is_some());
            taken.count()
        };
        let (first, second) = (fill(strangers_first), fill(!strangers_first));
        let both = if strangers_first {
            (first, second)
        } else {
            (second, first)
        };
        assert_eq!(both, (LIMITS.strangers, LIMITS.proven));
    }
}

#[test]
fn running_passwords_count_for_the_places_of_an_account_a_network_and_a_block() {
    let mut queue = Queue::new(LIMITS);
    let mut taken = |requesters: &[Requester]| {
        let requesters = requesters.iter().cycle().take(60);
        let entered = requesters.filter(|requester| {
            let entered = queue.enter(**requester, ()).is_some();
            queue.next();
            entered
        });
        entered.count()
    };
    assert_eq!(taken(&[account(1)]), LIMITS.account);
    assert_eq!(taken(&[account(2)]), LIMITS.account);
    assert_eq!(taken(&[stranger("192.0.2.1")]), LIMITS.network);
    assert_eq!(taken(&[stranger("192.0.2.1"), stranger("192.0.2.2")]), 2);
    assert_eq!(
        taken(&[stranger("2001:db8::1"), stranger("2001:db8::2")]),
        LIMITS.network
    );
    let site = [1, 2, 3].map(|network| stranger(&format!("2001:db8:0:{network}::1")));
    assert_eq!(taken(&site), LIMITS.block - LIMITS.network);
}

#[test]
fn accounts_that_take_all_of_their_places_leave_one_to_each_of_many_others() {
    let mut queue = Queue::new(LIMITS);
    for number in 0..LIMITS.proven / 2 {
        let greedy = account(number as i64);
        while queue.enter(greedy, ()).is_some() {}
    }
    let others = (100..).take_while(|number| queue.enter(account(*number), ()).is_some());
    assert_eq!(others.count(), 2);
}

#[test]
fn commands_and_strangers_without_an_address_are_limited_only_by_their_class() {
    for (requester, places) in [
        (Requester::Operator, LIMITS.proven),
        (Requester::Stranger(None), LIMITS.strangers),
    ] {
        let mut queue = Queue::new(LIMITS);
        let taken = (0..100).filter(|_| queue.enter(requester, ()).is_some());
        assert_eq!(taken.count(), places, "{requester:?}");
    }
}

#[test]
fn the_many_passwords_of_one_network_do_not_delay_the_single_ones_of_others() {
    let many = stranger("192.0.2.1");
    let (neighbour, other) = (stranger("192.0.2.2"), stranger("198.51.100.1"));
    let mut queue = behind_busy_threads(&[many, many, many, neighbour, other]);
    let order = order(&mut queue, stranger("203.0.113.1"));
    assert_eq!(order, [many, other, neighbour, many, many]);
}

#[test]
fn the_many_networks_of_one_block_do_not_delay_the_single_passwords_of_others() {
    let site = [1, 2, 3, 4].map(|network| stranger(&format!("2001:db8:0:{network}::1")));
    let others = [stranger("2001:db8:1::1"), stranger("192.0.2.1")];
    let [one, two, three, four] = site;
    let mut queue = behind_busy_threads(&[one, two, three, four, others[0], others[1], one]);
    let order = order(&mut queue, stranger("203.0.113.1"));
    assert_eq!(order, [one, others[0], others[1], two, three, four, one]);
}

#[test]
fn accounts_take_turns() {
    let mut queue = behind_busy_threads(&[account(1), account(1), account(2)]);
    let order = order(&mut queue, account(99));
    assert_eq!(order, [account(1), account(2), account(1)]);
}

#[test]
fn a_network_that_returns_waits_for_those_that_waited_before() {
    let (greedy, patient) = (stranger("192.0.2.1"), stranger("198.51.100.1"));
    let mut queue = behind_busy_threads(&[greedy, patient]);
    queue.done(stranger("203.0.113.1"));
    assert_eq!(queue.next().map(|(next, _)| next), Some(greedy));
    queue.enter(greedy, greedy).expect("a place");
    assert_eq!(order(&mut queue, greedy), [patient, greedy]);
}

#[test]
fn a_waiting_password_that_leaves_frees_its_place_and_a_running_one_does_not() {
    let mut queue = Queue::new(LIMITS);
    let first = queue.enter(account(1), "first").expect("a place");
    let second = queue.enter(account(1), "second").expect("a place");
    assert_eq!(queue.enter(account(1), "third"), None);
    assert_eq!(queue.next(), Some((account(1), "first")));
    queue.leave(first);
    assert_eq!(queue.enter(account(1), "third"), None, "it is being hashed");
    queue.leave(second);
    queue.enter(account(1), "fourth").expect("a place");
    assert_eq!(queue.next(), Some((account(1), "fourth")));
    assert_eq!(queue.next(), None);
    queue.done(account(1));
    queue.enter(account(1), "fifth").expect("a place");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Enter(Requester),
    Leave(usize),
    Next,
    Done(usize),
}

fn requesters() -> impl Strategy<Value = Requester> {
    prop_oneof![
        (0..4_i64).prop_map(account),
        Just(Requester::Operator),
        Just(Requester::Stranger(None)),
        (0..6_u8, 0..4_u8)
            .prop_map(|(block, network)| stranger(&format!("192.0.{block}.{network}"))),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => requesters().prop_map(Step::Enter),
        1 => any::<usize>().prop_map(Step::Leave),
        3 => Just(Step::Next),
        2 => any::<usize>().prop_map(Step::Done),
    ];
    prop::collection::vec(step, 1..200)
}

/// A password that waits, and who of its class had a turn since it came.
struct Waits {
    number: u64,
    requester: Requester,
    turns: Vec<Requester>,
}

proptest! {
    #[test]
    fn in_every_history_limits_hold_and_everyone_has_a_turn(steps in steps()) {
        let mut queue = Queue::new(LIMITS);
        let mut waits: Vec<Waits> = Vec::new();
        let mut running: Vec<Requester> = Vec::new();
        let mut arrived = 0;
        for step in steps {
            match step {
                Step::Enter(requester) => {
                    if let Some(number) = queue.enter(requester, arrived) {
                        prop_assert_eq!(number, arrived);
                        arrived += 1;
                        waits.push(Waits { number, requester, turns: Vec::new() });
                    }
                }
                Step::Leave(which) if !waits.is_empty() => {
                    let gone = waits.remove(which % waits.len());
                    queue.leave(gone.number);
                }
                Step::Done(which) if !running.is_empty() => {
                    queue.done(running.swap_remove(which % running.len()));
                }
                Step::Leave(_) | Step::Done(_) => {}
                Step::Next => match queue.next() {
                    Some((requester, number)) => {
                        let index = waits.iter().position(|other| other.number == number);
                        let next = waits.remove(index.expect("it waited"));
                        prop_assert_eq!(next.requester, requester);
                        for other in &mut waits {
                            if other.requester.is_stranger() == requester.is_stranger() {
                                other.turns.push(requester);
                            }
                        }
                        running.push(requester);
                    }
                    None => {
                        let strangers = running.iter().filter(|one| one.is_stranger()).count();
                        let idle = running.len() < LIMITS.threads;
                        let stays = |one: &Waits| one.requester.is_stranger() && strangers == 2;
                        prop_assert!(!idle || waits.iter().all(stays));
                    }
                },
            }
            prop_assert_eq!((queue.running(), queue.waiting()), (running.len(), waits.len()));
            let all = || running.iter().copied().chain(waits.iter().map(|one| one.requester));
            let strangers = all().filter(|one| one.is_stranger()).count();
            prop_assert!(running.len() <= LIMITS.threads);
            prop_assert!(running.iter().filter(|one| one.is_stranger()).count() < LIMITS.threads);
            prop_assert!(strangers <= LIMITS.strangers);
            prop_assert!(all().count() - strangers <= LIMITS.proven);
            // While a requester waits, no other block has two turns before the requester's own block has one. Within
            // its block, no other requester has two turns before this one.
            for one in &waits {
                let mine = |turn: &&Requester| turn.shares_block(one.requester);
                for other in &one.turns {
                    let rounds = one.turns.split(|turn| mine(&turn));
                    let most = rounds.map(|round| {
                        round.iter().filter(|turn| turn.shares_block(*other)).count()
                    });
                    prop_assert!(most.max() <= Some(1));
                    if *other != one.requester && mine(&other) {
                        let of_block = one.turns.iter().filter(mine);
                        let rounds: Vec<_> = of_block.copied().collect();
                        let rounds = rounds.split(|turn| *turn == one.requester);
                        let most = rounds.map(|round| {
                            round.iter().filter(|turn| *turn == other).count()
                        });
                        prop_assert!(most.max() <= Some(1));
                    }
                }
            }
        }
    }
}
