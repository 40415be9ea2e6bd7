//! How does a [`Preprocessing`] turn the rows of a table into features and targets?

use std::iter::zip;
use std::ops::Range;

use crate::data::csv::ColumnKind;
use crate::data::dataset::{Dataset, Features, Matrix};
use crate::data::encode::{Encoding, Input, Preprocessing};
use crate::data::encoder::{Encoder, Entries, Out};
use crate::data::notice::Notice;
use crate::data::pair::pair;
use crate::data::table::{Table, Values};
use crate::data::threads;
use crate::error::Result;

/// So many rows are encoded column by column at a time, so that they stay in the second-level cache.
const BLOCK_ROWS: usize = 1024;

impl Preprocessing {
    /// The features of some rows, (`rows.len()`, `n_features`), each rounded to `f32` once; dense, or sparse where any
    /// column is hashed, sparse itself, or has very many levels.
    ///
    /// Columns are found by name, whatever their order; others are not looked at. A level that training never saw is 0
    /// in all features of its column, and a missing value where training had none is the mean; a notice tells of both.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSuchColumn`]; [`crate::ErrorKind::NotANumber`], [`crate::ErrorKind::NotABoolean`] and
    /// [`crate::ErrorKind::NotATime`] at the first value of another kind; [`crate::ErrorKind::KindsDiffer`] where sparse
    /// rows should be; [`crate::ErrorKind::NotFinite`] at a value beyond what `f32` holds.
    ///
    /// # Threads
    /// Within [`rayon::ThreadPool::install`] those of the pool share the rows, unless these become sparse. They change no
    /// bit, notice or error.
    pub fn features(&self, table: &Table, rows: &[u32]) -> Result<(Features, Vec<Notice>)> {
        let otherwise = self.in_the_form_learned(table);
        let table = otherwise.as_ref().unwrap_or(table);
        let pairs = self.pairs(table, rows)?;
        let places: Vec<u32> =
            if pairs.iter().any(Option::is_some) { (0..rows.len() as u32).collect() } else { Vec::new() };
        let mut encoders = Vec::with_capacity(self.inputs().len());
        let mut first = 0;
        for (input, texts) in self.inputs().iter().zip(&pairs) {
            encoders.push(match (&input.encoding, texts) {
                (Encoding::Pair { encoding, .. }, Some(texts)) => {
                    Encoder::of_pair(table, input, encoding, (texts, &places), first)
                }
                _ => Encoder::new(table, input, rows, first)?,
            });
            first += input.encoding.width();
        }
        let starts = (0..rows.len()).step_by(BLOCK_ROWS);
        let blocks = starts.map(|start| start..rows.len().min(start + BLOCK_ROWS));
        let n_features = self.n_features();
        let features = if self.is_sparse() {
            let mut entries = Entries::default();
            for block in blocks {
                for encoder in &mut encoders {
                    encoder.write(block.clone(), &mut Out::Sparse(&mut entries))?;
                }
                entries.end_block(block.len());
            }
            Features::Sparse(entries.into_csr(n_features)?)
        } else {
            let mut matrix = Matrix::zeros(rows.len(), n_features);
            let parts = blocks.zip(matrix.values_mut().chunks_mut(BLOCK_ROWS * n_features.max(1)));
            let write = |encoders: &mut Vec<Encoder>, (block, values): (Range<usize>, &mut [f32])| {
                let mut out = Out::Dense { values, n_features };
                encoders.iter_mut().try_for_each(|encoder| encoder.write(block.clone(), &mut out))
            };
            let written = threads::for_each(parts, || encoders.clone(), write)?;
            for others in written {
                zip(&mut encoders, others).for_each(|(encoder, other)| encoder.join(other));
            }
            Features::Dense(matrix)
        };
        Ok((features, encoders.into_iter().flat_map(Encoder::into_notices).collect()))
    }

    /// The targets of some rows: numbers, scaled if so learned, or class codes 0.0, 1.0 ….
    ///
    /// # Errors
    /// [`crate::ErrorKind::NoSuchColumn`]; [`crate::ErrorKind::MissingTarget`], [`crate::ErrorKind::UnknownClass`],
    /// [`crate::ErrorKind::TargetNotNumeric`] and [`crate::ErrorKind::NotFinite`] at the first such value.
    pub fn targets(&self, table: &Table, rows: &[u32]) -> Result<Vec<f32>> {
        self.target().encode(table, rows)
    }

