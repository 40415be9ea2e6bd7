//! What are the rows?
//!
//! Everything from a file to numbers, in this order: bytes are recognised (`sniff`), read as text ([`csv`]) into a
//! [`Table`] of named columns, one column is chosen as the [`Target`], and a [`Preprocessing`] learned from the
//! training rows turns the others into a [`Dataset`] of `f32`. Tables also come from inside the program ([`builtin`])
//! and from a seed ([`generate`]).
//!
//! In what order the rows are seen is not decided here.

pub mod builtin;
pub mod csv;
pub mod dataset;
pub mod encode;
pub mod generate;
mod levels;
pub mod notice;
mod sniff;
pub mod split;
pub mod table;
pub mod target;
mod transform;

pub use builtin::Builtin;
pub use csv::{ColumnKind, ReadOptions};
pub use dataset::{Csr, Dataset, Features, Matrix};
pub use encode::{EncodeOptions, Encoding, Input, Preprocessing, Scale};
pub use generate::{Generated, Generator, GeneratorKind, Optimum};
pub use notice::Notice;
pub use split::hold_out;
pub use table::{Column, MISSING, Table, Values};
pub use target::{Target, TargetEncoding, TaskKind};
