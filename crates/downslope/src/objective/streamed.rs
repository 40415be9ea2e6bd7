//! A model on rows that are not all in memory.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::{EmpiricalLoss, Gradient, LossSum, Objective, StepLosses, StepRule, TOGETHER};
use crate::data::{Dataset, RowCache};
use crate::error::{Error, Result};
use crate::loader::{Batch, Batches};
use crate::loss::Loss;
use crate::metrics::{MetricSums, Metrics};
use crate::model::{Model, Part};

/// The mean loss over rows in a file, of which a few blocks are in memory at a time.
///
/// It is an [`EmpiricalLoss`] on the rows in memory. While these are gone through, a thread of its own fetches those that
/// come next: [`Objective::begin_epoch`] says which. Wherever the buffers begin and end, the bits are the same for any
/// number of threads, and for any observers; and they are those of rows in memory in the same order, but for steps of one
/// row each where a buffer does not hold a multiple of sixteen rows, for batches that are cut by the end of a buffer, and, on
/// sparse rows, for penalties and momentum, which are brought up to date there.
///
/// **Cost**: two buffers of rows, 4 bytes a row for their places, and what [`EmpiricalLoss`] needs for one of them.
///
/// **Errors** of the file cannot be told by a loss: it becomes NaN, and [`StreamedLoss::error`] says why.
pub struct StreamedLoss {
    inner: EmpiricalLoss,
    loss: Loss,
    target_unit: f64,
    fetcher: Fetcher,
    block_rows: usize,
    /// The logarithm of that, to base 2.
    block_bits: u32,
    n_rows: usize,
    /// Blocks that are in memory together.
    n_blocks: usize,
    /// The blocks in memory, one below the other, and for each block of the file where among them it is.
    here: Vec<u32>,
    slots: Vec<u32>,
    /// The blocks that are read together in this epoch, in order, and in which of these sets each is.
    epoch: Vec<Vec<u32>>,
    set_of: Vec<u32>,
    /// Places of rows among those in memory.
    places: Vec<u32>,
    error: Option<Error>,
}

/// Not in memory.
const ELSEWHERE: u32 = u32::MAX;

impl StreamedLoss {
    /// A model on the rows of a file, of which so many blocks are in memory at a time.
    ///
    /// # Errors
    /// Those of [`EmpiricalLoss::new`], and the operating system's refusal to read the first rows.
    pub fn new(model: Model, loss: Loss, cache: Arc<RowCache>, n_blocks: usize) -> Result<Self> {
        let n_blocks = n_blocks.clamp(1, cache.n_blocks());
        let here: Vec<u32> = (0..n_blocks as u32).collect();
        let rows = cache.read(&here, None)?;
        let mut streamed = Self {
            inner: EmpiricalLoss::new(model, loss, Arc::new(rows))?,
            loss,
            target_unit: 1.0,
            block_rows: cache.block_rows(),
            block_bits: cache.block_rows().trailing_zeros(),
            n_rows: cache.n_rows(),
            n_blocks,
            here: Vec::new(),
            slots: vec![ELSEWHERE; cache.n_blocks()],
            epoch: Vec::new(),
            set_of: Vec::new(),
            places: Vec::new(),
            error: None,
            fetcher: Fetcher::new(cache),
        };
        streamed.note_here(here);
        Ok(streamed)
    }

    /// The same, with large batches shared out between the threads of a pool. Changes no bit.
    #[must_use]
    pub fn with_pool(mut self, pool: Option<Arc<rayon::ThreadPool>>) -> Self {
        self.inner = self.inner.with_pool(pool);
        self
    }

    /// The same, with regression metrics in a unit other than the targets': one target is so many of the unit.
    #[must_use]
    pub fn with_target_unit(mut self, unit: f64) -> Self {
        self.target_unit = unit;
        self
    }

    /// Why the rows could not be read, if they could not.
    pub fn error(&mut self) -> Option<Error> {
        self.error.take()
    }

    fn note_here(&mut self, here: Vec<u32>) {
        for &block in &self.here {
            self.slots[block as usize] = ELSEWHERE;
        }
        for (slot, &block) in here.iter().enumerate() {
            self.slots[block as usize] = slot as u32;
        }
        self.here = here;
    }

    /// Brings blocks into memory, and has the ones that come next fetched.
    fn bring(&mut self, blocks: Vec<u32>, next: Option<Vec<u32>>) {
        if self.here != blocks {
            match self.fetcher.take(&blocks) {
                Ok(rows) => {
                    let used = self.inner.replace_data(Arc::new(rows));
                    self.fetcher.spare(Arc::into_inner(used));
                }
                Err(error) => {
                    self.error.get_or_insert(error);
                    return;
                }
            }
            self.note_here(blocks);
        }
        if let Some(next) = next {
            self.fetcher.ask(next);
        }
    }

