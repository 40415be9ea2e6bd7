//! What is done with many things by several threads?
//!
//! By those of the rayon pool that the caller is in: whoever wants threads calls the engine from within
//! [`rayon::ThreadPool::install`], and outside of any pool there is one thread. Neither results nor errors depend on them.
//! While it waits for others, the caller's thread may do other work of that pool, as ever with rayon: so no lock should be
//! held that such work takes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// Does the same with each item. Each thread takes the next one as soon as it is done with another, and has room of its own
/// for that; the rooms are returned, of those threads that had something to do, in whatever order.
///
/// # Errors
/// Of several that of the first item. What lies behind an error may be left out.
pub(super) fn for_each<Item: Send, Room: Send>(
    items: impl Iterator<Item = Item> + Send,
    room: impl Fn() -> Room + Sync,
    does: impl Fn(&mut Room, Item) -> Result<()> + Sync,
) -> Result<Vec<Room>> {
    let most_threads = items.size_hint().1.unwrap_or(usize::MAX);
    let work = Mutex::new(Work { items: items.enumerate(), error: None, rooms: Vec::new() });
    let next = || lock(&work).next();
    let work_on = || {
        let mut own = None;
        while let Some((place, item)) = next() {
            if let Err(error) = does(own.get_or_insert_with(&room), item) {
                lock(&work).refuse(place, error);
            }
        }
        lock(&work).rooms.extend(own);
    };
    match rayon::current_thread_index() {
        None => work_on(),
        Some(_) => rayon::scope(|scope| {
            (1..most_threads.min(rayon::current_num_threads())).for_each(|_| scope.spawn(|_| work_on()));
            work_on();
        }),
    }
    let Work { error, rooms, .. } = work.into_inner().unwrap_or_else(PoisonError::into_inner);
    error.map_or(Ok(rooms), |(_, error)| Err(error))
}

/// What is to be done, and what came of it.
struct Work<Items, Room> {
    items: Items,
    /// The first item so far that was refused, by its place, and why.
    error: Option<(usize, Error)>,
    rooms: Vec<Room>,
}

impl<Items: Iterator, Room> Work<Items, Room> {
    /// The next item; none behind an error, before which all items have been given out.
    fn next(&mut self) -> Option<Items::Item> {
        if self.error.is_some() { None } else { self.items.next() }
    }

    fn refuse(&mut self, place: usize, error: Error) {
        if self.error.as_ref().is_none_or(|(first, _)| place < *first) {
            self.error = Some((place, error));
        }
    }
}

fn lock<T>(work: &Mutex<T>) -> MutexGuard<'_, T> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::error::ErrorKind;

    /// What comes of something, outside of a pool and on the threads of pools.
    pub(in crate::data) fn on_threads<T: PartialEq + Debug + Send>(of: impl Fn() -> T + Sync) -> T {
        let alone = of();
        for n_threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            assert_eq!(pool.install(&of), alone, "{n_threads} threads");
        }
        alone
    }

    #[test]
    fn each_item_is_done_once() {
        let done = on_threads(|| {
            let rooms = for_each(0..1000, Vec::new, |room, item| {
                room.push(item);
                Ok(())
            });
            let mut done = rooms.unwrap().concat();
            done.sort_unstable();
            done
        });
        assert_eq!(done, (0..1000).collect::<Vec<_>>());
        assert!(on_threads(|| for_each(0..0, Vec::<u32>::new, |_, _| Ok(())).unwrap()).is_empty());
    }

    #[test]
    fn of_several_errors_the_first_is_told() {
        let told = on_threads(|| {
            let does = |(): &mut (), item: usize| {
                let of = |found| Err(Error::from(ErrorKind::TooFewRows { needed: 0, found }));
                if item > 40 && item.is_multiple_of(3) { of(item) } else { Ok(()) }
            };
            for_each(0..1000, || (), does).unwrap_err().to_string()
        });
        assert!(told.contains("found 42"), "{told}");
    }
}
