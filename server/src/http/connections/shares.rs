//! Which networks hold the connections, and which connection makes room for a new one.
//!
//! No caller may hold every connection. So each network may hold only a part of them. If a new connection finds no
//! room, one that waits for its caller is closed. These rules use no sockets and no clock.

use std::{cmp::Reverse, collections::HashMap, net::IpAddr, time::Duration};

use model::client::{AddressBlock, ClientAddress, ClientNetwork};

/// The maximum number of connections: of all callers, and of each network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Of all callers together.
    pub(super) all: usize,
    /// Of an IPv4 address, or of a /64 network of IPv6.
    pub(super) caller: usize,
    /// Of a block of addresses.
    pub(super) block: usize,
}

impl Limits {
    /// A caller may hold a quarter of the connections, and at least 8, because a browser opens several. A block may hold
    /// half of them, and at least 16. So up to 16 connections a block can hold all, and up to 8 a caller can.
    pub(super) fn of(all: usize) -> Self {
        #[cfg(feature = "sabotage")]
        if store::sabotage::no_shares() {
            let (caller, block) = (usize::MAX, usize::MAX);
            return Self { all, caller, block };
        }
        Self {
            all,
            caller: (all / 4).max(8),
            block: (all / 2).max(16),
        }
    }
}

/// Something that has a share of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Network {
    Caller(ClientNetwork),
    Block(AddressBlock),
}

/// The networks that a connection counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Networks {
    caller: Network,
    block: Network,
}

impl Networks {
    /// The networks of the caller at this address.
    pub(super) fn of(address: IpAddr) -> Self {
        let caller = ClientAddress::new(address).network();
        Self {
            caller: Network::Caller(caller),
            block: Network::Block(caller.block()),
        }
    }

    fn both(self) -> [Network; 2] {
        [self.caller, self.block]
    }
}

/// Where a new connection must find room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is room.
    Free,
    /// In this network, which uses its whole share.
    In(Network),
    /// Anywhere: all connections are in use.
    Anywhere,
}

/// How many connections each network holds.
#[derive(Debug, Default)]
pub(super) struct Shares(HashMap<Network, usize>);

impl Shares {
    /// Counts a connection.
    pub(super) fn add(&mut self, networks: Networks) {
        for network in networks.both() {
            *self.0.entry(network).or_default() += 1;
        }
    }

    /// Stops counting a connection.
    pub(super) fn remove(&mut self, networks: Networks) {
        for network in networks.both() {
            if let Some(count) = self.0.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.0.remove(&network);
                }
            }
        }
    }

    /// Where a new connection must find room if `open` connections are open. A trusted proxy's connection has no
    /// networks, because it carries requests of many callers.
    pub(super) fn room(&self, networks: Option<Networks>, open: usize, limits: Limits) -> Room {
        if let Some(networks) = networks {
            let limits = [limits.caller, limits.block];
            for (network, limit) in networks.both().into_iter().zip(limits) {
                if self.count(network) >= limit {
                    return Room::In(network);
                }
            }
        }
        if open < limits.all {
            Room::Free
        } else {
            Room::Anywhere
        }
    }

    /// Which of the candidates makes room. First come those of the block that holds most, then those of the caller that
    /// holds most, then the one that waited longest. None if no candidate is in the right network.
    pub(super) fn makes_room<K>(
        &self,
        room: Room,
        candidates: impl Iterator<Item = Candidate<K>>,
    ) -> Option<K> {
        #[cfg(feature = "sabotage")]
        if store::sabotage::no_shares() {
            return None;
        }
        let is_there = |networks: Networks| match room {
            Room::In(network) => networks.both().contains(&network),
            Room::Free | Room::Anywhere => true,
        };
        candidates
            .filter(|candidate| is_there(candidate.networks))
            .max_by_key(|candidate| {
                let Networks { caller, block } = candidate.networks;
                let held = (self.count(block), self.count(caller));
                (held, candidate.waited, Reverse(candidate.number))
            })
            .map(|candidate| candidate.key)
    }

    fn count(&self, network: Network) -> usize {
        self.0.get(&network).copied().unwrap_or_default()
    }
}