    fn block_of(&self, row: usize) -> usize {
        row >> self.block_bits
    }

    /// The sets of blocks of rows one after the other.
    fn blocks_in_order(&self, set: usize) -> Vec<u32> {
        let first = set * self.n_blocks;
        (first as u32..(first + self.n_blocks).min(self.slots.len()) as u32).collect()
    }

    /// The set that a row is read with.
    fn set_of(&self, rows: &Batch<'_>, row: usize) -> usize {
        let block = self.block_of(row);
        match rows {
            Batch::Rows(_) if !self.set_of.is_empty() => self.set_of[block] as usize,
            _ => block / self.n_blocks,
        }
    }

    /// Brings a set of blocks into memory.
    fn bring_set(&mut self, rows: &Batch<'_>, set: usize) {
        let is_of_epoch = matches!(rows, Batch::Rows(_)) && !self.set_of.is_empty();
        let n_sets = if is_of_epoch { self.epoch.len() } else { self.slots.len().div_ceil(self.n_blocks) };
        let blocks = |set: usize| if is_of_epoch { self.epoch[set].clone() } else { self.blocks_in_order(set) };
        let next = (set + 1 < n_sets).then(|| blocks(set + 1));
        self.bring(blocks(set), next);
    }

    /// How many of the rows from a position on are in the set of the first.
    fn run_from(&self, rows: &Batch<'_>, from: usize) -> usize {
        let set = self.set_of(rows, rows.row(from));
        match rows {
            // All rows of a set come together where they come one after the other.
            Batch::Range(range) => ((set + 1) * self.n_blocks * self.block_rows - range.start).min(rows.len()) - from,
            Batch::Rows(numbers) => {
                numbers[from..].iter().take_while(|&&row| self.set_of(rows, row as usize) == set).count()
            }
        }
    }

    /// The places of rows that are in memory. Of `places` only the memory is used.
    fn local<'a>(&self, rows: &Batch<'_>, places: &'a mut Vec<u32>) -> Batch<'a> {
        match rows {
            Batch::Range(range) => {
                let first = self.here[0] as usize * self.block_rows;
                Batch::Range(range.start - first..range.end - first)
            }
            Batch::Rows(numbers) => {
                places.clear();
                let within = self.block_rows as u32 - 1;
                let place = |&row: &u32| {
                    let slot = self.slots[(row >> self.block_bits) as usize];
                    (slot << self.block_bits) | (row & within)
                };
                places.extend(numbers.iter().map(place));
                Batch::Rows(places)
            }
        }
    }

    /// Does something with each run of rows that are in memory together.
    fn by_runs(&mut self, rows: &Batch<'_>, mut does: impl FnMut(&mut EmpiricalLoss, Batch<'_>) -> LossSum) -> LossSum {
        let (mut total, mut from) = (LossSum::default(), 0);
        let mut places = mem::take(&mut self.places);
        while from < rows.len() {
            let n = self.run_from(rows, from);
            self.bring_set(rows, self.set_of(rows, rows.row(from)));
            if self.error.is_some() {
                total += LossSum::new(f64::NAN, rows.len() - from);
                break;
            }
            let local = self.local(&rows.part(from..from + n), &mut places);
            total += does(&mut self.inner, local);
            from += n;
        }
        self.places = places;
        total
    }
}

