//! Slices, lanes, matrices and memory.

use super::*;

struct Sums<'a>(&'a [f32], &'a mut [f32; LANES]);

impl Kernel for Sums<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f32 {
        V::prefetch(self.0, 0, Wanted::Next);
        let mut rows = [V::splat(0.0); LANES];
        for (row, values) in rows.iter_mut().zip(self.0.chunks_exact(LANES)) {
            *row = V::load_part(values);
        }
        V::sums(rows).store(self.1);
        assert_eq!(Some(rows[5].largest().first()), self.0[5 * LANES..][..LANES].iter().copied().reduce(f32::max));
        rows[3].sum().first()
    }
}

#[test]
fn sums_of_lanes_stand_in_the_order_of_their_rows() {
    let values = numbers(LANES * LANES, 5);
    let found = the_same_on_all("sums", |machine| {
        let mut sums = [0.0; LANES];
        let third = run_on(machine, Sums(&values, &mut sums));
        assert_eq!(third.to_bits(), sums[3].to_bits());
        sums.to_vec()
    });
    let expected = values.chunks_exact(LANES).map(|row| row.iter().map(|&value| f64::from(value)).sum());
    assert_close(&found, expected, 1e-6, "sums");
}

#[test]
fn what_is_done_to_slices_agrees_with_plain_loops_for_every_length_and_offset() {
    for length in 0..=70 {
        for offset in 0..4 {
            let (x, y) = (&numbers(length + offset, 1)[offset..], &numbers(length + offset, 2)[offset..]);
            let mut sum = y.to_vec();
            axpy(0.37, x, &mut sum);
            let plain = y.iter().zip(x).map(|(&y, &x)| f64::from(y) + f64::from(0.37_f32) * f64::from(x));
            assert_close(&sum, plain, 1e-7, "axpy");
            let mut scaled = x.to_vec();
            scale(0.37, &mut scaled);
            assert_close(&scaled, x.iter().map(|&x| f64::from(0.37_f32) * f64::from(x)), 1e-7, "scale");
            let squares: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
            assert!((sum_of_squares(x) - squares).abs() <= 1e-12 * (1.0 + squares));
            let total: f64 = x.iter().map(|&x| f64::from(x)).sum();
            assert!((run(SumUp(x)) - total).abs() <= 1e-12 * (1.0 + total.abs()));
        }
    }
}

#[test]
fn squared_lengths_of_rows_are_those_of_their_formula() {
    for width in 1..=70 {
        let values = numbers(5 * width, width as u64);
        let found = the_same_on_all("squared lengths", |machine| {
            let mut out = vec![0.0; 5];
            run_on(machine, SquaredLengths { x: Rows::all(&values, width), out: &mut out });
            out
        });
        let squares = values.chunks_exact(width).map(|row| row.iter().map(|&x| f64::from(x).powi(2)).sum());
        assert_close(&found, squares, 1e-6, "squared lengths");
    }
}

#[test]
fn parts_of_a_matrix_are_all_of_it_once_whichever_way_it_stands() {
    for (strides, in_columns) in [(Strides { row: 7, output: 1 }, false), (Strides { row: 1, output: 5 }, true)] {
        let mut values = vec![0.0; 40];
        let (low, high) = MatrixMut::new(&mut values, 4, 7, strides).split_at(3);
        for (mut part, of_part) in [(low, 1.0), (high, 2.0)] {
            for row in 0..4 {
                part.write_row(row, 0, &vec![of_part; part.n_columns()]);
            }
        }
        for row in 0..4 {
            let found = [0, 1, 2, 3, 4, 5, 6].map(|column| values[row * strides.row + column * strides.output]);
            assert_eq!(found.to_vec(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0], "{in_columns}");
        }
        assert_eq!(values.iter().filter(|&&value| value == 0.0).count(), 40 - 28);
    }
}

#[test]
#[should_panic(expected = "no two numbers stand at one place")]
fn a_matrix_whose_rows_overlap_is_refused() {
    MatrixMut::new(&mut [0.0; 20], 4, 5, Strides { row: 3, output: 1 });
}

#[test]
#[should_panic(expected = "they are there")]
fn no_part_of_a_matrix_reaches_into_another() {
    let mut values = [0.0; 20];
    MatrixMut::of_rows(&mut values, 5).split_at(2).0.in_row(0, 1..3);
}

#[test]
fn large_memory_starts_at_a_cache_line_and_holds_what_is_written() {
    for len in [0, 1, 16, 17, 1 << 20] {
        let mut values = Aligned::zeros(len);
        assert_eq!((values.len(), values.as_ptr().align_offset(64)), (len, 0));
        assert!(values.iter().all(|&value| value == 0.0));
        if let Some(last) = values.last_mut() {
            *last = 7.0;
            let clone = values.clone();
            assert_eq!(clone.last().map(|value| value.to_bits()), Some(7_f32.to_bits()));
            assert_eq!(clone.as_ptr().align_offset(64), 0);
        }
        values.resize(2 * len + 3);
        assert_eq!((values.len(), values.as_ptr().align_offset(64)), (2 * len + 3, 0));
    }
}

#[test]
#[should_panic(expected = "capacity overflow")]
fn more_numbers_than_memory_can_hold_are_refused_at_once() {
    Aligned::zeros(usize::MAX);
}
