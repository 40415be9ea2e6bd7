//! What are the rows?
//!
//! Everything from a file to numbers, in this order: bytes are recognised ([`mod@format`], `sniff`), read by the reader of their
//! form ([`csv`], `json_lines`, `libsvm`, `vowpal`, `numpy`, `columnar`) into a [`Table`] of named columns, one column is
//! chosen as the [`Target`], and a [`Preprocessing`] learned from the training rows turns the others into a [`Dataset`] of
//! `f32`. Tables also come from inside the program ([`builtin`]) and from a seed ([`generate`]); `write` brings them into
//! any form.
//!
//! In what order the rows are seen is not decided here.
//!
//! ```
//! use downslope::data::{EncodeOptions, Preprocessing, ReadOptions, Table, Target, hold_out};
//!
//! let text = b"depth,cut,price\n2,Good,9.5\n4,Fair,7.5\n2,Good,9.0\n4,Good,8.5\n";
//! let table = Table::from_csv("diamonds.csv", text, &ReadOptions::default())?;
//! let (target, notices) = Target::choose(&table, None, None)?;
//! assert_eq!(notices[0].to_string(), "no target was named: taking the last column, `price`");
//!
//! let (train_rows, validation_rows) = hold_out(table.n_rows(), target.strata(&table)?.as_deref(), 0.25, 0)?;
//! assert_eq!((train_rows.len(), validation_rows.len()), (3, 1));
//!
//! let (preprocessing, _) = Preprocessing::learn(&table, &target, &table.rows(), &EncodeOptions::default())?;
//! assert_eq!(preprocessing.feature_names(), ["depth", "cut=Fair", "cut=Good"]);
//! let (features, _) = preprocessing.features(&table, &[0, 1])?;
//! let downslope::data::Features::Dense(matrix) = features else { panic!("no column is sparse") };
//! assert_eq!(matrix.values(), [-1.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
//! # Ok::<(), downslope::Error>(())
//! ```

mod blocks;
pub mod builtin;
mod cache;
mod calendar;
mod choose;
#[cfg(feature = "arrow")]
mod claims;
#[cfg(feature = "arrow")]
mod columnar;
pub mod csv;
pub mod dataset;
mod decimal;
mod describe;
pub mod encode;
mod encoder;
mod files;
mod fingerprint;
pub mod format;
pub mod generate;
mod hash;
mod json_lines;
mod learn;
mod levels;
mod libsvm;
mod lines;
mod missing;
mod moments;
pub mod notice;
pub mod numbers;
mod numpy;
mod pair;
mod rows;
mod skipped;
mod sniff;
mod source;
mod sparse;
pub mod split;
mod survey;
pub mod table;
mod tally;
pub mod target;
mod text_rows;
mod threads;
mod times;
mod transform;
mod vowpal;
mod weights;
mod write;

pub use builtin::Builtin;
pub(crate) use cache::CacheWriter;
pub use cache::RowCache;
pub use csv::{ColumnKind, ReadOptions};
pub use dataset::{Csr, Dataset, Features, Matrix};
pub use encode::{EncodeOptions, Encoding, Factor, Input, Power, Preprocessing, Scale};
pub(crate) use files::GuessedKinds;
pub use files::TableSource;
pub use format::Format;
pub use generate::{Generated, Generator, GeneratorKind, Optimum};
pub use learn::Learner;
pub use notice::Notice;
pub use numbers::Numbers;
pub use skipped::OnBadRow;
pub use source::Packing;
pub use sparse::SparseRows;
pub use split::hold_out;
pub use table::{Column, MISSING, Table, Values};
pub use target::{OnMissingTarget, Target, TargetEncoding, TargetSurvey, TaskKind};
