//! Downslope's own side of the measurements in `bench/`: what is compared with the peers, and with the machine itself.
//!
//! [`cases`] say what is measured, [`make`] draws the data, [`arrays`] keep them as files that a Python script reads in
//! one line, [`descent`] trains on them, [`scaling`] asks how the cost grows, [`load`] reads a table, and [`roofs`]
//! measures what the machine could do. [`probes`] hold the cost of a diagnosis against epochs, [`auto`] what is chosen
//! against a grid. Nothing is asserted about time anywhere.

pub mod arrays;
pub mod auto;
pub mod cases;
pub mod descent;
pub mod load;
pub mod make;
pub mod probes;
pub mod roofs;
pub mod scaling;

/// What can go wrong here is told in words, to the person who started it.
pub type Result<T> = std::result::Result<T, String>;

/// The middle of some measurements; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}