impl Objective for StreamedLoss {
    fn n_parameters(&self) -> usize {
        self.inner.n_parameters()
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn begin_epoch(&mut self, rows: &Batch<'_>) {
        let Batch::Rows(numbers) = rows else { return };
        self.epoch.clear();
        self.set_of.clear();
        self.set_of.resize(self.slots.len(), ELSEWHERE);
        for part in numbers.chunks(self.n_blocks * self.block_rows) {
            let mut blocks = Vec::with_capacity(self.n_blocks);
            for &row in part {
                let block = self.block_of(row as usize);
                if self.set_of[block] == ELSEWHERE {
                    self.set_of[block] = self.epoch.len() as u32;
                    blocks.push(block as u32);
                    if blocks.len() == self.n_blocks {
                        break;
                    }
                }
            }
            // A shorter block stands last, so that places before it can be told from the block's alone.
            blocks.sort_unstable();
            self.epoch.push(blocks);
        }
        if let Some(first) = self.epoch.first() {
            self.fetcher.ask(first.clone());
        }
    }

    fn loss_and_gradient(&mut self, theta: &[f32], batch: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        self.by_runs(&batch, |inner, rows| inner.loss_and_gradient(theta, rows, gradient))
    }

    fn loss(&mut self, theta: &[f32], batch: Batch<'_>) -> LossSum {
        self.by_runs(&batch, |inner, rows| inner.loss(theta, rows))
    }

    /// Takes the steps whose rows are in memory together, up to the first batch of which a part is not.
    fn fused_steps(
        &mut self,
        theta: &mut [f32],
        velocity: &mut [f32],
        ahead: &mut Vec<f32>,
        batches: &Batches<'_>,
        rule: StepRule,
        losses: &mut StepLosses,
    ) -> bool {
        let batch_size = batches.batch_size();
        // Rows to come are brought in too, as many as are taken together at most.
        let rows = batches.coming().part(0..batches.coming().len().min(batches.rows().len() + TOGETHER));
        let mut places = mem::take(&mut self.places);
        let mut from = 0;
        while from < batches.rows().len() {
            let n_here = self.whole_batches(&rows, batch_size, from);
            let n = n_here.min(batches.rows().len() - from);
            if n == 0 {
                break;
            }
            self.bring_set(&rows, self.set_of(&rows, rows.row(from)));
            if self.error.is_some() {
                losses.push(LossSum::new(f64::NAN, n));
                break;
            }
            let local = Batches::new(self.local(&rows.part(from..from + n_here), &mut places), batch_size);
            let local = local.behind(batches.n_before() + from / batch_size).first(n.div_ceil(batch_size));
            if !self.inner.fused_steps(theta, velocity, ahead, &local, rule, losses) {
                break;
            }
            from += n;
            if !losses.last.sum.is_finite() {
                break;
            }
        }
        self.places = places;
        losses.n_steps > 0
    }

    fn steps_between_looks(&self, batch_size: usize, rule: StepRule) -> u64 {
        self.inner.steps_between_looks(batch_size, rule)
    }

    fn pool_of_steps(&self, batch_size: usize) -> Option<Arc<rayon::ThreadPool>> {
        self.inner.pool_of_steps(batch_size)
    }

    fn gradient(&self) -> Gradient {
        self.inner.gradient()
    }

    /// All metrics but `auc`, for which the scores of all rows would have to be kept.
    fn evaluate(&mut self, theta: &[f32]) -> Metrics {
        let mut sums = MetricSums::new(self.loss);
        let rows = Batch::all(self.n_rows);
        self.by_runs(&rows, |inner, _| {
            let outputs = inner.outputs(theta);
            let data = inner.data();
            sums.add(&outputs, &data.targets, data.weights());
            LossSum::default()
        });
        sums.metrics(self.target_unit)
    }

    fn is_pulled_by_outliers(&self) -> bool {
        self.inner.is_pulled_by_outliers()
    }

    fn bends_most_at_zero(&self) -> bool {
        self.inner.bends_most_at_zero()
    }

    fn parts(&self) -> Vec<Part> {
        self.inner.parts()
    }
}

impl StreamedLoss {
    /// How many rows from one on make whole batches, the epoch's last included, that are in memory together.
    fn whole_batches(&self, rows: &Batch<'_>, batch_size: usize, from: usize) -> usize {
        let set = self.set_of(rows, rows.row(from));
        let n_left = rows.len() - from;
        // Rows of a set come together, so the last row of a batch tells of all of it.
        let is_here = |n_batches: usize| {
            let last = (from + n_batches * batch_size).min(rows.len()) - 1;
            self.set_of(rows, rows.row(last)) == set
        };
        let (mut fewest, mut most) = (0, n_left.div_ceil(batch_size));
        while fewest < most {
            let middle = (fewest + most).div_ceil(2);
            if is_here(middle) { fewest = middle } else { most = middle - 1 }
        }
        (fewest * batch_size).min(n_left)
    }
}

/// Reads blocks on a thread of its own, one set ahead.
struct Fetcher {
    cache: Arc<RowCache>,
    asked: Option<Vec<u32>>,
    spare: Option<Dataset>,
    reader: Option<Reader>,
}

struct Reader {
    wishes: Sender<(Vec<u32>, Option<Dataset>)>,
    fetched: Receiver<Result<Dataset>>,
    thread: JoinHandle<()>,
}

impl Fetcher {
    fn new(cache: Arc<RowCache>) -> Self {
        let (wishes, wished) = channel::<(Vec<u32>, Option<Dataset>)>();
        let (given, fetched) = channel();
        let shared = Arc::clone(&cache);
        let read = move || {
            for (blocks, used) in wished {
                if given.send(shared.read(&blocks, used)).is_err() {
                    break;
                }
            }
        };
        // Without that thread it only takes longer.
        let thread = std::thread::Builder::new().spawn(read).ok();
        let reader = thread.map(|thread| Reader { wishes, fetched, thread });
        Self { cache, asked: None, spare: None, reader }
    }

