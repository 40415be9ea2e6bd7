//! Threads of a pool that stay awake while something goes on.
//!
//! A thread without work falls asleep within some microseconds, and to wake it takes longer than a share of most steps. So
//! whoever shares out one step after the other enters the pool once, and its other threads look for shares all the while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, Yield};

/// So many threads stay awake at most: as many as there are shares of a step.
pub(crate) const MOST_AWAKE: usize = 8;
/// A thread that found nothing for so long takes naps,
const PATIENCE: Duration = Duration::from_millis(1);
/// each of so long: whoever looks at a paused run has a cool machine.
const NAP: Duration = Duration::from_millis(1);

/// Whether this is one of a pool's threads, so that the others look for work.
pub(crate) fn is_awake(pool: &ThreadPool) -> bool {
    pool.current_thread_index().is_some()
}

/// Does something in a pool, or here. The pool's other threads are awake until it is done.
pub(crate) fn install<R: Send>(pool: Option<&ThreadPool>, work: impl FnOnce() -> R + Send) -> R {
    match pool {
        Some(pool) if !is_awake(pool) => pool.install(|| among_others(work)),
        _ => work(),
    }
}

fn among_others<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let (is_done, own) = (AtomicBool::new(false), rayon::current_thread_index());
    rayon::scope(|scope| {
        scope.spawn_broadcast(|_, context| {
            if Some(context.index()) != own && context.index() < MOST_AWAKE {
                look_for_work_until(&is_done);
            }
        });
        let _done = SetAtTheEnd(&is_done);
        work()
    })
}

/// Sets a flag also where a panic leads out.
struct SetAtTheEnd<'a>(&'a AtomicBool);

impl Drop for SetAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn look_for_work_until(is_done: &AtomicBool) {
    let mut idle_since = None;
    while !is_done.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(Yield::Executed) {
            idle_since = None;
        } else if idle_since.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
            std::thread::yield_now();
        } else {
            std::thread::sleep(NAP);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_shared_in_the_pool_and_its_threads_are_free_afterwards() {
        for n_threads in [1, 2, 3, 12] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            for _ in 0..20 {
                let sum = install(Some(&pool), || {
                    assert!(is_awake(&pool));
                    // Once within itself, and pauses longer than anyone is patient.
                    let (a, b) = install(Some(&pool), || rayon::join(|| 1, || 2));
                    std::thread::sleep(2 * PATIENCE);
                    let (c, d) = rayon::join(|| 3, || 4);
                    a + b + c + d
                });
                assert_eq!(sum, 10);
            }
            let indices = pool.broadcast(|context| context.index());
            assert_eq!(indices, (0..n_threads).collect::<Vec<_>>());
        }
        assert_eq!(install(None, || 5), 5);
    }

    #[test]
    fn a_panic_leads_out() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let work = || install(Some(&pool), || panic!("as it should"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(install(Some(&pool), || rayon::join(|| 1, || 2)), (1, 2));
    }
}
