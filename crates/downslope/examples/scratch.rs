//! scratch
use downslope::{compare::compare, run::*, Table, loader::BatchSize};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut s = Settings { target: (a[2] != "-").then(|| a[2].clone()), ..Settings::default() };
    s.epochs = a[3].parse().unwrap();
    if a.len() > 5 { s.hidden = vec![a[5].parse().unwrap()]; }
    if a[1].contains("titanic") { s.drop = vec!["alive".into()]; }
    let sizes: Vec<BatchSize> = a[4].split(',').map(|b| b.parse().unwrap()).collect();
    let t0 = std::time::Instant::now();
    let table = Table::read(&a[1], &s.read_options()).unwrap();
    let mut acc = vec![vec![]; sizes.len()];
    for seed in 0..5 { s.seed = seed;
    let e = Experiment::prepare(&table, &s).unwrap();
    let c = compare(&e, &sizes, &mut []).unwrap();
    for (i,m) in c.methods.iter().enumerate() {
        acc[i].push(m.validation.unwrap().headline().1);
        if seed == 0 { println!("{:12} B={:5} lr={:.4e} lmax={:.3} rowc={:.2} maxrow={:.1} halv={} noise={:.2} zz={:.1} step={:.2e}s rows/s={:.2e} eqS={:?} eqE={:?} eqT={:?} tt={:?} {:?} {:?}", m.name, m.batch_size, m.lr, m.lr_from.unwrap().lambda_max, m.lr_from.unwrap().row_curvature, m.lr_from.unwrap().largest_row_curvature, m.lr_from.unwrap().halvings, m.gradient_noise, m.zig_zag, m.time.step_seconds, m.time.rows_per_second, m.loss_at_equal_steps, m.loss_at_equal_epochs, m.time.loss_at_equal_seconds, m.time.seconds_to_target, m.reason, m.train.headline()); }
    } }
    for (i,m) in acc.iter().enumerate() { println!("{:?} mean headline {:.4} {:?}", a[4].split(',').nth(i), m.iter().sum::<f64>()/5.0, m); }
    println!("{:?}", t0.elapsed());
}
