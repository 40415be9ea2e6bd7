//! Which rows are kept away from training, to judge by?

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Problem, Result};
use crate::random::{Purpose, Stream};

/// Draws the rows held out for validation, and returns (training rows, validation rows), both ascending.
///
/// `fraction` of the rows, rounded, are held out, at least one, and at least one stays. With `strata` (a class code for
/// each row) each class gives its own rounded share and keeps at least one row in training, so that a class seen in
/// validation has always been seen in training. The draw is a function of the arguments alone.
///
/// # Errors
/// [`ErrorKind::Settings`] unless 0 < `fraction` < 1; [`ErrorKind::TooFewRows`] if no row can be spared;
/// [`ErrorKind::ShapeMismatch`] if `strata` has another length than `n_rows`.
pub fn hold_out(n_rows: usize, strata: Option<&[u32]>, fraction: f64, seed: u64) -> Result<(Vec<u32>, Vec<u32>)> {
    if !(fraction > 0.0 && fraction < 1.0) {
        let problem = Problem::new("validation", "a share of the rows above 0 and below 1", fraction);
        return Err(ErrorKind::Settings(vec![problem]).into());
    }
    let n = u32::try_from(n_rows).map_err(|_| Error::malformed("table", "more than 4294967295 rows"))?;
    let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    match strata {
        None => drop(groups.insert(0, (0..n).collect())),
        Some(codes) if codes.len() != n_rows => {
            let (expected, found) = (vec![n_rows], vec![codes.len()]);
            return Err(ErrorKind::ShapeMismatch { part: "strata".to_owned(), expected, found }.into());
        }
        Some(codes) => codes.iter().zip(0..).for_each(|(&code, row)| groups.entry(code).or_default().push(row)),
    }
    let largest = groups.values().map(Vec::len).max().unwrap_or(0);
    if largest < 2 {
        return Err(ErrorKind::TooFewRows { needed: groups.len().max(1) + 1, found: n_rows }.into());
    }
    #[allow(clippy::cast_sign_loss, reason = "a share of a number of rows is never negative")]
    let share = |rows: &[u32]| ((rows.len() as f64 * fraction).round() as usize).min(rows.len() - 1);
    // Where every share rounds to nothing, one row comes from the (first) largest class.
    let mut spare = usize::from(groups.values().all(|rows| share(rows) == 0));

    let (mut train, mut validation) = (Vec::with_capacity(n_rows), Vec::new());
    for (&code, rows) in &mut groups {
        let mut n_held = share(rows);
        if rows.len() == largest {
            n_held += std::mem::take(&mut spare);
        }
        Stream::new(seed, Purpose::Split, u64::from(code)).shuffle(rows);
        validation.extend_from_slice(&rows[..n_held]);
        train.extend_from_slice(&rows[n_held..]);
    }
    train.sort_unstable();
    validation.sort_unstable();
    Ok((train, validation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_side() {
        for (n_rows, fraction, n_held) in [(2, 0.01, 1), (2, 0.99, 1), (10, 0.25, 3), (1000, 0.2, 200)] {
            let (train, validation) = hold_out(n_rows, None, fraction, 7).unwrap();
            assert_eq!(validation.len(), n_held);
            assert!(train.is_sorted() && validation.is_sorted());
            let mut all = [train, validation].concat();
            all.sort_unstable();
            assert_eq!(all, (0..n_rows as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_class_gives_its_share_and_keeps_a_row() {
        // 60 rows of class 0, 30 of class 1, 9 of class 2, 1 of class 3.
        let codes: Vec<u32> =
            (0..100).map(|row| [60, 90, 99].iter().filter(|&&end| row >= end).count() as u32).collect();
        let (train, validation) = hold_out(100, Some(&codes), 0.2, 1).unwrap();
        let count = |rows: &[u32], class| rows.iter().filter(|&&row| codes[row as usize] == class).count();
        assert_eq!([0, 1, 2, 3].map(|class| count(&validation, class)), [12, 6, 2, 0]);
        assert_eq!([0, 1, 2, 3].map(|class| count(&train, class)), [48, 24, 7, 1]);
    }

    #[test]
    fn at_least_one_row_is_held_out() {
        let (train, validation) = hold_out(5, Some(&[0, 0, 1, 1, 1]), 0.1, 1).unwrap();
        assert_eq!((train.len(), validation.len()), (4, 1));
        assert!(validation[0] >= 2, "from the largest class");
    }

    #[test]
    fn the_draw_depends_on_the_seed_alone() {
        assert_eq!(hold_out(50, None, 0.2, 3).unwrap(), hold_out(50, None, 0.2, 3).unwrap());
        assert_ne!(hold_out(50, None, 0.2, 3).unwrap(), hold_out(50, None, 0.2, 4).unwrap());
    }

    #[test]
    fn too_few_rows_and_odd_fractions_are_refused() {
        let words = |result: Result<_>| -> String { result.map(|_: (Vec<u32>, Vec<u32>)| ()).unwrap_err().to_string() };
        assert_eq!(words(hold_out(1, None, 0.5, 0)), "expected at least 2 rows, found 1");
        assert_eq!(words(hold_out(0, None, 0.5, 0)), "expected at least 2 rows, found 0");
        assert_eq!(words(hold_out(2, Some(&[0, 1]), 0.5, 0)), "expected at least 3 rows, found 2");
        for fraction in [0.0, 1.0, -0.1, f64::NAN] {
            let expected =
                format!("`validation`: expected a share of the rows above 0 and below 1, found `{fraction}`");
            assert_eq!(words(hold_out(10, None, fraction, 0)), expected);
        }
    }
}