    /// Features and targets of some rows.
    ///
    /// # Errors
    /// Those of [`Preprocessing::features`], where threads are told of, and [`Preprocessing::targets`].
    pub fn dataset(&self, table: &Table, rows: &[u32]) -> Result<(Dataset, Vec<Notice>)> {
        let targets = self.targets(table, rows)?;
        let (features, notices) = self.features(table, rows)?;
        Ok((Dataset::new(features, targets)?, notices))
    }

    /// The table with plain columns for sparse rows, or the other way round, if it has the other than was learned from:
    /// whether rows that name what they have are mostly filled may differ from file to file.
    fn in_the_form_learned(&self, table: &Table) -> Option<Table> {
        let is_there = |name: &str| table.columns().iter().any(|column| column.name == name);
        let sparse = self.inputs().iter().find(|input| matches!(input.encoding, Encoding::Sparse { .. }));
        if let Some(Input { name, becomes, .. }) = sparse {
            return (!is_there(name)).then(|| table.with_sparse_column(name, becomes)).flatten();
        }
        let names = self.kinds().into_iter().map(|(name, _)| name).filter(|name| !is_there(name));
        table.with_plain_columns_of(&names.collect::<Vec<_>>())
    }

    /// For each input that is a pair the texts of both columns as one.
    fn pairs(&self, table: &Table, rows: &[u32]) -> Result<Vec<Option<Values>>> {
        let texts = |input: &Input| match &input.encoding {
            Encoding::Pair { columns: [left, right], .. } => {
                Ok(Some(pair(&table.column(left)?.values, &table.column(right)?.values, rows)))
            }
            _ => Ok(None),
        };
        self.inputs().iter().map(texts).collect()
    }

    /// The kinds as which another table's columns are to be read so that they mean the same as in training: for
    /// [`crate::data::ReadOptions::kinds`]. A short table might otherwise take categories for numbers.
    pub fn kinds(&self) -> Vec<(String, ColumnKind)> {
        let mut kinds: Vec<(String, ColumnKind)> = Vec::new();
        let mut add = |name: &String, kind: Option<ColumnKind>| {
            if kinds.iter().all(|(known, _)| known != name) {
                kinds.extend(kind.map(|kind| (name.clone(), kind)));
            }
        };
        for Input { name, encoding, .. } in self.inputs() {
            match encoding {
                Encoding::Product { factors } => {
                    for factor in factors {
                        add(&factor.name, kind(&factor.encoding));
                    }
                }
                Encoding::Pair { columns, .. } => columns.iter().for_each(|name| add(name, Some(ColumnKind::Category))),
                encoding => add(name, kind(encoding)),
            }
        }
        kinds
    }
}

