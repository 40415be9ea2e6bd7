#![doc = include_str!("overfitting.md")]

use crate::diagnosis::finding::{digits, percent};
use crate::diagnosis::trend::Trend;
use crate::diagnosis::{Case, Finding, Severity};

pub(super) const SLUG: &str = "overfitting";

/// The validation loss has risen by this share of its lowest.
const RISEN: f64 = 0.05;
/// And by this share of the first loss: less is nothing, however small the lowest was.
const MATTERS: f64 = 0.01;
/// Losses are averaged over this share of the epochs, and the lowest must lie so many epochs back.
const PART: usize = 10;

pub(super) fn find(case: &mut Case<'_>) -> Option<Finding> {
    // With patience the weights of the best epoch were kept.
    if !case.has_ended_well() || case.settings.patience.is_some() {
        return None;
    }
    // Losses on few rows wander; a rise must be more than that.
    if !matches!(case.validation_trend(), Some(Trend::RisesAgain { .. })) {
        return None;
    }
    let epochs = case.validation_losses.len();
    let part = epochs.div_ceil(PART).max(2);
    if epochs < 3 * part || case.train_losses.len() != epochs {
        return None;
    }
    let means = |losses: &[f64]| -> Vec<f64> {
        losses.windows(part).map(|window| window.iter().sum::<f64>() / part as f64).collect()
    };
    let (train, validation) = (means(case.train_losses), means(case.validation_losses));
    let (lowest_at, &lowest) = validation.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1))?;
    let (last, last_train) = (*validation.last()?, *train.last()?);
    let risen = last - lowest;
    let rises = risen >= RISEN * lowest && risen >= MATTERS * case.initial_loss.abs();
    if !rises || validation.len() - lowest_at <= part || last_train >= train[lowest_at] {
        return None;
    }
    let (best, &best_loss) = case.validation_losses.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1))?;
    let cause = format!(
        "the loss on rows held out was lowest after epoch {} ({}) and then rose by {}, while the training loss went on \
         falling: from there on the model learnt the training rows by heart",
        best + 1,
        digits(best_loss),
        percent(last / best_loss - 1.0)
    );
    let numbers = [
        ("best_epoch", (best + 1) as f64),
        ("lowest_validation_loss", best_loss),
        ("last_validation_loss", last),
        ("risen_share", last / best_loss - 1.0),
    ];
    let finding = Finding::new(SLUG, Severity::Warning, numbers, cause);
    Some(finding.remedy([("--patience", Some("5".to_owned()))], "stops there and keeps the weights of the best epoch"))
}
