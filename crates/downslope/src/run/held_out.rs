//! Which rows does a model not learn from?

use super::settings::Settings;
use super::weighing::Weighing;
use crate::data::{Dataset, Notice, OnMissingTarget, Preprocessing, Table, Target};
use crate::error::Result;

/// Rows to validate on.
pub(super) struct HeldOutRows {
    /// The rows, as training rows are encoded.
    pub(super) rows: Dataset,
    /// What they weigh by themselves, if a column says so.
    pub(super) own_weights: Option<Vec<f64>>,
    /// What stands in the file they are from, if they are from a file of their own.
    pub(super) fingerprint: Option<String>,
}

impl HeldOutRows {
    /// Some rows of the table that is trained on.
    pub(super) fn of(
        table: &Table,
        rows: &[u32],
        preprocessing: &Preprocessing,
        settings: &Settings,
        notices: &mut Vec<Notice>,
    ) -> Result<Self> {
        let own_weights = own_weights(settings, table, rows)?;
        let (rows, seen) = preprocessing.dataset(table, rows)?;
        notices.extend(seen);
        Ok(Self { rows, own_weights, fingerprint: None })
    }

    /// All rows of a file.
    pub(super) fn of_file(
        path: &str,
        target: &Target,
        preprocessing: &Preprocessing,
        settings: &Settings,
        notices: &mut Vec<Notice>,
    ) -> Result<Self> {
        let table = Table::read(path, &settings.read_options())?;
        let fingerprint = Some(table.fingerprint());
        notices.extend(table.notices().iter().cloned());
        let (kept, dropped) = with_targets(&table, Some(&target.name), settings)?.unzip();
        notices.extend(dropped);
        let table = kept.unwrap_or(table);
        let all = Self::of(&table, &table.rows(), preprocessing, settings, notices)?;
        Ok(Self { fingerprint, ..all })
    }

    /// The rows with what they weigh beside training rows, and what stands in their file.
    pub(super) fn weighted(self, weighing: &Weighing) -> Result<(Dataset, Option<String>)> {
        Ok((weighing.weighted(self.rows, self.own_weights.as_deref())?, self.fingerprint))
    }
}

/// The rows that have a target, if others have none and are to be left out.
pub(super) fn with_targets(
    table: &Table,
    target: Option<&str>,
    settings: &Settings,
) -> Result<Option<(Table, Notice)>> {
    match settings.on_missing_target {
        OnMissingTarget::Error => Ok(None),
        OnMissingTarget::Drop => Target::present(table, target),
    }
}

/// What rows weigh by themselves, if a column says so.
pub(super) fn own_weights(settings: &Settings, table: &Table, rows: &[u32]) -> Result<Option<Vec<f64>>> {
    settings.weight.as_ref().map(|column| table.weights(column, rows)).transpose()
}
