//! In what order are rows seen, and how many at a time?
//!
//! One [`DataLoader`], whose `batch_size` alone decides the method: all rows is *batch* gradient descent, one row is
//! *stochastic*, a few are *mini-batch*. Loading from files is not here ([`crate::data`]), nor is anything learnt.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};
use crate::random::{Purpose, Stream};

/// How many rows make a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BatchSize {
    /// All rows: batch gradient descent.
    Full,
    /// So many rows: one is stochastic, more are mini-batch gradient descent.
    Rows(NonZeroUsize),
}

impl BatchSize {
    /// So many rows.
    ///
    /// # Errors
    /// A batch of no rows is refused.
    pub fn rows(n: usize) -> Result<Self> {
        NonZeroUsize::new(n).map(Self::Rows).ok_or_else(|| refused(n))
    }

    /// The rows of a whole batch, where there are `n_rows`: more than there are means all.
    pub fn of(self, n_rows: usize) -> usize {
        match self {
            Self::Full => n_rows,
            Self::Rows(rows) => rows.get().min(n_rows),
        }
    }
}

fn refused(found: impl fmt::Display) -> Error {
    crate::ErrorKind::Settings(vec![Problem::new("batch-size", "`full` or a whole number above 0", found)]).into()
}

impl fmt::Display for BatchSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Rows(rows) => rows.fmt(f),
        }
    }
}

impl FromStr for BatchSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "full" => Ok(Self::Full),
            _ => text.parse().map(Self::Rows).map_err(|_| refused(text)),
        }
    }
}

impl TryFrom<String> for BatchSize {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<BatchSize> for String {
    fn from(batch_size: BatchSize) -> Self {
        batch_size.to_string()
    }
}

/// The order of the rows in an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they stand in the data.
    Sequential,
    /// A new permutation each epoch, a function of (seed, epoch) alone.
    Shuffled {
        /// The seed.
        seed: u64,
    },
    /// Blocks of rows in a new order each epoch, and the rows of several neighbours in that order mixed: for rows that
    /// are not all in memory, of which a buffer full is at a time. A function of (seed, epoch) too.
    ///
    /// Every epoch still sees each row once. What is lost against [`Order::Shuffled`]: rows of a block come within the
    /// same buffer. How much that costs on data in an unlucky order is measured in `tests/stream.rs`.
    Buffered {
        /// The seed.
        seed: u64,
        /// Rows in a block; a last shorter block comes last.
        block_rows: usize,
        /// Blocks that are mixed, the last time fewer.
        n_blocks: usize,
    },
    /// One given permutation an epoch; after the last, the first comes again.
    Given(Vec<Vec<u32>>),
}

/// What becomes of the last rows of an epoch when they do not fill a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastBatch {
    /// They make a shorter batch, whose mean is over its own rows.
    #[default]
    Keep,
    /// They are left out of this epoch (`drop_last` in PyTorch).
    Drop,
}

/// The rows of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch<'a> {
    /// Neighbouring rows, in order.
    Range(Range<usize>),
    /// Rows by their numbers.
    Rows(&'a [u32]),
}

impl Batch<'_> {
    /// All of `n_rows` rows.
    pub fn all(n_rows: usize) -> Self {
        Self::Range(0..n_rows)
    }

    /// How many rows.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the row at a position in the batch.
    ///
    /// # Panics
    /// If the batch has no such position.
    #[inline]
    pub fn row(&self, position: usize) -> usize {
        match self {
            Self::Range(range) => range.start + position,
            Self::Rows(rows) => rows[position] as usize,
        }
    }

    /// The part of the batch at some positions.
    ///
    /// # Panics
    /// If the batch has no such positions.
    #[must_use]
    #[inline]
    pub fn part(&self, positions: Range<usize>) -> Self {
        match self {
            Self::Range(range) => Self::Range(range.start + positions.start..range.start + positions.end),
            Self::Rows(rows) => Self::Rows(&rows[positions]),
        }
    }
}

/// Batches of an epoch, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batches<'a> {
    rows: Batch<'a>,
    batch_size: usize,
    /// Batches of the epoch before them.
    n_before: usize,
    /// Their rows and those that come behind them, as far as known.
    coming: Batch<'a>,
}

