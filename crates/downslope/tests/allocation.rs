//! Does a step leave the allocator alone?
//!
//! An allocator that counts, thread by thread, stands in for the system's. From the end of the first epoch to the end
//! of the run it must not be asked for anything: not by steps, nor by orders, schedules, evaluations or stop rules.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]
#![allow(unsafe_code, reason = "an allocator is unsafe by its signature; this one only counts and passes on")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use downslope::clip::Clip;
use downslope::data::Dataset;
use downslope::event::Event;
use downslope::loader::{BatchSize, DataLoader, LastBatch, Order};
use downslope::loss::Loss;
use downslope::observer::{Control, Observer};
use downslope::sgd::Sgd;
use downslope::state::State;
use downslope::stop::{Stop, StopReason};
use downslope::trainer::Trainer;
use support::{dense_table, objective, twin_tables};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`, and the pointer is the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// Remembers how many allocations there were at the end of the first epoch and of the last.
#[derive(Default)]
struct Watch {
    /// Whether it looks at every step, not only at epochs.
    sees_steps: bool,
    after_first: u64,
    after_last: u64,
}

impl Observer for Watch {
    fn next_step(&self) -> u64 {
        if self.sees_steps { 0 } else { u64::MAX }
    }

    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        if let Event::Epoch(epoch) = event {
            self.after_last = allocations();
            if epoch.epoch == 1 {
                self.after_first = self.after_last;
            }
        }
        Control::Continue
    }
}

const N_ROWS: usize = 700;

fn allocations_after_the_first_epoch(
    trainer: &Trainer,
    sees_steps: bool,
    loss: Loss,
    hidden: &[usize],
    data: &Arc<Dataset>,
) -> u64 {
    let mut objective = objective(loss, hidden, data);
    let mut state = State::new(objective.model().init(1));
    state.train_losses.reserve(8); // the record of a run grows with its epochs, now and then
    let mut watch = Watch { sees_steps, ..Watch::default() };
    let reason = trainer.run(&mut objective, None, &mut state, &mut [&mut watch]).unwrap();
    assert_eq!((reason, state.epoch), (StopReason::Epochs, 4));
    assert!(watch.after_first > 0);
    watch.after_last - watch.after_first
}

#[test]
fn no_step_allocates_after_the_first_epoch() {
    let dense = dense_table(Loss::Squared, N_ROWS, 20, 1);
    let (classes, sparse) = twin_tables(Loss::CrossEntropy, N_ROWS, 50, 0.1, 2);
    let (_, one_score) = twin_tables(Loss::Logistic, N_ROWS, 50, 0.1, 3);
    let problems: [(&str, Loss, &[usize], _); 9] = [
        ("linear", Loss::Squared, &[], &dense),
        ("softmax", Loss::CrossEntropy, &[], &classes),
        ("sparse", Loss::CrossEntropy, &[], &sparse),
        ("sparse, one score", Loss::Logistic, &[], &one_score),
        ("hidden", Loss::Squared, &[16], &dense),
        ("two hidden", Loss::CrossEntropy, &[16, 9], &classes),
        ("sparse, hidden", Loss::CrossEntropy, &[16], &sparse),
        ("large", Loss::CrossEntropy, &[350], &classes),
        ("sparse, large", Loss::CrossEntropy, &[350], &sparse),
    ];
    let plain = Sgd::new(1e-3);
    let settings = [
        ("plain", plain, "constant", Clip::None),
        ("momentum", Sgd { momentum: 0.9, ..plain }, "plateau:patience=0,threshold=0.5", Clip::None),
        ("one-cycle", Sgd { momentum: 0.9, nesterov: true, ..plain }, "one-cycle", Clip::None),
        ("clipped, decayed", Sgd { weight_decay: 0.1, l1: 0.1, ..plain }, "cosine", Clip::Norm(1.0)),
        ("cut", plain, "multi-step:milestones=1+3", Clip::Value(0.1)),
    ];
    for (problem, loss, hidden, data) in problems {
        for batch_size in ["1", "32", "300", "full"] {
            for (setting, sgd, schedule, clip) in settings {
                let batch_size: BatchSize = batch_size.parse().unwrap();
                let trainer = Trainer {
                    loader: Some(DataLoader::new(N_ROWS, batch_size, Order::Shuffled { seed: 1 }, LastBatch::Keep)),
                    schedule: schedule.parse().unwrap(),
                    clip,
                    ..Trainer::new(sgd, Stop { patience: Some(9), ..Stop::epochs(4) })
                };
                for sees_steps in [false, true] {
                    let found = allocations_after_the_first_epoch(&trainer, sees_steps, loss, hidden, data);
                    assert_eq!(found, 0, "{problem}, {setting}, batch {batch_size}, {sees_steps}");
                }
            }
        }
    }
}

#[test]
fn the_allocator_counts() {
    let before = allocations();
    let boxed = std::hint::black_box(Box::new(1));
    assert_eq!(allocations(), before + 1, "{boxed}");
}
