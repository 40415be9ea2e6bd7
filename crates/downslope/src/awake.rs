//! Threads of a pool that stay awake while a run lasts.
//!
//! A thread without work falls asleep within some microseconds, and to wake it takes longer than a share of most steps. So a
//! run that shares out one step after the other enters its pool once, and the pool's other threads look for shares all the
//! while.
//!
//! A pool takes one run at a time: a second one would wait for the first. And nobody who is told of a run may wait for work of
//! its pool to be done.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, Yield};

/// A thread that found nothing for so long takes naps,
const PATIENCE: Duration = Duration::from_millis(1);
/// each of so long: whoever looks at a paused run has a cool machine.
const NAP: Duration = Duration::from_millis(1);

thread_local! {
    /// Whether this thread has a run, or looks for shares of one.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is one of a pool's threads.
pub(crate) fn is_within(pool: &ThreadPool) -> bool {
    pool.current_thread_index().is_some()
}

/// Does something in a pool, or here.
pub(crate) fn install<R: Send>(pool: Option<&ThreadPool>, work: impl FnOnce() -> R + Send) -> R {
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// The same, while the pool's other threads are awake.
pub(crate) fn among_awake<R: Send>(pool: Option<&ThreadPool>, work: impl FnOnce() -> R + Send) -> R {
    match pool {
        Some(pool) if !(is_within(pool) && IS_BUSY.get()) => pool.install(|| keep_awake(work)),
        _ => work(),
    }
}

fn keep_awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let end = End::default();
    let _busy = Busy::begin();
    rayon::scope(|scope| {
        scope.spawn_broadcast(|_, _| {
            // On a thread that is busy this comes up where it waits for a share, and must not keep it.
            if !IS_BUSY.get() {
                let _busy = Busy::begin();
                end.look_for_work_until_then();
            }
        });
        // Also where a panic leads out.
        let _told = Told(&end);
        work()
    })
}

/// This thread, until it is dropped.
struct Busy {
    was: bool,
}

impl Busy {
    fn begin() -> Self {
        Self { was: IS_BUSY.replace(true) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        IS_BUSY.set(self.was);
    }
}

/// The end of a run, which those that nap are woken for.
#[derive(Default)]
struct End {
    is_there: AtomicBool,
    naps: Mutex<()>,
    told: Condvar,
}

impl End {
    fn look_for_work_until_then(&self) {
        let mut idle_since = None;
        while !self.is_there.load(Ordering::Acquire) {
            if rayon::yield_now() == Some(Yield::Executed) {
                idle_since = None;
            } else if idle_since.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
                std::thread::yield_now();
            } else {
                let nap = self.naps.lock().unwrap_or_else(PoisonError::into_inner);
                if !self.is_there.load(Ordering::Acquire) {
                    drop(self.told.wait_timeout(nap, NAP));
                }
            }
        }
    }
}

struct Told<'a>(&'a End);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let nap = self.0.naps.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.is_there.store(true, Ordering::Release);
        drop(nap);
        self.0.told.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(n_threads: usize) -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap()
    }

    #[test]
    fn work_is_shared_in_the_pool_and_its_threads_are_free_afterwards() {
        for n_threads in [1, 2, 3, 12] {
            let pool = pool(n_threads);
            for _ in 0..20 {
                let sum = among_awake(Some(&pool), || {
                    assert!(is_within(&pool) && IS_BUSY.get());
                    // Once within itself, and a pause longer than anyone is patient.
                    let (a, b) = among_awake(Some(&pool), || rayon::join(|| 1, || 2));
                    std::thread::sleep(2 * PATIENCE);
                    let (c, d) = rayon::join(|| 3, || 4);
                    a + b + c + d
                });
                assert_eq!(sum, 10);
            }
            let states = pool.broadcast(|context| (context.index(), IS_BUSY.get()));
            assert_eq!(states, (0..n_threads).map(|index| (index, false)).collect::<Vec<_>>());
        }
        assert_eq!(among_awake(None, || 5), 5);
    }

    #[test]
    fn threads_are_kept_awake_for_a_run_that_is_in_the_pool_already() {
        let pool = pool(2);
        let (is_busy, other) = pool.install(|| {
            let own = pool.current_thread_index();
            among_awake(Some(&pool), || {
                // Whoever takes the other half is awake, and so is busy.
                let look = || (pool.current_thread_index(), IS_BUSY.get());
                let halves = rayon::join(
                    || {
                        std::thread::sleep(Duration::from_millis(50));
                        look()
                    },
                    look,
                );
                (halves.0.1 && halves.1.1, halves.1.0 != own)
            })
        });
        assert!(is_busy && other);
    }

    #[test]
    fn several_runs_on_one_pool_all_come_to_an_end() {
        let pool = pool(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert_eq!(among_awake(Some(&pool), || rayon::join(|| 1, || 2)), (1, 2));
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_leads_out() {
        let pool = pool(2);
        let work = || among_awake(Some(&pool), || panic!("as it should"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(among_awake(Some(&pool), || rayon::join(|| 1, || 2)), (1, 2));
        assert!(pool.broadcast(|_| IS_BUSY.get()).iter().all(|is_busy| !is_busy));
    }
}
