//! Decides which password is hashed next, and which one is turned away. It hashes nothing and reads no clock.
//!
//! There are two classes ([`Requester`]). Proven requesters have threads and places that strangers cannot take: at
//! least one thread is theirs, and a free thread goes to them first. Strangers keep one thread while any of them waits.
//!
//! Within a class, requesters take turns. Strangers do so by block of addresses, and within a block by network; proven
//! ones by account. So a requester with many waiting passwords delays the others by one password each round. Each
//! account, network and block can have only a few passwords here.

use model::{client::ClientNetwork, user::UserId};

/// Whose password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requester {
    /// A session of this account, or a device where it has signed in before. Proven.
    Account(UserId),
    /// A command. Proven.
    Operator,
    /// An unknown client in this network.
    Stranger(Option<ClientNetwork>),
}

impl Requester {
    const fn is_stranger(self) -> bool {
        matches!(self, Self::Stranger(_))
    }

    /// Whether both belong to one block of addresses. An account is a block of its own.
    fn shares_block(self, other: Self) -> bool {
        match (self, other) {
            (Self::Stranger(Some(one)), Self::Stranger(Some(two))) => one.block() == two.block(),
            (one, two) => one == two,
        }
    }
}

/// The numbers of threads and places, and how many of them a requester can have. A place is for one password, which
/// waits or is being hashed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Passwords that are hashed at the same time: two or more.
    pub(super) threads: usize,
    /// Places of all proven requesters.
    pub(super) proven: usize,
    /// Places of all strangers.
    pub(super) strangers: usize,
    /// Places of one account.
    pub(super) account: usize,
    /// Places of one network.
    pub(super) network: usize,
    /// Places of one block of addresses.
    pub(super) block: usize,
}

/// The passwords that wait or are being hashed. Each waiting one has a ticket, which [`Queue::next`] returns.
pub(super) struct Queue<T> {
    limits: Limits,
    running: Vec<Requester>,
    /// In the order of arrival. Short enough to be searched: its length is limited by the places.
    waiting: Vec<Waiting<T>>,
    arrived: u64,
    started: u64,
}

struct Waiting<T> {
    number: u64,
    requester: Requester,
    /// The value of `started` when this block last had a turn, or when it began to wait.
    turn_of_block: u64,
    /// The same for this requester.
    turn: u64,
    ticket: T,
}

impl<T> Queue<T> {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            running: Vec::new(),
            waiting: Vec::new(),
            arrived: 0,
            started: 0,
        }
    }

    /// Adds a password to those that wait, and returns its number; none if there is no place for it.
    pub(super) fn enter(&mut self, requester: Requester, ticket: T) -> Option<u64> {
        if !self.has_place_for(requester) {
            return None;
        }
        let waiting = || self.waiting.iter();
        let same_block = waiting().find(|other| other.requester.shares_block(requester));
        let turn_of_block = same_block.map_or(self.started, |other| other.turn_of_block);
        let same = waiting().find(|other| other.requester == requester);
        let turn = same.map_or(self.started, |other| other.turn);
        let number = self.arrived;
        self.arrived += 1;
        self.waiting.push(Waiting {
            number,
            requester,
            turn_of_block,
            turn,
            ticket,
        });
        Some(number)
    }

    /// Removes a password that no longer has to be hashed, if it still waits.
    pub(super) fn leave(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    /// The next password to hash. None if no thread is free for a waiting one. The thread is taken until
    /// [`Queue::done`].
    pub(super) fn next(&mut self) -> Option<(Requester, T)> {
        if self.running.len() >= self.limits.threads {
            return None;
        }
        let strangers = self.count_running(Requester::is_stranger);
        let proven = self.first(|requester| !requester.is_stranger());
        let stranger = self.first(Requester::is_stranger);
        // The last free thread is for the proven.
        let stranger = stranger.filter(|_| strangers + 1 < self.limits.threads);
        let is_strangers_turn = strangers == 0 && !self.running.is_empty();
        let index = match is_strangers_turn {
            true => stranger.or(proven),
            false => proven.or(stranger),
        };
        let next = self.waiting.remove(index?);
        self.started += 1;
        for other in &mut self.waiting {
            if other.requester.shares_block(next.requester) {
                other.turn_of_block = self.started;
            }
            if other.requester == next.requester {
                other.turn = self.started;
            }
        }
        self.running.push(next.requester);
        Some((next.requester, next.ticket))
    }

    /// Frees the thread of a password of this requester.
    pub(super) fn done(&mut self, requester: Requester) {
        if let Some(index) = self.running.iter().position(|other| *other == requester) {
            self.running.swap_remove(index);
        }
    }

    /// How many passwords are being hashed.
    pub(super) const fn running(&self) -> usize {
        self.running.len()
    }

    /// How many passwords wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn has_place_for(&self, requester: Requester) -> bool {
        let limits = self.limits;
        let same = |other| other == requester;
        let of_class = self.count(|other| other.is_stranger() == requester.is_stranger());
        let most = match requester.is_stranger() {
            true => limits.strangers,
            false => limits.proven,
        };
        of_class < most
            && match requester {
                Requester::Account(_) => {
                    // Half of the places are for the first password of an account. Otherwise a few accounts with
                    // several passwords each could take all places.
                    let of_account = self.count(same);
                    of_account == 0 || of_account < limits.account && of_class < limits.proven / 2
                }
                Requester::Stranger(Some(_)) => {
                    let of_block = self.count(|other| other.shares_block(requester));
                    self.count(same) < limits.network && of_block < limits.block
                }
                // Many requesters share these two values, so only the class is limited.
                Requester::Operator | Requester::Stranger(None) => true,
            }
    }

    /// The places that these requesters have.
    fn count(&self, which: impl Fn(Requester) -> bool) -> usize {
        let waiting = self.waiting.iter().map(|waiting| waiting.requester);
        let waiting = waiting.filter(|requester| which(*requester)).count();
        waiting + self.count_running(which)
    }

    fn count_running(&self, which: impl Fn(Requester) -> bool) -> usize {
        let running = self.running.iter();
        running.filter(|requester| which(**requester)).count()
    }

    /// The index of the waiting password that is next among these requesters.
    fn first(&self, which: impl Fn(Requester) -> bool) -> Option<usize> {
        let waiting = self.waiting.iter().enumerate();
        let candidates = waiting.filter(|(_, waiting)| which(waiting.requester));
        let next = candidates
            .min_by_key(|(_, waiting)| (waiting.turn_of_block, waiting.turn, waiting.number));
        next.map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests;