impl<'a> Batches<'a> {
    /// The rows of an epoch cut into batches of `batch_size`; the last one may be shorter.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    pub fn new(rows: Batch<'a>, batch_size: usize) -> Self {
        assert!(batch_size > 0, "a batch of no rows makes no step");
        Self { coming: rows.clone(), rows, batch_size, n_before: 0 }
    }

    /// The same, behind so many batches of the epoch.
    #[must_use]
    pub fn behind(self, n_before: usize) -> Self {
        Self { n_before, ..self }
    }

    /// The first `n` of these batches, and those behind them as batches to come.
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn first(self, n: usize) -> Self {
        assert!(n <= self.len(), "no more batches than there are");
        Self { rows: self.rows.part(0..(n * self.batch_size).min(self.rows.len())), ..self }
    }

    /// Batches of the epoch before the first of these.
    pub fn n_before(&self) -> usize {
        self.n_before
    }

    /// The rows of these batches and behind them the rows that come next in the epoch, as far as known.
    pub fn coming(&self) -> &Batch<'a> {
        &self.coming
    }

    /// How many batches.
    pub fn len(&self) -> usize {
        self.rows.len().div_ceil(self.batch_size)
    }

    /// Whether there is no batch.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows of all batches, in order.
    pub fn rows(&self) -> &Batch<'a> {
        &self.rows
    }

    /// The rows of a whole batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The batch at a position.
    ///
    /// # Panics
    /// If there is no such batch.
    pub fn batch(&self, index: usize) -> Batch<'a> {
        let start = index * self.batch_size;
        self.rows.part(start..(start + self.batch_size).min(self.rows.len()))
    }

    /// The batches in groups of `n`, counted from the first of the epoch, not the first of these.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn groups(&self, n: usize) -> impl Iterator<Item = Self> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            let end = (from + n - (self.n_before + from) % n).min(self.len());
            let start = std::mem::replace(&mut from, end);
            (start < end).then(|| {
                let start_row = start * self.batch_size;
                let coming = self.coming.part(start_row..self.coming.len());
                let rows = self.rows.part(start_row..(end * self.batch_size).min(self.rows.len()));
                Self { rows, batch_size: self.batch_size, n_before: self.n_before + start, coming }
            })
        })
    }

    /// The batches, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Batch<'a>> + '_ {
        (0..self.len()).map(|index| self.batch(index))
    }
}

/// Hands out the rows of an epoch in batches, as `torch.utils.data.DataLoader` does.
///
/// A full batch always holds the rows in the order of the data: its mean does not depend on the order, and neighbouring
/// rows are read fastest.
///
/// ```
/// use downslope::loader::{BatchSize, DataLoader, LastBatch, Order};
/// let loader = DataLoader::new(10, BatchSize::rows(4)?, Order::Sequential, LastBatch::Keep);
/// assert_eq!(loader.len(), 3); // 4 + 4 + 2 rows
/// # downslope::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct DataLoader {
    n_rows: usize,
    batch_size: BatchSize,
    order: Order,
    last_batch: LastBatch,
    pool: Option<Arc<ThreadPool>>,
}

impl DataLoader {
    /// A loader over `n_rows` rows.
    pub fn new(n_rows: usize, batch_size: BatchSize, order: Order, last_batch: LastBatch) -> Self {
        Self { n_rows, batch_size, order, last_batch, pool: None }
    }

    /// The same; of many rows a thread of the pool draws the next epoch's order while an epoch goes on. The orders are the
    /// same.
    #[must_use]
    pub fn with_pool(self, pool: Option<Arc<ThreadPool>>) -> Self {
        Self { pool, ..self }
    }

    /// The same loader with the rows in another order.
    #[must_use]
    pub fn in_order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// The same over another number of rows.
    #[must_use]
    pub fn over(self, n_rows: usize) -> Self {
        Self { n_rows, ..self }
    }

