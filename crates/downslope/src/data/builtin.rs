//! Which tables are always at hand?
//!
//! Three small, well-known ones, embedded as plain CSV: `@digits`, `@breast-cancer`, `@diabetes`. Where they come from
//! and what may be done with them is told here and in `data/README.md`.

use crate::data::csv::ReadOptions;
use crate::data::table::Table;
use crate::error::{ErrorKind, Result};

/// A table that is part of the program.
#[derive(Debug)]
pub struct Builtin {
    /// The name, without `@`.
    pub name: &'static str,
    /// What a row is, in a sentence.
    pub description: &'static str,
    /// The number of rows.
    pub n_rows: usize,
    /// The number of columns besides the target.
    pub n_features: usize,
    /// The column to be learned.
    pub target: &'static str,
    /// Who made it, and where it can be found.
    pub source: &'static str,
    /// What may be done with it.
    pub licence: &'static str,
    csv: &'static [u8],
}

static BUILTINS: [Builtin; 3] = [
    Builtin {
        name: "digits",
        description: "8x8 images of handwritten digits, each pixel from 0 to 16; which digit is it?",
        n_rows: 1797,
        n_features: 64,
        target: "target",
        source: "E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits (the test part), \
                 UCI Machine Learning Repository, https://doi.org/10.24432/C50P49",
        licence: "CC BY 4.0",
        csv: include_bytes!("../../data/digits.csv"),
    },
    Builtin {
        name: "breast-cancer",
        description: "measurements of cell nuclei in images of breast masses; malignant or benign?",
        n_rows: 569,
        n_features: 30,
        target: "target",
        source: "W. Wolberg, O. Mangasarian, N. Street, W. Street (1993), Breast Cancer Wisconsin (Diagnostic), \
                 UCI Machine Learning Repository, https://doi.org/10.24432/C5DW2B",
        licence: "CC BY 4.0",
        csv: include_bytes!("../../data/breast-cancer.csv"),
    },
    Builtin {
        name: "diabetes",
        description: "ten measurements of diabetes patients; how far has the disease progressed a year later?",
        n_rows: 442,
        n_features: 10,
        target: "target",
        source: "B. Efron, T. Hastie, I. Johnstone, R. Tibshirani (2004), Least Angle Regression, \
                 Annals of Statistics 32(2), 407-499, https://doi.org/10.1214/009053604000000067",
        licence: "none stated; published by its authors for download and widely redistributed",
        csv: include_bytes!("../../data/diabetes.csv"),
    },
];

/// All of them, in the order they are best met.
pub fn list() -> &'static [Builtin] {
    &BUILTINS
}

/// The one of a name, with or without `@`.
///
/// # Errors
/// [`ErrorKind::NoSuchTable`] with the names there are.
pub fn find(name: &str) -> Result<&'static Builtin> {
    let name = name.strip_prefix('@').unwrap_or(name);
    BUILTINS.iter().find(|builtin| builtin.name == name).ok_or_else(|| {
        let known = BUILTINS.iter().map(|builtin| format!("@{}", builtin.name)).collect();
        ErrorKind::NoSuchTable { name: name.to_owned(), known }.into()
    })
}

impl Builtin {
    /// The table; `@` and its name stand for the file in messages.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchColumn`] if the options name a column that it has not.
    pub fn read(&self, options: &ReadOptions) -> Result<Table> {
        Table::from_csv(&format!("@{}", self.name), self.csv, options)
    }

    /// The file as it is embedded.
    pub fn csv(&self) -> &'static [u8] {
        self.csv
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::Values;

    #[test]
    fn every_table_is_what_it_says() {
        for builtin in list() {
            let table = Table::read(&format!("@{}", builtin.name), &ReadOptions::default()).unwrap();
            assert_eq!((table.n_rows(), table.columns().len()), (builtin.n_rows, builtin.n_features + 1));
            assert_eq!(table.column_index(builtin.target).unwrap(), builtin.n_features);
            assert!(table.columns().iter().all(|column| (0..table.n_rows()).all(|row| !column.values.is_missing(row))));
        }
    }

    #[test]
    fn the_values_are_the_published_ones() {
        let table = find("diabetes").unwrap().read(&ReadOptions::default()).unwrap();
        let Values::Number(target) = &table.column("target").unwrap().values else { panic!("a number") };
        // The mean progression in Efron et al. (2004) is 152.13.
        assert!((target.iter().sum::<f64>() / 442.0 - 152.133_484_162_895_9).abs() < 1e-12);
        let table = find("breast-cancer").unwrap().read(&ReadOptions::default()).unwrap();
        let Values::Category { levels, codes } = &table.column("target").unwrap().values else { panic!("categories") };
        assert_eq!(levels, &["benign", "malignant"]);
        assert_eq!(codes.iter().sum::<u32>(), 212);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names_there_are() {
        assert_eq!(
            find("iris").unwrap_err().to_string(),
            "expected a built-in table, found `@iris`; there are `@digits`, `@breast-cancer`, `@diabetes`"
        );
    }
}