/// The kind as which a column is to be read.
fn kind(encoding: &Encoding) -> Option<ColumnKind> {
    match encoding {
        Encoding::Number { .. } => Some(ColumnKind::Number),
        Encoding::Category { .. } | Encoding::Hashed { words: false, .. } => Some(ColumnKind::Category),
        Encoding::Hashed { words: true, .. } => Some(ColumnKind::Text),
        Encoding::Time { .. } => Some(ColumnKind::Time),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::ReadOptions;
    use crate::data::dataset::Csr;
    use crate::data::encode::{EncodeOptions, Scale};
    use crate::data::hash::{feature_of, hash};
    use crate::data::sparse::SparseBuilder;
    use crate::data::table::Column;
    use crate::data::target::{Target, TaskKind};
    use crate::data::threads::tests::on_threads;

    fn table(text: &str) -> Table {
        Table::from_csv("new.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    /// `a` is (v − 2) / 1; `c` is u or v; `f` is true or false; `k` is 1 or 2, read as categories.
    fn learned() -> Preprocessing {
        let options = ReadOptions { kinds: vec![("k".to_owned(), ColumnKind::Category)], ..ReadOptions::default() };
        let text = b"a,c,f,k,y\n1,u,true,1,no\n3,v,false,2,yes\n1,u,true,1,no\n3,v,false,2,yes\n";
        let table = Table::from_csv("t.csv", text, &options).unwrap();
        let (target, _) = Target::choose(&table, None, None).unwrap();
        Preprocessing::learn(&table, &target, &[0, 1, 2, 3], &EncodeOptions::default()).unwrap().0
    }

    fn features(text: &str) -> Result<(Matrix, Vec<Notice>)> {
        let table = table(text);
        let (features, notices) = learned().features(&table, &table.rows())?;
        let Features::Dense(matrix) = features else { panic!("dense") };
        Ok((matrix, notices))
    }

    fn refusal(text: &str) -> String {
        features(text).unwrap_err().to_string()
    }

    #[test]
    fn columns_are_taken_by_name() {
        let (matrix, notices) = features("k,extra,f,c,a\n2,9,FALSE,u,4\n1,9,true,v,0\n").unwrap();
        assert_eq!(learned().feature_names(), ["a", "c=u", "c=v", "f", "k=1", "k=2"]);
        assert_eq!(matrix.row(0), [2.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(matrix.row(1), [-2.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
        assert!(notices.is_empty());
    }

    #[test]
    fn what_training_never_saw_is_told() {
        let (matrix, notices) = features("a,c,f,k\n,w,1,3\n2,,,1.0\n2,w,0,1\n").unwrap();
        assert_eq!(matrix.row(0), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(matrix.row(1), [0.0, 0.0, 0.0, 0.5, 1.0, 0.0]);
        let unknown = |column: &str, level: &str, rows| {
            let (column, level) = (column.to_owned(), level.to_owned());
            Notice::UnknownLevel { column, level, rows }
        };
        let missing = |column: &str| Notice::MissingUnseen { column: column.to_owned(), rows: 1 };
        assert_eq!(notices, [missing("a"), missing("c"), unknown("c", "w", 2), missing("f"), unknown("k", "3", 1)]);
    }

    #[test]
    fn rows_that_name_what_they_have_and_plain_columns_stand_for_each_other() {
        let read = |name: &str, text: &str| Table::from_bytes(name, text.as_bytes(), &ReadOptions::default()).unwrap();
        let learn = |table: &Table| {
            let (target, _) = Target::choose(table, Some("label"), None).unwrap();
            let options = EncodeOptions { scale: Scale::None, ..EncodeOptions::default() };
            Preprocessing::learn(table, &target, &table.rows(), &options).unwrap().0
        };
        let dense = read("t.svm", "1 1:1 2:2\n0 1:3 2:4\n1 1:5\n0 2:7\n");
        let sparse = read("t.svm", "1 1:1\n0 2:3\n1 5:5\n0 7:1\n");
        let plain = read("t.csv", "2,1,5,label\n9,8,0,1\n");
        let rows = |preprocessing: &Preprocessing, table: &Table| match preprocessing.features(table, &[0]).unwrap().0 {
            Features::Dense(matrix) => matrix.row(0).to_vec(),
            Features::Sparse(csr) => {
                let mut row = vec![0.0; csr.n_columns()];
                csr.row(0).0.iter().zip(csr.row(0).1).for_each(|(&column, &value)| row[column as usize] = value);
                row
            }
        };
        assert_eq!(learn(&dense).feature_names(), ["1", "2"]);
        assert_eq!(rows(&learn(&dense), &read("new.svm", "1 2:6 9:1\n0 8:1\n1 8:1\n")), [0.0, 6.0]);
        assert_eq!(learn(&sparse).feature_names(), ["1", "2", "5", "7"]);
        assert_eq!(rows(&learn(&sparse), &plain), [8.0, 9.0, 0.0, 0.0]);
        // A short file is mostly filled; what it does not name is 0 all the same.
        assert_eq!(rows(&learn(&dense), &read("new.svm", "1 2:6\n")), [0.0, 6.0]);
        assert_eq!(rows(&learn(&sparse), &read("new.svm", "1 9:6\n")), [0.0; 4]);
    }

    #[test]
    fn columns_missing_or_of_another_kind_are_refused() {
        assert_eq!(
            refusal("a,cc,f,k\n1,u,true,1\n"),
            "new.csv: expected a column `c`, found none of that name; the nearest are `cc`"
        );
        assert_eq!(
            refusal("a,c,f,k\n,u,true,1\nlow,u,true,1\n"),
            "new.csv:3:1: expected a number in column `a`, found `low`"
        );
        assert_eq!(
            refusal("a,c,f,k\n1,u,yes,1\n"),
            "new.csv:2:3: expected `true` or `false` in column `f`, found `yes`"
        );
        assert_eq!(refusal("a,c,f,k\n1,u,2,1\n"), "new.csv:2:3: expected `true` or `false` in column `f`, found `2`");
    }

    #[test]
    fn targets_are_found_by_name_and_checked() {
        let refusal = |text: &str| learned().targets(&table(text), &[0, 1]).unwrap_err().to_string();
        assert_eq!(learned().targets(&table("y,a\nyes,1\nno,1\n"), &[0, 1]).unwrap(), [1.0, 0.0]);
        assert_eq!(
            refusal("y,a\nyes,1\nmaybe,1\n"),
            "new.csv:3:1: expected a class seen in training in the target `y`, found `maybe`; training has `no`, `yes`"
        );
        assert_eq!(refusal("y,a\nyes,1\n,1\n"), "new.csv:3:1: expected a value in the target `y`, found none");
    }

    #[test]
    fn a_short_table_is_read_as_the_long_one_was() {
        let kinds = learned().kinds();
        let (number, category) = (ColumnKind::Number, ColumnKind::Category);
        assert_eq!(kinds, [("a".to_owned(), number), ("c".to_owned(), category), ("k".to_owned(), category)]);
        let options = ReadOptions { kinds, ..ReadOptions::default() };
        let error = Table::from_csv("new.csv", b"a,c,f,k\nlow,7,true,1\n", &options).unwrap_err();
        assert_eq!(error.to_string(), "new.csv:2:1: expected a number in column `a`, found `low`");
    }

    fn regression() -> Target {
        Target { name: "y".to_owned(), task: TaskKind::Regression, classes: Vec::new() }
    }

    fn sparse(features: &Features) -> &Csr {
        let Features::Sparse(csr) = features else { panic!("sparse") };
        csr
    }

    /// A column of sparse rows, and a target.
    fn sparse_table(rows: &[&[(&str, f64)]]) -> Table {
        let mut builder = SparseBuilder::default();
        for row in rows {
            for &(name, value) in *row {
                let code = builder.code(name);
                builder.push(code, value);
            }
            builder.end_row();
        }
        let column = Column { name: "features".to_owned(), values: Values::Sparse(builder.finish()) };
        let targets = (0..rows.len()).map(|row| row as f64).collect();
        Table::from_columns("rows.svm", vec![column, Column::numbers("y", targets)]).unwrap()
    }

    #[test]
    fn sparse_rows_are_divided_by_the_largest_and_new_names_count_as_nothing() {
        let table = sparse_table(&[&[("10", 4.0), ("9", 1.0)], &[], &[("10", -8.0)], &[("3", 9.0)]]);
        let (learned, notices) =
            Preprocessing::learn(&table, &regression(), &[0, 1, 2], &EncodeOptions::default()).unwrap();
        assert_eq!(notices, [Notice::SparseByLargest { column: "features".into() }]);
        assert_eq!(learned.feature_names(), ["9", "10"]);
        let (features, notices) = learned.features(&table, &[0, 1, 2, 3]).unwrap();
        let rows: Vec<_> = (0..4).map(|row| sparse(&features).row(row)).collect();
        assert_eq!(rows[0], (&[0, 1][..], &[1.0, 0.5][..]));
        assert_eq!(rows[1], (&[][..], &[][..]));
        assert_eq!(rows[2], (&[1][..], &[-1.0][..]));
        assert_eq!(rows[3], (&[][..], &[][..]));
        assert_eq!(notices, [Notice::UnknownNames { column: "features".into(), n_names: 1 }]);
        assert_eq!(
            notices[0].to_string(),
            "column `features` has 1 name that training never saw: it counts as nothing"
        );
        let other = Table::from_csv("t.csv", b"features,y\n1,2\n", &ReadOptions::default()).unwrap();
        assert_eq!(
            learned.features(&other, &[0]).unwrap_err().to_string(),
            "t.csv: expected sparse rows in column `features` as in the files before it, found numbers"
        );
    }

    #[test]
    fn many_texts_are_hashed_and_rows_of_any_number_keep_their_order() {
        let rows: Vec<String> = (0..3000).map(|row| format!("u{},{},{row}\n", row % 1500, row % 7)).collect();
        let table = table(&format!("user,n,y\n{}", rows.concat()));
        let (learned, notices) =
            Preprocessing::learn(&table, &regression(), &table.rows(), &EncodeOptions::default()).unwrap();
        assert_eq!(
            notices[0].to_string(),
            "column `user` has 1500 different texts: too many for a feature each, hashed into 2^12; \
             `--drop user` leaves it out, `--as user=category` makes a feature of each"
        );
        let (features, _) = learned.features(&table, &table.rows()).unwrap();
        let csr = sparse(&features);
        assert_eq!((csr.n_rows(), csr.n_columns(), csr.n_values()), (3000, 4097, 6000));
        for row in [0, 1023, 1024, 2999] {
            let expected = feature_of(hash(&format!("u{}", row % 1500)), 12);
            let ((columns, values), n) = (csr.row(row), (row % 7) as f32 - 3.0);
            assert_eq!((columns, values[0].to_bits()), (&[expected, 4096][..], 1_f32.to_bits()));
            assert!((values[1] - n / 2.0).abs() < 2e-3, "{} for {n}", values[1]);
        }
        let options =
            EncodeOptions { kinds: vec![("user".to_owned(), ColumnKind::Category)], ..EncodeOptions::default() };
        let (learned, _) = Preprocessing::learn(&table, &regression(), &table.rows(), &options).unwrap();
        assert_eq!((learned.n_features(), learned.is_sparse()), (1501, true));
    }

    #[test]
    fn categories_that_are_asked_for_have_a_limit_too() {
        let rows: Vec<String> = (0..=100_000).map(|row| format!("u{row},{row}\n")).collect();
        let table = table(&format!("user,y\n{}", rows.concat()));
        let options =
            EncodeOptions { kinds: vec![("user".to_owned(), ColumnKind::Category)], ..EncodeOptions::default() };
        let error = Preprocessing::learn(&table, &regression(), &table.rows(), &options).unwrap_err();
        assert_eq!(error.to_string(), "new.csv: expected at most 100000 categories in column `user`, found 100001");
    }

    #[test]
    fn texts_that_all_differ_are_said_to_be_of_no_use() {
        let rows: Vec<String> = (0..60).map(|row| format!("id{row},{row}.5\n")).collect();
        let table = table(&format!("id,y\n{}", rows.concat()));
        let (_, notices) =
            Preprocessing::learn(&table, &regression(), &table.rows(), &EncodeOptions::default()).unwrap();
        assert_eq!(
            notices[0].to_string(),
            "column `id` has 60 different texts: too many for a feature each, hashed into 2^7; \
             as each is in one row only, it cannot help on new rows; `--drop id` leaves it out"
        );
    }

    #[test]
    fn products_and_pairs_are_those_of_the_features_of_both() {
        let text = "n,f,c,d,y\n1,true,u,p,1\n3,false,v,q,2\n1,true,u,q,3\n3,false,v,,4\n";
        let table = table(text);
        let crossed = |left: &str, right: &str| (left.to_owned(), right.to_owned());
        let options = EncodeOptions {
            only: vec!["n".to_owned()],
            cross: vec![crossed("n", "f"), crossed("c", "n"), crossed("c", "d")],
            ..EncodeOptions::default()
        };
        let (learned, notices) = Preprocessing::learn(&table, &regression(), &table.rows(), &options).unwrap();
        let names = ["n", "n*f", "c=u*n", "c=v*n", "c=u*d=p", "c=u*d=q", "c=v*d=q", "c*d=(missing)"];
        assert_eq!((learned.feature_names(), notices), (names.map(str::to_owned).to_vec(), vec![]));
        let Features::Dense(x) = learned.features(&table, &table.rows()).unwrap().0 else { panic!("dense") };
        assert_eq!(x.row(0), [-1.0, -1.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(x.row(1), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(x.row(3), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let kinds = learned.kinds();
        assert_eq!(kinds.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["n", "c", "d"]);
        let new =
            Table::from_csv("new.csv", b"n,f,c,d\n1,true,v,p\n", &ReadOptions { kinds, ..ReadOptions::default() });
        let notices = learned.features(&new.unwrap(), &[0]).unwrap().1;
        let level = "v*p".to_owned();
        assert_eq!(notices, [Notice::UnknownLevel { column: "c*d".into(), level, rows: 1 }]);
    }

    #[test]
    fn what_cannot_be_crossed_is_refused() {
        let refusal = |left: &str, right: &str| {
            let table = table("n,c,when,y\n1,u,2024-01-01,1\n3,v,2024-01-02,2\n");
            let cross = vec![(left.to_owned(), right.to_owned())];
            let options = EncodeOptions { cross, ..EncodeOptions::default() };
            Preprocessing::learn(&table, &regression(), &[0, 1], &options).unwrap_err().to_string()
        };
        let expected =
            "new.csv: `cross`: expected two different columns of numbers, booleans or texts besides the target";
        assert_eq!(refusal("n", "n"), format!("{expected}, found `n*n`"));
        assert_eq!(refusal("n", "y"), format!("{expected}, found `n*y`"));
        assert!(refusal("n", "z").starts_with("new.csv: expected a column `z`"));
    }

    #[test]
    fn missing_times_are_the_mean_and_no_time_of_the_calendar() {
        let kinds = vec![("t".to_owned(), ColumnKind::Time)];
        let options = ReadOptions { kinds, ..ReadOptions::default() };
        let text = b"t,y\n2024-01-01,1\n,2\n2024-01-03,3\n2024-01-01,4\n2024-01-03,5\n";
        let table = Table::from_csv("t.csv", text, &options).unwrap();
        let (learned, notices) =
            Preprocessing::learn(&table, &regression(), &table.rows(), &EncodeOptions::default()).unwrap();
        assert_eq!(
            notices[0].to_string(),
            "column `t` misses 1 training value: filled with the mean 2024-01-02 and marked in `t is missing`"
        );
        let names = ["t elapsed", "t year sin", "t year cos", "t Monday", "t Wednesday", "t is missing"];
        assert_eq!(learned.feature_names(), names);
        let Features::Dense(x) = learned.features(&table, &table.rows()).unwrap().0 else { panic!("dense") };
        assert_eq!(x.row(1), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(x.row(2)[3..], [0.0, 1.0, 0.0]);
        assert!((f64::from(x.row(2)[0]) - (5.0_f64 / 4.0).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn threads_change_neither_features_nor_what_is_said() {
        let n_rows = 5 * BLOCK_ROWS + 7;
        let text = |large: &[usize]| {
            let number = |row: usize| match row {
                row if large.contains(&row) => "1e39".to_owned(),
                row if row % 1000 == 999 => String::new(),
                row => (row % 17).to_string(),
            };
            let row = |row: usize| {
                let (level, other) = (["u", "v", "w"][row % 3], ["s", "t"][row % 2]);
                format!("{},{level},{other},2024-01-{:02},{}\n", number(row), row % 28 + 1, row.is_multiple_of(2))
            };
            format!("a,c,d,t,y\n{}", (0..n_rows).map(row).collect::<String>())
        };
        let target = Target { name: "y".to_owned(), task: TaskKind::Classification, classes: vec![] };
        let whole = table(&text(&[]));
        let cross = [("a", "c"), ("c", "d")].map(|(left, right)| (left.to_owned(), right.to_owned())).to_vec();
        let options = EncodeOptions { cross, polynomial: 3, ..EncodeOptions::default() };
        let learn = |rows: &[u32]| Preprocessing::learn(&whole, &target, rows, &options).unwrap().0;
        on_threads(|| learn(&whole.rows()));
        // From rows without a `w` and without a missing number.
        let learned = learn(&[0, 1]);
        let (bits, notices) = on_threads(|| {
            let (features, notices) = learned.features(&whole, &whole.rows()).unwrap();
            let Features::Dense(x) = features else { panic!("dense") };
            (x.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>(), notices)
        });
        assert_eq!(bits.len(), n_rows * learned.n_features());
        assert!(notices.contains(&Notice::UnknownLevel { column: "c".into(), level: "w".into(), rows: n_rows / 3 }));
        assert!(notices.contains(&Notice::MissingUnseen { column: "a".into(), rows: 5 }), "{notices:?}");
        let refused = table(&text(&[2000, 2001, 4000]));
        let refusal = on_threads(|| learned.features(&refused, &refused.rows()).unwrap_err().to_string());
        assert!(refusal.starts_with("new.csv:2002:1: expected a finite number"), "{refusal}");
    }
}