    /// Everything that is wrong with the given orders.
    pub fn problems(&self) -> Vec<Problem> {
        let Order::Given(orders) = &self.order else { return Vec::new() };
        let fits =
            |order: &Vec<u32>| order.len() == self.n_rows && order.iter().all(|&row| (row as usize) < self.n_rows);
        if !orders.is_empty() && orders.iter().all(fits) {
            return Vec::new();
        }
        let expected = format!("at least one order, each of {0} rows below {0}", self.n_rows);
        let found = orders.iter().find(|order| !fits(order));
        let found =
            found.map_or("none".to_owned(), |order| format!("{} rows up to {:?}", order.len(), order.iter().max()));
        vec![Problem::new("order", expected, found)]
    }

    /// Batches in an epoch: ⌈n/B⌉, or ⌊n/B⌋ where the last short one is dropped (but never none).
    pub fn len(&self) -> usize {
        match self.last_batch {
            LastBatch::Keep => self.n_rows.div_ceil(self.batch_size().max(1)),
            LastBatch::Drop => self.n_rows / self.batch_size().max(1),
        }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of a whole batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size.of(self.n_rows)
    }

    /// The rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Writes the order of an epoch (from 0) into `order`, which stays empty where the rows are read as they stand.
    pub fn write_order(&self, epoch: u64, order: &mut Vec<u32>) {
        order.clear();
        if self.batch_size() == self.n_rows {
            return;
        }
        match &self.order {
            Order::Sequential => {}
            Order::Shuffled { seed } => {
                order.extend(0..u32::try_from(self.n_rows).unwrap_or(u32::MAX));
                Stream::new(*seed, Purpose::Order, epoch).shuffle(order);
            }
            &Order::Buffered { seed, block_rows, n_blocks } => {
                let mut stream = Stream::new(seed, Purpose::Order, epoch);
                let whole = self.n_rows / block_rows;
                let mut blocks: Vec<u32> = (0..whole as u32).collect();
                stream.shuffle(&mut blocks);
                blocks.extend((whole * block_rows < self.n_rows).then_some(whole as u32));
                for mixed in blocks.chunks(n_blocks.max(1)) {
                    let start = order.len();
                    for &block in mixed {
                        let first = block as usize * block_rows;
                        order.extend(first as u32..(first + block_rows).min(self.n_rows) as u32);
                    }
                    stream.shuffle(&mut order[start..]);
                }
            }
            Order::Given(orders) => {
                if let Some(given) = orders.get((epoch % orders.len().max(1) as u64) as usize) {
                    order.extend_from_slice(given);
                }
            }
        }
    }

    /// The batches at some positions in an epoch whose order was written by [`DataLoader::write_order`].
    ///
    /// # Panics
    /// If the loader has no rows, or the epoch no such batches.
    pub fn batches<'a>(&self, order: &'a [u32], positions: Range<usize>) -> Batches<'a> {
        let batch_size = self.batch_size();
        let rows = positions.start * batch_size..(self.len() * batch_size).min(self.n_rows);
        let rows = if order.is_empty() { Batch::Range(rows) } else { Batch::Rows(&order[rows]) };
        Batches::new(rows, batch_size).behind(positions.start).first(positions.len())
    }
}

/// So many rows take longer to put in order than a thread takes to wake: some 40 µs.
const AHEAD_ROWS: usize = 1 << 14;

/// The orders of a loader's epochs. Each is drawn while the epoch before it goes on, where the loader has threads and many
/// rows.
pub(crate) struct Orders {
    loader: Arc<DataLoader>,
    /// There is no epoch beyond, as far as known.
    n_epochs: Option<u64>,
    /// Not there unless orders are drawn ahead.
    ahead: Option<Arc<Mutex<Ahead>>>,
    /// Memory to write the next one to.
    spare: Vec<u32>,
}

/// The order of the epoch that is to come.
#[derive(Default)]
struct Ahead {
    epoch: u64,
    is_drawn: bool,
    order: Vec<u32>,
}

impl Ahead {
    fn draw(&mut self, loader: &DataLoader) {
        if !self.is_drawn {
            loader.write_order(self.epoch, &mut self.order);
            self.is_drawn = true;
        }
    }
}

