//! Who is best by one number, and who as good?

use downslope::compare::{Comparison, Method};

use crate::quality::Best;

/// Values that differ by less than this share of the best are a tie.
const TIE: f64 = 0.01;

/// The methods that ended with a model and have the number, the best first.
#[derive(Clone, Debug)]
pub(super) struct Contest<'a> {
    pub(super) places: Vec<(&'a Method, f64)>,
    best: Best,
}

impl<'a> Contest<'a> {
    pub(super) fn new(comparison: &'a Comparison, best: Best, number: impl Fn(&Method) -> Option<f64>) -> Self {
        let ended = comparison.methods.iter().filter(|method| method.succeeded());
        let measured = ended.filter_map(|method| Some((method, number(method).filter(|value| value.is_finite())?)));
        let mut places: Vec<_> = measured.collect();
        places.sort_by(|a, b| match best {
            Best::Lowest => a.1.total_cmp(&b.1),
            Best::Highest => b.1.total_cmp(&a.1),
        });
        Self { places, best }
    }

    /// Those within a hundredth of the best; nobody where nobody else has the number.
    pub(super) fn winners(&self) -> &[(&'a Method, f64)] {
        match self.places.first() {
            Some((_, first)) if self.places.len() > 1 => {
                let bound = TIE * first.abs();
                let as_good = |value: f64| match self.best {
                    Best::Lowest => value <= first + bound,
                    Best::Highest => value >= first - bound,
                };
                &self.places[..self.places.partition_point(|(_, value)| as_good(*value))]
            }
            _ => &[],
        }
    }

    /// Those who are not among the winners, the better first.
    pub(super) fn others(&self) -> &[(&'a Method, f64)] {
        &self.places[self.winners().len()..]
    }

    pub(super) fn is_won_by(&self, method: &Method) -> bool {
        self.winners().iter().any(|(winner, _)| winner.name == method.name)
    }

    /// Whether there was a contest, and nobody is better than the others.
    pub(super) fn is_tied(&self) -> bool {
        self.places.len() > 1 && self.others().is_empty()
    }
}
