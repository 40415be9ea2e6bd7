//! Which way did the parameters go?

use serde::Serialize;

/// Places that a trail has at most.
const MOST_PLACES: usize = 1_500;

/// The first two parameters after every so many steps, and after the last.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    every: u64,
    places: Vec<(u64, [f32; 2])>,
    untold: usize,
}

/// What is new of a trail: the places from `from` on replace what was there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TrailNews {
    from: usize,
    /// Step and the two parameters of each place.
    places: Vec<(u64, f32, f32)>,
}

impl Trail {
    pub(crate) fn new() -> Self {
        Self { every: 1, places: Vec::new(), untold: 0 }
    }

    /// Records where θ is after a step. What is no number, or has no two parameters, is not drawn.
    pub(crate) fn record(&mut self, step: u64, theta: &[f32]) {
        let Some(&[x, y]) = theta.first_chunk() else { return };
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        // The last place is provisional unless its step is one of those kept.
        if self.places.last().is_some_and(|(last, _)| last % self.every != 0) {
            self.places.pop();
        }
        self.untold = self.untold.min(self.places.len());
        self.places.push((step, [x, y]));
        if self.places.len() > MOST_PLACES {
            self.every *= 2;
            let every = self.every;
            self.places.retain(|(step, _)| step % every == 0);
            self.untold = 0;
        }
    }

    /// Forgets what came after a step.
    pub(crate) fn cut_after(&mut self, step: u64) {
        self.places.retain(|(at, _)| *at <= step);
        self.untold = 0;
    }

    /// Everything again, for a page that knows nothing of it.
    pub(crate) fn tell_all(&mut self) {
        self.untold = 0;
    }

    /// What the page does not know yet; nothing if it knows all.
    pub(crate) fn news(&mut self) -> Option<TrailNews> {
        if self.untold >= self.places.len() {
            return None;
        }
        let from = self.untold;
        self.untold = self.places.len();
        Some(TrailNews { from, places: self.places[from..].iter().map(|&(step, [x, y])| (step, x, y)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trail_is_thinned_and_ends_where_the_run_is() {
        let mut trail = Trail::new();
        for step in 0..=10_001 {
            trail.record(step, &[step as f32, 0.0, 7.0]);
        }
        let news = trail.news().unwrap();
        assert!(news.places.len() <= MOST_PLACES);
        assert_eq!(news.places.last(), Some(&(10_001, 10_001.0, 0.0)));
        assert_eq!(trail.news(), None);
        trail.record(10_002, &[1.0, 2.0]);
        let news = trail.news().unwrap();
        assert_eq!(news.places.last(), Some(&(10_002, 1.0, 2.0)));
        assert!(news.places.len() < 3);
    }
}