impl Orders {
    pub(crate) fn new(loader: Arc<DataLoader>, n_epochs: Option<u64>) -> Self {
        let takes_long = matches!(loader.order, Order::Shuffled { .. } | Order::Buffered { .. })
            && loader.batch_size() < loader.n_rows
            && loader.n_rows >= AHEAD_ROWS;
        let ahead = (takes_long && loader.pool.is_some()).then(Arc::default);
        Self { loader, n_epochs, ahead, spare: Vec::new() }
    }

    /// The order of an epoch (from 0), as [`DataLoader::write_order`] writes it.
    pub(crate) fn take(&mut self, epoch: u64) -> Vec<u32> {
        let mut order = std::mem::take(&mut self.spare);
        let (Some(ahead), Some(pool)) = (&self.ahead, &self.loader.pool) else {
            self.loader.write_order(epoch, &mut order);
            return order;
        };
        // Waits for a thread that has begun. If none has, they have other things to do, perhaps wait for this one.
        let mut next = locked(ahead);
        if next.epoch != epoch {
            (next.epoch, next.is_drawn) = (epoch, false);
        }
        next.draw(&self.loader);
        std::mem::swap(&mut order, &mut next.order);
        (next.epoch, next.is_drawn) = (epoch + 1, false);
        drop(next);
        if self.n_epochs.is_none_or(|n_epochs| epoch + 1 < n_epochs) {
            let (ahead, loader) = (Arc::clone(ahead), Arc::clone(&self.loader));
            pool.spawn(move || locked(&ahead).draw(&loader));
        }
        order
    }

    /// Takes back the memory of an order.
    pub(crate) fn put_back(&mut self, order: Vec<u32>) {
        self.spare = order;
    }
}

