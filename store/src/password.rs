//! Users' passwords: Argon2id, on separate threads, and a few at a time. A fair [`queue`] decides which is next.

mod opaque;
mod queue;
mod rules;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use model::user::Email;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

pub(crate) use self::queue::Requester;
use self::{
    opaque::opaque,
    queue::{Limits, Queue},
};
use crate::{
    error::{NewPasswordError, PasswordHashError},
    task::spawn_blocking,
};

/// How many places strangers have, for each processor: about a second of work. Further callers get an error immediately,
/// because they would give up before their turn.
const PLACES_OF_STRANGERS: usize = 16;

/// How many places the proven have, for each processor. Accounts take turns, so an account waits for one password of each
/// other account, and not for all of them.
const PLACES_OF_PROVEN: usize = 64;

/// How many of these places one account can have: more than one, so that a form sent twice by accident does not fail.
const PLACES_OF_ACCOUNT: usize = 4;

/// The hash of a password that no user has. It is checked when there is no such user: so the time does not reveal
/// whether an address has an account. A test keeps its parameters equal to [`params`].
const DECOY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$GAp084zgXzquENGqY1G7xQ$u19QGlEuk4WqRf4Yw4btwLDa6oygpOoyYq7COqifi6o";

/// How many passwords are being hashed or wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordLoad {
    /// Passwords that a thread hashes.
    pub running: usize,
    /// Passwords that wait for a thread.
    pub waiting: usize,
}

/// Hashes and checks passwords, a few at a time.
#[derive(Clone)]
pub(crate) struct PasswordHasher {
    queue: SharedQueue,
}

/// The ticket of a waiting password is a channel that hands over its [`Turn`].
type SharedQueue = Arc<Mutex<Queue<oneshot::Sender<Turn>>>>;