    /// Memory that is no longer used.
    fn spare(&mut self, used: Option<Dataset>) {
        self.spare = used.or(self.spare.take());
    }

    /// Has blocks read, unless some are being read already.
    fn ask(&mut self, blocks: Vec<u32>) {
        if self.asked.is_none()
            && let Some(reader) = &self.reader
            && reader.wishes.send((blocks.clone(), self.spare.take())).is_ok()
        {
            self.asked = Some(blocks);
        }
    }

    /// The rows of blocks, at once if they have been asked for.
    fn take(&mut self, blocks: &[u32]) -> Result<Dataset> {
        if let (Some(asked), Some(reader)) = (self.asked.take(), &self.reader)
            && let Ok(fetched) = reader.fetched.recv()
        {
            if asked == blocks {
                return fetched;
            }
            self.spare = fetched.ok().or(self.spare.take());
        }
        self.cache.read(blocks, self.spare.take())
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        if let Some(Reader { wishes, fetched, thread }) = self.reader.take() {
            drop((wishes, fetched));
            // It has nothing left to do; if it panicked, that was told where rows were missing.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{CacheWriter, Csr, Features, Generator, GeneratorKind, Matrix, Values};
    use crate::event::Event;
    use crate::loader::{BatchSize, DataLoader, LastBatch, Order};
    use crate::model::Activation;
    use crate::observer::{Control, History, Observer};
    use crate::sgd::Sgd;
    use crate::state::State;
    use crate::stop::Stop;
    use crate::trainer::Trainer;

    const N_ROWS: usize = 1000;
    const BLOCK_ROWS: usize = 32;

    fn rows() -> Dataset {
        let kind = GeneratorKind::Logistic;
        let made = Generator { kind, n_rows: N_ROWS, n_features: 5, condition_number: 10.0, noise: 0.1, seed: 0 };
        let columns: Vec<Vec<f64>> = made.generate().unwrap().table.columns().iter().map(numbers).collect();
        let x = (0..N_ROWS).flat_map(|row| columns[..5].iter().map(move |column| column[row] as f32)).collect();
        let targets = columns[5].iter().map(|&target| target as f32).collect();
        Dataset::new(Features::Dense(Matrix::new(N_ROWS, 5, x).unwrap()), targets).unwrap()
    }

    fn numbers(column: &crate::data::Column) -> Vec<f64> {
        match &column.values {
            Values::Number(numbers) => numbers.to_vec(),
            values => (0..values.len()).map(|row| values.text(row).parse().unwrap()).collect(),
        }
    }

    fn model() -> Model {
        Model { n_features: 5, hidden: Vec::new(), activation: Activation::Relu, n_outputs: 1 }
    }

    fn streamed(rows: &Dataset, n_blocks: usize) -> StreamedLoss {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = CacheWriter::new(folder.path(), rows, BLOCK_ROWS).unwrap();
        writer.push(rows).unwrap();
        StreamedLoss::new(model(), Loss::Logistic, Arc::new(writer.finish().unwrap()), n_blocks).unwrap()
    }

    fn trainer(batch_size: BatchSize, order: Order) -> Trainer {
        Trainer {
            loader: Some(DataLoader::new(N_ROWS, batch_size, order, LastBatch::Keep)),
            ..Trainer::new(Sgd::new(0.1), Stop::epochs(3))
        }
    }

    #[test]
    fn rows_from_a_file_train_to_the_same_bits_as_rows_in_memory() {
        let rows = Arc::new(rows());
        for batch_size in [1, 8, 7, 33] {
            let batch_size = BatchSize::rows(batch_size).unwrap();
            for n_blocks in [1, 5, 100] {
                let order = Order::Buffered { seed: 3, block_rows: BLOCK_ROWS, n_blocks };
                let trainer = trainer(batch_size, order);
                let mut in_memory = EmpiricalLoss::new(model(), Loss::Logistic, Arc::clone(&rows)).unwrap();
                let (mut expected, mut found) = (State::new(vec![0.0; 6]), State::new(vec![0.0; 6]));
                trainer.run(&mut in_memory, None, &mut expected, &mut []).unwrap();
                let mut streamed = streamed(&rows, n_blocks);
                trainer.run(&mut streamed, None, &mut found, &mut []).unwrap();
                // A batch of rows that are not in memory together is added up part by part.
                let apart = expected.theta.iter().zip(&found.theta).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                let is_cut = !(n_blocks * BLOCK_ROWS).is_multiple_of(batch_size.of(N_ROWS)) && n_blocks < 100;
                assert!(apart == 0.0 || (is_cut && apart < 1e-6), "{batch_size} {n_blocks}: {apart}");
                for (a, b) in expected.train_losses.iter().zip(&found.train_losses) {
                    assert!((a - b).abs() < 1e-6, "{a} {b}");
                }
            }
        }
    }

    /// Where a call ends must not matter, whatever rows are in memory then.
    #[test]
    fn whoever_watches_or_stops_a_streamed_run_changes_no_bit() {
        // Sparse rows, the first half of few features, the second of many.
        let kept = |row: usize| if row < N_ROWS / 2 { 2 } else { 90 };
        let x = (0..N_ROWS)
            .flat_map(|row| (0..100).map(move |c| if c < kept(row) { (row * c % 7) as f32 - 3.0 } else { 0.0 }));
        let x = Matrix::new(N_ROWS, 100, x.map(|value| 0.1 * value).collect()).unwrap();
        let targets: Vec<f32> = (0..N_ROWS).map(|row| (row % 3 % 2) as f32).collect();
        let entries = x.values().iter().enumerate().filter(|(_, value)| **value != 0.0);
        let (places, values): (Vec<usize>, Vec<f32>) = entries.map(|(place, &value)| (place, value)).unzip();
        let starts = (0..=N_ROWS).map(|row| places.partition_point(|place| *place < 100 * row)).collect();
        let columns = places.iter().map(|place| (place % 100) as u32).collect();
        let sparse = Features::Sparse(Csr::new(100, starts, columns, values).unwrap());
        let (large, lazy) = (Sgd::new(0.02), Sgd { weight_decay: 0.01, l1: 0.001, ..Sgd::new(0.1) });
        let (decaying, gliding) = (Sgd { l1: 0.0, ..lazy }, Sgd { l1: 0.0, momentum: 0.9, ..lazy });
        let narrow = x.values().chunks(100).flat_map(|row| row[..50].to_vec()).collect();
        let narrow = Features::Dense(Matrix::new(N_ROWS, 50, narrow).unwrap());
        for (features, hidden, sgd) in [
            (narrow, Vec::new(), large),
            (Features::Dense(x), vec![180], large),
            (sparse.clone(), Vec::new(), lazy),
            (sparse.clone(), Vec::new(), decaying),
            (sparse, Vec::new(), gliding),
        ] {
            let rows = Dataset::new(features, targets.clone()).unwrap();
            let n_features = rows.n_features();
            let model = Model { n_features, hidden, activation: Activation::Relu, n_outputs: 1 };
            let folder = tempfile::tempdir().unwrap();
            let mut writer = CacheWriter::new(folder.path(), &rows, 4).unwrap();
            writer.push(&rows).unwrap();
            let cache = Arc::new(writer.finish().unwrap());
            let order = Order::Buffered { seed: 3, block_rows: 4, n_blocks: 5 };
            let trainer = Trainer { sgd, ..trainer(BatchSize::rows(1).unwrap(), order) };
            let run = |state: &mut State, observer: &mut dyn Observer| {
                let mut streamed = StreamedLoss::new(model.clone(), Loss::Logistic, Arc::clone(&cache), 5).unwrap();
                trainer.run(&mut streamed, None, state, &mut [observer]).unwrap();
                state.training_time = std::time::Duration::ZERO;
            };
            let begin = || State::new(model.init(1));
            let (mut alone, mut watched, mut stopped) = (begin(), begin(), begin());
            run(&mut alone, &mut History::every(0));
            run(&mut watched, &mut History::every(1));
            run(&mut stopped, &mut StopAfter(777));
            assert!((777..1000).contains(&stopped.step), "{}", stopped.step);
            run(&mut stopped, &mut History::every(13));
            assert_eq!(watched, alone, "{:?}", model.hidden);
            assert_eq!(stopped, alone, "{:?}", model.hidden);
        }
    }

    struct StopAfter(u64);

    impl Observer for StopAfter {
        fn next_step(&self) -> u64 {
            self.0
        }

        fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
            if let Event::Step(_) = event { Control::Stop } else { Control::Continue }
        }
    }
}