/// Whoever panicked while drawing has not noted that it was done.
fn locked(ahead: &Mutex<Ahead>) -> MutexGuard<'_, Ahead> {
    ahead.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch_of(loader: &DataLoader, epoch: u64) -> Vec<Vec<usize>> {
        let mut order = Vec::new();
        loader.write_order(epoch, &mut order);
        let batches = loader.batches(&order, 0..loader.len());
        batches.iter().map(|batch| (0..batch.len()).map(|position| batch.row(position)).collect()).collect()
    }

    #[test]
    fn the_last_short_batch_is_kept_or_dropped() {
        let loader = |last| DataLoader::new(7, BatchSize::rows(3).unwrap(), Order::Sequential, last);
        assert_eq!(epoch_of(&loader(LastBatch::Keep), 0), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!(epoch_of(&loader(LastBatch::Drop), 0), [vec![0, 1, 2], vec![3, 4, 5]]);
    }

    #[test]
    fn groups_of_batches_are_counted_from_the_first_of_the_epoch() {
        let loader = DataLoader::new(23, BatchSize::rows(2).unwrap(), Order::Sequential, LastBatch::Keep);
        let groups_from = |positions: Range<usize>| {
            let batches = loader.batches(&[], positions);
            let rows = |group: Batches<'_>| {
                assert_eq!(group.rows().row(0), group.coming().row(0));
                (group.n_before(), group.rows().row(0), group.rows().len(), group.coming().len())
            };
            batches.groups(5).map(rows).collect::<Vec<_>>()
        };
        assert_eq!(groups_from(0..12), [(0, 0, 10, 23), (5, 10, 10, 13), (10, 20, 3, 3)]);
        assert_eq!(groups_from(3..12), [(3, 6, 4, 17), (5, 10, 10, 13), (10, 20, 3, 3)]);
        assert_eq!(groups_from(6..7), [(6, 12, 2, 11)]);
        assert_eq!(groups_from(6..6), []);
    }

    #[test]
    fn every_epoch_sees_every_row_once_in_an_order_of_its_own() {
        let loader = DataLoader::new(100, BatchSize::rows(7).unwrap(), Order::Shuffled { seed: 5 }, LastBatch::Keep);
        let (first, second) = (epoch_of(&loader, 0).concat(), epoch_of(&loader, 1).concat());
        assert_ne!(first, second);
        assert_eq!(first, epoch_of(&loader, 0).concat());
        for mut epoch in [first, second] {
            epoch.sort_unstable();
            assert_eq!(epoch, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_buffer_mixes_the_rows_of_some_blocks_at_a_time() {
        let order = Order::Buffered { seed: 5, block_rows: 4, n_blocks: 3 };
        let loader = DataLoader::new(42, BatchSize::rows(1).unwrap(), order, LastBatch::Keep);
        let (first, second) = (epoch_of(&loader, 0).concat(), epoch_of(&loader, 1).concat());
        assert_ne!(first, second);
        assert_eq!(first, epoch_of(&loader, 0).concat());
        let mut seen = Vec::new();
        for mixed in first.chunks(12) {
            let mut blocks: Vec<usize> = mixed.iter().map(|row| row / 4).collect();
            assert!(mixed.len() < 12 || !blocks.is_sorted(), "{mixed:?}");
            blocks.sort_unstable();
            blocks.dedup();
            assert!(blocks.len() <= 3, "{mixed:?}");
            seen.extend(blocks);
        }
        assert_eq!(seen.last(), Some(&10), "the short block comes last");
        seen.sort_unstable();
        assert_eq!(seen, (0..11).collect::<Vec<_>>(), "no block comes in two buffers");
    }

    #[test]
    fn orders_drawn_ahead_are_those_of_their_epochs_also_after_a_jump() {
        let n_rows = AHEAD_ROWS + 1;
        let buffered = Order::Buffered { seed: 5, block_rows: 64, n_blocks: 3 };
        for kind in [Order::Shuffled { seed: 5 }, buffered, Order::Sequential] {
            for n_threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                let loader = DataLoader::new(n_rows, BatchSize::rows(7).unwrap(), kind.clone(), LastBatch::Keep);
                let mut orders = Orders::new(Arc::new(loader.clone().with_pool(Some(Arc::new(pool)))), Some(6));
                assert_eq!(orders.ahead.is_some(), kind != Order::Sequential);
                for epoch in [3, 4, 5, 2, 2, 3, 9] {
                    let (found, mut expected) = (orders.take(epoch), Vec::new());
                    loader.write_order(epoch, &mut expected);
                    assert!(found == expected, "{kind:?}, epoch {epoch}");
                    orders.put_back(found);
                }
            }
        }
    }

    #[test]
    fn a_busy_pool_is_not_waited_for() {
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap());
        let loader =
            DataLoader::new(AHEAD_ROWS, BatchSize::rows(7).unwrap(), Order::Shuffled { seed: 5 }, LastBatch::Keep);
        let mut orders = Orders::new(Arc::new(loader.clone().with_pool(Some(Arc::clone(&pool)))), None);
        // Its only thread is the one that asks.
        let found = pool.install(|| [0, 1].map(|epoch| orders.take(epoch)));
        for (epoch, found) in found.into_iter().enumerate() {
            let mut expected = Vec::new();
            loader.write_order(epoch as u64, &mut expected);
            assert!(found == expected, "epoch {epoch}");
        }
    }

    #[test]
    fn more_rows_than_there_are_means_all_of_them() {
        let loader = DataLoader::new(5, BatchSize::rows(8).unwrap(), Order::Shuffled { seed: 5 }, LastBatch::Drop);
        assert_eq!(epoch_of(&loader, 0), [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn given_orders_are_followed_epoch_by_epoch() {
        let order = Order::Given(vec![vec![2, 0, 1], vec![1, 2, 0]]);
        let loader = DataLoader::new(3, BatchSize::rows(2).unwrap(), order, LastBatch::Keep);
        assert_eq!(epoch_of(&loader, 0), [vec![2, 0], vec![1]]);
        assert_eq!(epoch_of(&loader, 1), [vec![1, 2], vec![0]]);
        assert_eq!(epoch_of(&loader, 2), epoch_of(&loader, 0));
    }

    #[test]
    fn a_batch_size_is_full_or_a_whole_number_above_zero() {
        assert_eq!("full".parse::<BatchSize>().unwrap(), BatchSize::Full);
        for wrong in ["0", "-1", "10.5", "many", ""] {
            let error = wrong.parse::<BatchSize>().unwrap_err().to_string();
            assert_eq!(error, format!("`batch-size`: expected `full` or a whole number above 0, found `{wrong}`"));
        }
    }
}