impl PasswordHasher {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self::limited(limits(processors))
    }

    fn limited(limits: Limits) -> Self {
        Self {
            queue: Arc::new(Mutex::new(Queue::new(limits))),
        }
    }

    /// How many passwords are being hashed, and how many wait.
    pub(crate) fn load(&self) -> PasswordLoad {
        let queue = lock(&self.queue);
        PasswordLoad {
            running: queue.running(),
            waiting: queue.waiting(),
        }
    }

    /// Checks the rules for a new password of this account, and hashes it.
    ///
    /// # Errors
    /// [`NewPasswordError`] and [`PasswordHashError`], as the caller's own type.
    pub(crate) async fn hash_new<E>(
        &self,
        requester: Requester,
        password: &str,
        email: &Email,
    ) -> Result<String, E>
    where
        E: From<NewPasswordError> + From<PasswordHashError>,
    {
        rules::check(&opaque(password), email)?;
        Ok(self.hash(requester, password).await?)
    }

    /// The PHC string of `password`, without a check of the rules.
    ///
    /// # Errors
    /// [`PasswordHashError`].
    pub(crate) async fn hash(
        &self,
        requester: Requester,
        password: &str,
    ) -> Result<String, PasswordHashError> {
        let password = opaque(password);
        self.run(requester, move || {
            let salt = SaltString::generate(&mut OsRng);
            argon2()?
                .hash_password(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(failed)
        })
        .await
    }

    /// Whether `stored` is a hash of `password`. Without a hash the result is false, after the same work.
    ///
    /// The password as typed is tried after its normal form: older versions hashed it that way.
    ///
    /// # Errors
    /// [`PasswordHashError`]; [`PasswordHashError::Failed`] if `stored` is no PHC string.
    pub(crate) async fn verify(
        &self,
        requester: Requester,
        stored: Option<String>,
        password: &str,
    ) -> Result<bool, PasswordHashError> {
        let mut forms = vec![opaque(password)];
        if forms[0].as_str() != password {
            forms.push(Zeroizing::new(password.to_owned()));
        }
        self.run(requester, move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| DECOY_HASH.to_owned());
            let parsed = PasswordHash::new(&stored).map_err(failed)?;
            for form in forms {
                match argon2()?.verify_password(form.as_bytes(), &parsed) {
                    Ok(()) => return Ok(known),
                    Err(argon2::password_hash::Error::Password) => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            Ok(false)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        requester: Requester,
        work: impl FnOnce() -> Result<T, PasswordHashError> + Send + 'static,
    ) -> Result<T, PasswordHashError> {
        let turn = self.enter(requester)?.turn().await?;
        spawn_blocking(move || {
            // The work holds its turn: the thread is not free while it runs, even if the caller disconnects.
            let _turn = turn;
            work()
        })
        .await
        .map_err(failed)?
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// [`PasswordHashError::Busy`] if there is none for this requester.
    pub(crate) fn enter(&self, requester: Requester) -> Result<Place, PasswordHashError> {
        let (ready, turn) = oneshot::channel();
        let number = lock(&self.queue).enter(requester, ready);
        let place = Place {
            number: number.ok_or(PasswordHashError::Busy)?,
            turn,
            queue: Arc::clone(&self.queue),
        };
        start_next(&self.queue);
        Ok(place)
    }
}

/// A place in the queue. Dropping it leaves the queue.
#[must_use]
pub(crate) struct Place {
    number: u64,
    turn: oneshot::Receiver<Turn>,
    queue: SharedQueue,
}

impl Place {
    /// Waits for a thread.
    pub(crate) async fn turn(mut self) -> Result<Turn, PasswordHashError> {
        (&mut self.turn).await.map_err(failed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.queue).leave(self.number);
    }
}

/// A thread for one password. Dropping it frees the thread.
#[must_use]
pub(crate) struct Turn {
    requester: Requester,
    queue: SharedQueue,
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.queue).done(self.requester);
        start_next(&self.queue);
    }
}

/// Gives each free thread to the next waiting password.
fn start_next(queue: &SharedQueue) {
    loop {
        // The lock is not held below: a turn that is dropped takes it.
        let next = lock(queue).next();
        let Some((requester, ready)) = next else {
            return;
        };
        let turn = Turn {
            requester,
            queue: Arc::clone(queue),
        };
        // If the caller has disconnected, the turn is dropped, and frees the thread.
        drop(ready.send(turn));
    }
}

fn lock<T>(queue: &Mutex<Queue<T>>) -> MutexGuard<'_, Queue<T>> {
    // No code between its changes can panic.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The limits on a machine with this many processors. Each hash takes 19 MiB and a processor for some tens of
/// milliseconds. Without a limit, a burst of sign-ins would leave nothing for other requests.
fn limits(processors: usize) -> Limits {
    let places = processors * PLACES_OF_STRANGERS;
    Limits {
        threads: processors.max(2),
        proven: processors * PLACES_OF_PROVEN,
        strangers: places,
        account: PLACES_OF_ACCOUNT,
        network: (places / 8).max(4),
        block: (places / 4).max(8),
    }
}

fn failed(error: impl std::fmt::Display) -> PasswordHashError {
    PasswordHashError::Failed(error.to_string())
}

/// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
fn params() -> Result<Params, PasswordHashError> {
    Params::new(19 * 1024, 2, 1, None).map_err(failed)
}

fn argon2() -> Result<Argon2<'static>, PasswordHashError> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An account whose browser is known.
    const ADA: Requester = Requester::Account(model::user::UserId(1));
    const STRANGER: Requester = Requester::Stranger(None);

    /// One thread for strangers, and one for others.
    fn two_threads() -> PasswordHasher {
        PasswordHasher::limited(Limits {
            threads: 2,
            proven: 3,
            strangers: 3,
            account: 3,
            network: 3,
            block: 3,
        })
    }

    #[tokio::test]
    async fn the_right_password_is_accepted_and_another_is_not() {
        let hasher = PasswordHasher::new();
        let hash = hasher.hash(ADA, "correct horse").await.expect("hashed");
        assert!(
            hasher
                .verify(ADA, Some(hash.clone()), "correct horse")
                .await
                .expect("checked")
        );
        assert!(
            !hasher
                .verify(STRANGER, Some(hash), "Correct horse")
                .await
                .expect("checked")
        );
    }

    /// macOS and Windows write an accented letter in different ways.
    #[tokio::test]
    async fn one_password_is_accepted_in_each_of_its_forms() {
        const FORMS: [&str; 3] = [
            "Zu\u{308}rich\u{a0}photos",
            "Z\u{fc}rich photos",
            "Z\u{fc}rich\u{3000}photos",
        ];
        let hasher = PasswordHasher::new();
        for (set, typed) in FORMS.iter().flat_map(|it| FORMS.map(|other| (it, other))) {
            let hash = hasher.hash(ADA, set).await.expect("hashed");
            let matches = hasher.verify(ADA, Some(hash), typed).await;
            assert!(matches.expect("checked"), "{set:?} {typed:?}");
        }
    }

    #[tokio::test]
    async fn a_hash_of_a_password_as_it_was_typed_is_still_accepted() {
        let typed = "Zu\u{308}rich photos";
        let salt = SaltString::generate(&mut OsRng);
        let hash = argon2()
            .expect("valid")
            .hash_password(typed.as_bytes(), &salt);
        let hash = hash.expect("hashed").to_string();
        let hasher = PasswordHasher::new();
        for (password, is_right) in [(typed, true), ("Zu\u{308}rich photo", false)] {
            let matches = hasher.verify(ADA, Some(hash.clone()), password).await;
            assert_eq!(matches.expect("checked"), is_right, "{password}");
        }
    }

    #[tokio::test]
    async fn without_an_account_no_password_is_accepted() {
        let hasher = PasswordHasher::new();
        let matches = hasher.verify(STRANGER, None, "correct horse").await;
        assert!(!matches.expect("checked"));
    }

    /// While the strangers' thread is busy, each further stranger waits, up to the limit.
    #[tokio::test]
    async fn a_caller_beyond_the_limit_gets_an_error_and_the_waiting_ones_get_their_result() {
        let hasher = two_threads();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = hasher.run(STRANGER, move || {
            let _ = held.recv();
            Ok(())
        });
        let one = hasher.verify(STRANGER, None, "one");
        let two = hasher.verify(STRANGER, None, "two");
        let too_many = async {
            // The futures before this one were polled: one runs, two wait.
            let (running, waiting) = (1, 2);
            assert_eq!(hasher.load(), PasswordLoad { running, waiting });
            let refused = hasher.verify(STRANGER, None, "three").await;
            assert!(
                matches!(refused, Err(PasswordHashError::Busy)),
                "{refused:?}"
            );
            let proven = hasher.verify(ADA, None, "four").await;
            assert!(!proven.expect("a thread and a place of its own"));
            drop(release);
        };
        let (first, one, two, ()) = tokio::join!(first, one, two, too_many);
        first.expect("checked");
        assert!(!one.expect("checked") && !two.expect("checked"));
        let free = hasher.verify(STRANGER, None, "five").await;
        assert!(!free.expect("a free place"));
        let (running, waiting) = (0, 0);
        assert_eq!(hasher.load(), PasswordLoad { running, waiting });
    }

    /// A caller that goes away while its password is hashed must not free its thread early.
    #[tokio::test]
    async fn the_limit_holds_also_when_callers_go_away() {
        let hasher = two_threads();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let gone = hasher.run(STRANGER, move || {
            let _ = held.recv();
            Ok(())
        });
        let gone = tokio::time::timeout(std::time::Duration::ZERO, gone).await;
        gone.expect_err("dropped before it was done");
        assert_eq!(hasher.load().running, 1);
        let waits = hasher.enter(STRANGER).expect("a place");
        assert_eq!(hasher.load().waiting, 1);
        release.send(()).expect("still at it");
        drop(waits.turn().await.expect("its turn came"));
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_frees_its_place_and_its_turn() {
        let hasher = two_threads();
        let running = hasher.enter(STRANGER).expect("a place");
        let [waiting, last] = [(), ()].map(|()| hasher.enter(STRANGER).expect("a place"));
        assert!(hasher.enter(STRANGER).is_err());
        drop(waiting);
        assert_eq!(hasher.load().waiting, 1);
        // Its turn has come, but it has not been taken.
        drop(running);
        last.turn().await.map(drop).expect("the thread is free");
        assert_eq!(hasher.load().running, 0);
    }

    #[test]
    fn one_network_or_block_has_a_small_share_of_the_places_and_strangers_leave_a_thread() {
        for processors in [1, 2, 3, 8, 64] {
            let limits = limits(processors);
            assert!(limits.threads >= 2);
            assert!(limits.account * 4 <= limits.proven, "{limits:?}");
            assert!(limits.network * 4 <= limits.strangers, "{limits:?}");
            assert!(limits.block * 2 <= limits.strangers, "{limits:?}");
        }
    }

    #[test]
    fn the_decoy_costs_as_much_as_a_real_hash() {
        let decoy = PasswordHash::new(DECOY_HASH).expect("a PHC string");
        let costs = Params::try_from(&decoy).expect("Argon2 parameters");
        let ours = params().expect("valid");
        assert_eq!(decoy.algorithm.as_str(), "argon2id");
        assert_eq!(
            (costs.m_cost(), costs.t_cost(), costs.p_cost()),
            (ours.m_cost(), ours.t_cost(), ours.p_cost())
        );
    }
}
