//! Whose turn it is to write to SQLite.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::limits::{DATABASE_TIMEOUT, URGENT_TURN_TIMEOUT};

/// The queue for SQLite's only writer. A revocation is next, however many other writers wait.
///
/// Other writers queue for the waiting room first, and keep it until the end of their turn. So at most one of them is
/// in front of a revocation in the queue for the turn itself: the one that is writing.
#[derive(Clone, Debug)]
pub(super) struct WriterTurns {
    waiting_room: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

/// A turn, which ends when it is dropped.
pub(super) struct Turn {
    _turn: OwnedSemaphorePermit,
    _waiting_room: Option<OwnedSemaphorePermit>,
}

impl WriterTurns {
    pub(super) fn new() -> Self {
        Self {
            waiting_room: Arc::new(Semaphore::new(1)),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits for a turn behind all other writers.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`].
    pub(super) async fn take(&self) -> Result<Turn, sqlx::Error> {
        within(DATABASE_TIMEOUT, async {
            let waiting_room = enter(&self.waiting_room).await?;
            Ok(Turn {
                _turn: enter(&self.turn).await?,
                _waiting_room: Some(waiting_room),
            })
        })
        .await
    }

    /// Waits for a turn in front of all writers that are not urgent.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`].
    pub(super) async fn take_urgently(&self) -> Result<Turn, sqlx::Error> {
        within(URGENT_TURN_TIMEOUT, async {
            Ok(Turn {
                _turn: enter(&self.turn).await?,
                _waiting_room: None,
            })
        })
        .await
    }
}

async fn enter(queue: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, sqlx::Error> {
    let entered = Arc::clone(queue).acquire_owned().await;
    entered.map_err(|_| sqlx::Error::PoolClosed)
}

async fn within<T>(
    limit: Duration,
    wait: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let outcome = timeout(limit, wait).await;
    outcome.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn poll<F: Future>(wait: &mut Pin<&mut F>) -> Poll<F::Output> {
        wait.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_revocation_writes_next_however_many_writers_wait() {
        let turns = WriterTurns::new();
        let writing = turns.take().await.expect("a turn");
        let mut first = pin!(turns.take());
        let mut second = pin!(turns.take());
        let mut revocation = pin!(turns.take_urgently());
        assert!(poll(&mut first).is_pending());
        assert!(poll(&mut second).is_pending());
        assert!(poll(&mut revocation).is_pending());
        drop(writing);
        assert!(poll(&mut first).is_pending());
        let Poll::Ready(Ok(revoking)) = poll(&mut revocation) else {
            panic!("the revocation waits");
        };
        drop(revoking);
        let Poll::Ready(Ok(writing)) = poll(&mut first) else {
            panic!("the first writer waits");
        };
        drop(writing);
        assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_gives_up_leaves_the_queue() {
        let turns = WriterTurns::new();
        let writing = turns.take().await.expect("a turn");
        assert!(turns.take().await.is_err());
        assert!(turns.take_urgently().await.is_err());
        drop(writing);
        turns.take().await.expect("a turn");
        turns.take_urgently().await.expect("a turn");
    }
}
