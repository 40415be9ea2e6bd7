//! How is a descent shown?
//!
//! The pieces of which reports and terminal output are made. They know figures, tables and pages, and nothing of
//! training; they print nothing and read nothing, and give back strings and bytes.
//!
//! From the data to the eye: [`quantity`] (a value in words), [`axis`] and [`figure`] (what a figure shows),
//! [`svg`] and [`png`] (a figure drawn), [`table`], [`terminal`] (both as text), [`page`] (a report of them all).
//! What is said with them: [`compare_report`] of a comparison, [`map_report`] of a map, [`run_report`] of runs,
//! [`explain`] of findings.
//! Beside them: [`lesson`], what a lesson says, asks and shows.

pub mod advise_report;
pub mod axis;
mod command;
pub mod compare_report;
pub mod explain;
pub mod figure;
pub mod learning_rate;
pub mod lesson;
pub mod map_report;
pub mod page;
pub mod palette;
mod plot;
pub mod png;
pub mod quality;
pub mod quantity;
pub mod run_report;
pub mod server;
pub mod svg;
pub mod table;
pub mod terminal;
#[cfg(test)]
mod snapshot;
mod words;
