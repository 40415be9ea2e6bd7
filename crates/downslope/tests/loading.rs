//! Does a table come out of a file in little memory?
//!
//! An allocator that keeps account stands in for the system's. What is measured is the most that was held at any time
//! while the file was read, beside the `f32` matrix that the numbers are read for: a share of it for the table, and some
//! MiB a thread for the blocks at work. The text itself, larger than the matrix, must never be held whole.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]
#![allow(unsafe_code, reason = "an allocator is unsafe by its signature; this one only counts and passes on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use downslope::data::{Generator, GeneratorKind, ReadOptions, Table, Values};

struct Accounting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came; keeping account allocates nothing.
unsafe impl GlobalAlloc for Accounting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ACCOUNTING: Accounting = Accounting;

const N_ROWS: usize = 100_000;
const N_COLUMNS: usize = 30;
const MATRIX_BYTES: usize = 4 * N_ROWS * N_COLUMNS;
const BYTES_A_THREAD: usize = 4 << 20;

/// Reads a table of numbers as `spell` writes them, and gives the most bytes held meanwhile.
fn most_held(numbers: &[f64], spell: impl Fn(f64) -> String, n_threads: usize) -> usize {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut text = (1..=N_COLUMNS).map(|column| format!("x{column}")).collect::<Vec<_>>().join(",");
    for row in numbers.chunks(N_COLUMNS) {
        text.push('\n');
        for &number in row {
            write!(text, "{},", spell(number)).unwrap();
        }
        text.pop();
        file.write_all(text.as_bytes()).unwrap();
        text.clear();
    }
    drop(text);
    let options = ReadOptions { threads: Some(n_threads), ..ReadOptions::default() };
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let table = Table::read(&file.path().to_string_lossy(), &options).unwrap();
    let most = MOST.load(Ordering::Relaxed) - before;
    for (index, column) in table.columns().iter().enumerate() {
        let Values::Number(read) = &column.values else { panic!("numbers") };
        assert_eq!(read.len(), N_ROWS);
        let same = |(row, number): (usize, f64)| {
            number.to_bits() == spell(numbers[row * N_COLUMNS + index]).parse::<f64>().unwrap().to_bits()
        };
        assert!(read.iter().enumerate().step_by(97).all(same));
    }
    most
}

#[test]
fn a_table_is_read_in_less_than_twice_its_matrix() {
    let kind = GeneratorKind::Regression;
    let made = Generator { kind, n_rows: N_ROWS, n_features: 2, condition_number: 2.0, noise: 1.0, seed: 1 };
    let table = made.generate().unwrap().table;
    let Values::Number(normal) = &table.columns()[0].values else { panic!("numbers") };
    let normal = normal.to_vec();
    let numbers: Vec<f64> = (0..N_ROWS * N_COLUMNS).map(|i| normal[i % N_ROWS] + (i % 7) as f64 * 1e-9).collect();
    for n_threads in [1, 2] {
        for (what, share, most) in [
            ("six decimals", 0.9, most_held(&numbers, |number| format!("{number:.6}"), n_threads)),
            ("whole numbers", 0.7, most_held(&numbers, |number| ((number * 10_000.0) as i32).to_string(), n_threads)),
            ("all digits", 1.9, most_held(&numbers, |number| number.to_string(), n_threads)),
        ] {
            let allowed = (share * MATRIX_BYTES as f64) as usize + n_threads * BYTES_A_THREAD;
            assert!(most < allowed, "{what}, {n_threads} threads: {most} bytes, not less than {allowed}");
        }
    }
}
