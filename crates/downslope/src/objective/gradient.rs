//! What a step needs to know of the slope: a value a parameter, or only the touched ones.

use crate::kernels::{self, Aligned};

/// A gradient, dense or touched at few places.
///
/// The values stand in one flat slice as long as θ, so that every use can read it as dense. A *sparse* gradient also
/// lists which of them were touched: clearing, scaling and stepping then cost only those.
///
/// **Cost**: one `f32` a parameter; a sparse one adds a bit a parameter and a `u32` for each touched one.
#[derive(Clone, Debug)]
pub struct Gradient {
    values: Aligned,
    touched: Option<Touched>,
}

#[derive(Clone, Debug)]
struct Touched {
    indices: Vec<u32>,
    marks: Vec<u64>,
    /// Every value may be other than zero, and the indices say nothing.
    all: bool,
}

impl Gradient {
    /// A gradient of `n_parameters` zeros.
    pub fn dense(n_parameters: usize) -> Self {
        Self { values: Aligned::zeros(n_parameters), touched: None }
    }

    /// A gradient of `n_parameters` zeros that remembers which were touched.
    pub fn sparse(n_parameters: usize) -> Self {
        let touched = Touched {
            indices: Vec::with_capacity(n_parameters),
            marks: vec![0; n_parameters.div_ceil(64)],
            all: false,
        };
        Self { values: Aligned::zeros(n_parameters), touched: Some(touched) }
    }

    /// Every value; zero where nothing was touched.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Every value, to be added to. A sparse gradient must be told what is touched: [`Gradient::touch`].
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The touched indices in the order of their first touch, or nothing if any value may be other than zero.
    pub fn touched(&self) -> Option<&[u32]> {
        self.touched.as_ref().filter(|touched| !touched.all).map(|touched| touched.indices.as_slice())
    }

    /// Forgets which values were touched: until it is cleared, the gradient is as a dense one.
    pub fn touch_all(&mut self) {
        if let Some(touched) = &mut self.touched {
            touched.all = true;
        }
    }

    /// Remembers that the value at an index may not be zero. Nothing to do for a dense gradient.
    ///
    /// # Panics
    /// If there is no such parameter.
    pub fn touch(&mut self, index: u32) {
        if let Some(Touched { indices, marks, all: false }) = &mut self.touched {
            let (word, bit) = (index as usize / 64, 1_u64 << (index % 64));
            if marks[word] & bit == 0 {
                marks[word] |= bit;
                indices.push(index);
            }
        }
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        match &mut self.touched {
            None => self.values.fill(0.0),
            Some(Touched { indices, marks, all }) => {
                for index in indices.drain(..) {
                    self.values[index as usize] = 0.0;
                    marks[index as usize / 64] = 0;
                }
                if std::mem::take(all) {
                    self.values.fill(0.0);
                }
            }
        }
    }

    /// Multiplies every value.
    pub fn scale(&mut self, factor: f32) {
        match self.touched.as_ref().filter(|touched| !touched.all) {
            None => kernels::scale(factor, &mut self.values),
            Some(touched) => touched.indices.iter().for_each(|&index| self.values[index as usize] *= factor),
        }
    }

    /// Changes every value that can be other than zero.
    pub fn apply(&mut self, change: impl Fn(f32) -> f32) {
        match self.touched.as_ref().filter(|touched| !touched.all) {
            None => self.values.iter_mut().for_each(|value| *value = change(*value)),
            Some(touched) => {
                for &index in &touched.indices {
                    self.values[index as usize] = change(self.values[index as usize]);
                }
            }
        }
    }

    /// Adds another gradient of the same length.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn add(&mut self, other: &Self) {
        match other.touched() {
            None => {
                self.touch_all();
                kernels::axpy(1.0, &other.values, &mut self.values);
            }
            Some(indices) => {
                for &index in indices {
                    self.touch(index);
                    self.values[index as usize] += other.values[index as usize];
                }
            }
        }
    }

    /// Adds `factor` times every value to θ.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn add_to(&self, factor: f32, theta: &mut [f32]) {
        match self.touched() {
            None => kernels::axpy(factor, &self.values, theta),
            Some(indices) => {
                for &index in indices {
                    theta[index as usize] += factor * self.values[index as usize];
                }
            }
        }
    }

    /// The Euclidean norm ‖g‖, summed in `f64`.
    pub fn norm(&self) -> f64 {
        match self.touched() {
            None => kernels::sum_of_squares(&self.values).sqrt(),
            Some(indices) => indices.iter().map(|&i| f64::from(self.values[i as usize]).powi(2)).sum::<f64>().sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_gradient_reads_as_a_dense_one() {
        let mut sparse = Gradient::sparse(200);
        let mut dense = Gradient::dense(200);
        for index in [3_u32, 150, 3, 199] {
            sparse.touch(index);
            sparse.values_mut()[index as usize] += 1.5;
            dense.values_mut()[index as usize] += 1.5;
        }
        assert_eq!(sparse.touched(), Some([3, 150, 199].as_slice()));
        assert_eq!(sparse.values(), dense.values());
        assert!((sparse.norm() - dense.norm()).abs() < 1e-12);
        sparse.scale(2.0);
        dense.add(&sparse);
        let expected = [9.0_f32, 4.5].map(f32::to_bits);
        assert_eq!([3, 150].map(|index| dense.values()[index].to_bits()), expected);
        sparse.clear();
        assert!(sparse.values().iter().all(|&value| value == 0.0) && sparse.touched() == Some(&[]));
        sparse.touch(3);
        assert_eq!(sparse.touched(), Some([3].as_slice()));
    }
}