/// A connection that could make room, because it waits for its caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<K> {
    /// Identifies the connection.
    pub(super) key: K,
    pub(super) networks: Networks,
    /// How long it has waited for its caller.
    pub(super) waited: Duration,
    /// Connections are numbered in the order of their arrival. The number decides between equal waits.
    pub(super) number: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        all: 8,
        caller: 2,
        block: 4,
    };

    fn networks(address: &str) -> Networks {
        Networks::of(address.parse().expect("an address"))
    }

    fn shares(addresses: &[&str]) -> Shares {
        let mut shares = Shares::default();
        for address in addresses {
            shares.add(networks(address));
        }
        shares
    }

    /// The caller's network, or its block.
    fn caller(address: &str) -> Network {
        networks(address).caller
    }

    fn block(address: &str) -> Network {
        networks(address).block
    }

    /// Which of these connections makes room. Each is an address and its wait in seconds. The result is an index.
    fn makes_room(room: Room, connections: &[(&str, u64)]) -> Option<u64> {
        let addresses: Vec<_> = connections.iter().map(|(address, _)| *address).collect();
        let candidates = connections.iter().zip(0..);
        let candidates = candidates.map(|((address, waited), number)| Candidate {
            key: number,
            networks: networks(address),
            waited: Duration::from_secs(*waited),
            number,
        });
        shares(&addresses).makes_room(room, candidates)
    }

    #[test]
    fn a_caller_gets_room_until_it_holds_its_share() {
        let address = "192.0.2.1";
        let room = |held: &[&str]| shares(held).room(Some(networks(address)), held.len(), LIMITS);
        assert_eq!(room(&[]), Room::Free);
        assert_eq!(room(&[address]), Room::Free);
        assert_eq!(room(&[address; 2]), Room::In(caller("192.0.2.1")));
    }

    #[test]
    fn a_caller_gets_room_while_another_network_holds_its_share() {
        let held = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"];
        let room = |address| shares(&held).room(Some(networks(address)), held.len(), LIMITS);
        assert_eq!(room("192.0.2.3"), Room::In(block("192.0.2.0")));
        assert_eq!(room("192.0.3.3"), Room::Free);
        assert_eq!(room("2001:db8::1"), Room::Free);
    }

    #[test]
    fn an_ipv6_caller_cannot_get_more_with_other_addresses_of_its_networks() {
        let same_64 = shares(&["2001:db8:0:1::1", "2001:db8:0:1:ffff::"]);
        let room = |shares: &Shares, address| shares.room(Some(networks(address)), 2, LIMITS);
        assert_eq!(
            room(&same_64, "2001:db8:0:1::9"),
            Room::In(caller("2001:db8:0:1::"))
        );
        assert_eq!(room(&same_64, "2001:db8:0:2::9"), Room::Free);
        let same_48: Vec<_> = (1..=4).map(|n| format!("2001:db8:0:{n}::1")).collect();
        let same_48: Vec<_> = same_48.iter().map(String::as_str).collect();
        assert_eq!(
            room(&shares(&same_48), "2001:db8:0:9::1"),
            Room::In(block("2001:db8::"))
        );
        assert_eq!(room(&shares(&same_48), "2001:db8:1::1"), Room::Free);
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_same_caller() {
        assert_eq!(networks("::ffff:192.0.2.1"), networks("192.0.2.1"));
    }

    #[test]
    fn a_trusted_proxy_has_no_share_and_is_limited_only_by_the_total() {
        let none = Shares::default();
        assert_eq!(none.room(None, LIMITS.all - 1, LIMITS), Room::Free);
        assert_eq!(none.room(None, LIMITS.all, LIMITS), Room::Anywhere);
    }

    #[test]
    fn an_ended_connection_no_longer_counts() {
        let mut shares = shares(&["192.0.2.1", "192.0.2.1"]);
        shares.remove(networks("192.0.2.1"));
        let room = shares.room(Some(networks("192.0.2.1")), 1, LIMITS);
        assert_eq!(room, Room::Free);
        shares.remove(networks("192.0.2.1"));
        assert!(shares.0.is_empty(), "{shares:?}");
    }

    #[test]
    fn the_longest_waiting_connection_of_the_network_that_holds_most_makes_room() {
        let attacker = "192.0.2.1";
        let held = [
            ("198.51.100.1", 70),
            (attacker, 1),
            (attacker, 3),
            (attacker, 2),
        ];
        assert_eq!(makes_room(Room::Anywhere, &held), Some(2));
        // The block with most connections is found although no address of it holds most. Its small caller keeps its own.
        let held = [
            ("198.51.100.1", 70),
            ("198.51.100.1", 70),
            ("192.0.2.1", 1),
            ("192.0.2.2", 60),
            ("192.0.2.1", 2),
        ];
        assert_eq!(makes_room(Room::Anywhere, &held), Some(4));
    }

    #[test]
    fn within_a_network_only_its_own_connections_make_room() {
        let held = [("198.51.100.1", 70), ("192.0.2.1", 1), ("192.0.2.2", 2)];
        let room = |network| makes_room(Room::In(network), &held);
        assert_eq!(room(caller("192.0.2.1")), Some(1));
        assert_eq!(room(block("192.0.2.1")), Some(2));
        assert_eq!(room(block("203.0.113.1")), None);
        assert_eq!(makes_room(Room::Anywhere, &[]), None);
    }

    #[test]
    fn of_equal_waits_the_older_connection_makes_room() {
        let held = [("192.0.2.1", 5), ("192.0.2.1", 5)];
        assert_eq!(makes_room(Room::Anywhere, &held), Some(0));
    }

    #[test]
    fn of_64_connections_or_more_a_block_cannot_hold_all_and_a_caller_can_always_hold_eight() {
        for all in [64, 68, 10_000] {
            let limits = Limits::of(all);
            assert!(
                limits.caller < limits.block && limits.block < all,
                "{limits:?}"
            );
        }
        assert_eq!(Limits::of(10_000).caller, 2_500);
        assert!(Limits::of(18).caller >= 8);
    }
}
