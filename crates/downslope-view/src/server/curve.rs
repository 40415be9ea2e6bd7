//! How does a curve of any length fit a page?
//!
//! Every step is recorded, few are kept: neighbouring steps share a bucket, of which the lowest and the highest loss are
//! kept with their steps, so that no peak is lost. When there are too many buckets, each two become one. What has
//! changed since the page was last told is all that goes to it.

use serde::Serialize;

/// Buckets that a curve has at most; a figure is hardly wider.
const MOST_BUCKETS: usize = 400;

/// The lowest and the highest of some neighbouring steps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    low: (u64, f64),
    high: (u64, f64),
}

impl Bucket {
    fn add(&mut self, other: Self) {
        if other.low.1 < self.low.1 {
            self.low = other.low;
        }
        if other.high.1 > self.high.1 {
            self.high = other.high;
        }
    }

    /// Step, loss, and once more if there are two, in the order of the steps.
    fn points(&self) -> Vec<f64> {
        let (low, high) = (self.low, self.high);
        let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
        if first.0 == second.0 {
            vec![first.0 as f64, first.1]
        } else {
            vec![first.0 as f64, first.1, second.0 as f64, second.1]
        }
    }
}

/// A loss by step, kept small.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    width: u64,
    buckets: Vec<Bucket>,
    /// The bucket from which on the page does not know it yet.
    untold: usize,
}

/// What is new of a curve: the buckets from `from` on replace what was there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CurveNews {
    from: usize,
    /// Each bucket as step, loss, step, loss, or with one step as step, loss.
    buckets: Vec<Vec<f64>>,
}

impl Curve {
    pub(crate) fn new() -> Self {
        Self { width: 1, buckets: Vec::new(), untold: 0 }
    }

    /// Records the loss of a step that comes after all before. What is no number is not drawn.
    pub(crate) fn record(&mut self, step: u64, loss: f64) {
        if !loss.is_finite() {
            return;
        }
        let bucket = Bucket { low: (step, loss), high: (step, loss) };
        match self.buckets.last_mut() {
            Some(last) if last.low.0 / self.width == step / self.width => last.add(bucket),
            _ => self.buckets.push(bucket),
        }
        self.untold = self.untold.min(self.buckets.len() - 1);
        if self.buckets.len() > MOST_BUCKETS {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.width *= 2;
        let mut merged: Vec<Bucket> = Vec::with_capacity(self.buckets.len() / 2 + 1);
        for &bucket in &self.buckets {
            match merged.last_mut() {
                Some(last) if last.low.0 / self.width == bucket.low.0 / self.width => last.add(bucket),
                _ => merged.push(bucket),
            }
        }
        self.buckets = merged;
        self.untold = 0;
    }

    /// Forgets what came after a step.
    pub(crate) fn cut_after(&mut self, step: u64) {
        self.buckets.retain_mut(|bucket| {
            // A bucket astride the cut keeps the one of its two points that is before it.
            if bucket.low.0 > step {
                bucket.low = bucket.high;
            }
            if bucket.high.0 > step {
                bucket.high = bucket.low;
            }
            bucket.low.0 <= step
        });
        self.untold = 0;
    }

    /// Everything again, for a page that knows nothing of it.
    pub(crate) fn tell_all(&mut self) {
        self.untold = 0;
    }

    /// What the page does not know yet; nothing if it knows all.
    pub(crate) fn news(&mut self) -> Option<CurveNews> {
        // After a cut to nothing the page must still hear that nothing is left.
        if self.untold >= self.buckets.len() && self.untold > 0 {
            return None;
        }
        let from = self.untold;
        self.untold = self.buckets.len();
        Some(CurveNews { from, buckets: self.buckets[from..].iter().map(Bucket::points).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(curve: &mut Curve) -> Vec<f64> {
        curve.tell_all();
        curve.news().unwrap().buckets.concat()
    }

    #[test]
    fn a_short_curve_is_kept_whole() {
        let mut curve = Curve::new();
        (1..=3).for_each(|step| curve.record(step, 1.0 / step as f64));
        assert_eq!(points(&mut curve), [1.0, 1.0, 2.0, 0.5, 3.0, 1.0 / 3.0]);
    }

    #[test]
    fn a_long_curve_is_small_and_has_lost_neither_its_lowest_nor_its_highest_loss() {
        let mut curve = Curve::new();
        for step in 1..=100_000 {
            let loss = match step {
                31_337 => 9.0,
                77_777 => -3.0,
                _ => (step as f64).sin(),
            };
            curve.record(step, loss);
        }
        let points = points(&mut curve);
        assert!(points.len() <= 4 * MOST_BUCKETS, "{}", points.len());
        let pairs: Vec<_> = points.chunks(2).collect();
        assert!(pairs.contains(&[31_337.0, 9.0].as_slice()) && pairs.contains(&[77_777.0, -3.0].as_slice()));
        assert!(pairs.is_sorted_by(|a, b| a[0] < b[0]));
    }

    #[test]
    fn only_what_is_new_is_told_and_a_cut_tells_all() {
        let mut curve = Curve::new();
        (1..=3).for_each(|step| curve.record(step, 1.0));
        assert_eq!(curve.news().unwrap().from, 0);
        assert_eq!(curve.news(), None);
        curve.record(4, 2.0);
        assert_eq!(curve.news(), Some(CurveNews { from: 3, buckets: vec![vec![4.0, 2.0]] }));
        curve.cut_after(2);
        assert_eq!(curve.news().map(|news| (news.from, news.buckets.len())), Some((0, 2)));
        curve.record(3, 5.0);
        assert_eq!(points(&mut curve), [1.0, 1.0, 2.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn what_is_no_number_is_not_drawn() {
        let mut curve = Curve::new();
        curve.record(1, f64::INFINITY);
        curve.record(2, f64::NAN);
        assert!(points(&mut curve).is_empty());
    }
}
