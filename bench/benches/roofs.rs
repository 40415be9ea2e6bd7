//! How near do the engine's own loops come to what the machine could do?
//!
//! `machine` measures two roofs, `full` the work on all rows of L, M and D without a trainer around it, `steps` that
//! of steps on a thousand rows, which a cache holds. Everything tells bytes of features a second and operations a second
//! (four a feature and score, products and sums, forward and back), so that a line can be read against the roofs above it.
//!
//! Not shown: shuffled rows that come from memory (`cargo xtask bench` has them), more than one thread, sparse rows.
//!
//! divan, because it tells two such rates side by side and compiles in a third of criterion's time.

use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use downslope::loader::Batch;
use downslope::objective::{EmpiricalLoss, Objective};
use downslope_bench::cases::Case;
use downslope_bench::{make, roofs};

fn main() {
    divan::main();
}

/// A case's objective on its first rows (all, if there are fewer), and what one pass over them touches.
fn objective(name: &str, n_rows: usize) -> (EmpiricalLoss, BytesCount, ItemsCount) {
    let made = Case::named(name).and_then(|mut case| {
        case.rows = n_rows.min(case.rows);
        let data = Arc::new(make::dataset(&case)?);
        let objective = EmpiricalLoss::new(case.model(), case.loss, data).map_err(|error| error.to_string())?;
        Ok((case, objective))
    });
    let (case, objective) = made.unwrap_or_else(|reason| panic!("{name}: {reason}"));
    let values = case.rows * case.features;
    (objective, BytesCount::new(4 * values), ItemsCount::new(4 * values * case.outputs))
}

/// The machine alone.
mod machine {
    use super::{Bencher, BytesCount, ItemsCount, roofs};

    #[divan::bench(args = [1, 2], sample_count = 10)]
    fn read_from_memory(bencher: Bencher<'_, '_>, threads: usize) {
        let far = vec![1.0_f32; 1 << 27];
        bencher.counter(BytesCount::of_slice(&far)).bench_local(|| roofs::read(&far, threads));
    }

    #[divan::bench(args = [1, 2], sample_count = 10)]
    fn multiply_add_in_registers(bencher: Bencher<'_, '_>, threads: usize) {
        let operations = roofs::multiply_add(threads);
        bencher.counter(ItemsCount::new(operations as u64)).bench_local(|| roofs::multiply_add(threads));
    }
}

/// All rows at once.
mod full {
    use super::{Batch, Bencher, Objective, black_box, objective};

    const CASES: [&str; 3] = ["L", "M", "D"];

    #[divan::bench(args = CASES, sample_count = 10)]
    fn loss(bencher: Bencher<'_, '_>, name: &str) {
        let (mut objective, bytes, operations) = objective(name, usize::MAX);
        let theta = vec![0.01; objective.n_parameters()];
        let all = Batch::all(objective.n_rows());
        bencher.counter(bytes).counter(operations).bench_local(|| objective.loss(black_box(&theta), all.clone()));
    }

    #[divan::bench(args = CASES, sample_count = 10)]
    fn loss_and_gradient(bencher: Bencher<'_, '_>, name: &str) {
        let (mut objective, bytes, operations) = objective(name, usize::MAX);
        let theta = vec![0.01; objective.n_parameters()];
        let mut gradient = objective.gradient();
        let all = Batch::all(objective.n_rows());
        bencher
            .counter(bytes)
            .counter(operations)
            .bench_local(|| objective.loss_and_gradient(black_box(&theta), all.clone(), &mut gradient));
    }
}

/// An epoch of plain steps over a thousand rows in a random order that is always the same.
mod steps {
    use super::{Batch, Bencher, Objective, objective};
    use downslope::loader::Batches;
    use downslope::objective::{StepLosses, StepRule};
    use downslope::random::{Purpose, Stream};

    const ROWS: usize = 1024;
    const CASES: [&str; 3] = ["L", "M", "D"];

    #[divan::bench(args = CASES, sample_count = 20)]
    fn of_one_row(bencher: Bencher<'_, '_>, name: &str) {
        epochs(bencher, name, 1);
    }

    #[divan::bench(args = CASES, sample_count = 20)]
    fn of_32_rows(bencher: Bencher<'_, '_>, name: &str) {
        epochs(bencher, name, 32);
    }

    #[divan::bench(args = CASES, sample_count = 20)]
    fn of_256_rows(bencher: Bencher<'_, '_>, name: &str) {
        epochs(bencher, name, 256);
    }

    fn epochs(bencher: Bencher<'_, '_>, name: &str, batch_size: usize) {
        let (mut objective, bytes, operations) = objective(name, ROWS);
        let mut theta = vec![0.0; objective.n_parameters()];
        let mut order: Vec<u32> = (0..ROWS as u32).collect();
        Stream::new(1, Purpose::Order, 0).shuffle(&mut order);
        bencher.counter(bytes).counter(operations).bench_local(|| {
            let batches = Batches::new(Batch::Rows(&order), batch_size);
            objective.fused_steps(
                &mut theta,
                &mut [],
                &mut Vec::new(),
                &batches,
                StepRule::plain(1e-4),
                &mut StepLosses::default(),
            )
        });
    }
}
