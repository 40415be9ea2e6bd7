//! What would one type to do this again?

use downslope::clip::Clip;
use downslope::data::{ColumnKind, OnBadRow, OnMissingTarget, Scale};
use downslope::run::{LearningRate, Settings, Stream, Streaming};

/// A flag of the command and its value, if it takes one.
pub(crate) type Flag<'a> = (&'a str, Option<String>);

/// The settings that differ from their defaults, as flags; the batch size is left to the caller.
pub(crate) fn differing(settings: &Settings) -> Vec<Flag<'static>> {
    let usual = Settings::default();
    let mut flags: Vec<Flag<'static>> = Vec::new();
    let mut add = |differs: bool, flag: &'static str, value: String| {
        if differs {
            flags.push((flag, Some(value)));
        }
    };
    let optional = |value: Option<String>| (value.is_some(), value.unwrap_or_default());
    let (given, target) = optional(settings.target.clone());
    add(given, "--target", target);
    let (given, task) = optional(settings.task.map(|task| task.to_string()));
    add(given, "--task", task);
    add(!settings.drop.is_empty(), "--drop", settings.drop.join(","));
    add(settings.missing != usual.missing, "--missing", settings.missing.join(","));
    let kinds: Vec<String> = settings.kinds.iter().map(|(column, kind)| format!("{column}={}", word(*kind))).collect();
    add(!kinds.is_empty(), "--as", kinds.join(","));
    let (given, format) = optional(settings.format.map(|format| format.to_string()));
    add(given, "--format", format);
    add(settings.on_bad_row == OnBadRow::Skip, "--on-bad-row", "skip".to_owned());
    add(settings.on_missing_target == OnMissingTarget::Drop, "--on-missing-target", "drop".to_owned());
    add(!settings.only.is_empty(), "--only", settings.only.join(","));
    let crosses: Vec<String> = settings.cross.iter().map(|(left, right)| format!("{left}*{right}")).collect();
    add(!crosses.is_empty(), "--cross", crosses.join(","));
    add(settings.polynomial != usual.polynomial, "--polynomial", settings.polynomial.to_string());
    let (given, weight) = optional(settings.weight.clone());
    add(given, "--weight", weight);
    add(settings.hash_bits != usual.hash_bits, "--hash-bits", settings.hash_bits.to_string());
    let scale = match settings.scale {
        Scale::Standard => "standard",
        Scale::MaxAbs => "max-abs",
        Scale::None => "none",
    };
    add(settings.scale != usual.scale, "--scale", scale.to_owned());
    add(settings.validation != usual.validation, "--validation", settings.validation.to_string());
    let hidden: Vec<String> = settings.hidden.iter().map(usize::to_string).collect();
    add(!hidden.is_empty(), "--hidden", hidden.join(","));
    add(settings.activation != usual.activation, "--activation", settings.activation.to_string());
    let (given, loss) = optional(settings.loss.map(|loss| loss.to_string()));
    add(given, "--loss", loss);
    add(settings.class_weight != usual.class_weight, "--class-weight", settings.class_weight.to_string());
    add(settings.init != usual.init, "--init", settings.init.to_string());
    add(matches!(settings.lr, LearningRate::Fixed(_)), "--lr", settings.lr.to_string());
    let is_set = |value: f64| value.abs() > 0.0;
    add(is_set(settings.momentum), "--momentum", settings.momentum.to_string());
    add(is_set(settings.dampening), "--dampening", settings.dampening.to_string());
    add(is_set(settings.weight_decay), "--weight-decay", settings.weight_decay.to_string());
    add(is_set(settings.l1), "--l1", settings.l1.to_string());
    match settings.clip {
        Clip::None => {}
        Clip::Norm(most) => add(true, "--clip-norm", most.to_string()),
        Clip::Value(most) => add(true, "--clip-value", most.to_string()),
    }
    add(settings.schedule != usual.schedule, "--schedule", settings.schedule.to_string());
    add(settings.epochs != usual.epochs, "--epochs", settings.epochs.to_string());
    let (given, seconds) = optional(settings.seconds.map(|seconds| seconds.to_string()));
    add(given, "--seconds", seconds);
    let (given, target_loss) = optional(settings.target_loss.map(|loss| loss.to_string()));
    add(given, "--target-loss", target_loss);
    let (given, patience) = optional(settings.patience.map(|patience| patience.to_string()));
    add(given, "--patience", patience);
    add(settings.seed != usual.seed, "--seed", settings.seed.to_string());
    let Streaming { when, memory, shuffle_buffer, cache } = &settings.streaming;
    let (given, memory) = optional(memory.map(|memory| memory.to_string()));
    add(given, "--memory", memory);
    let (given, rows) = optional(shuffle_buffer.map(|rows| rows.to_string()));
    add(given, "--shuffle-buffer", rows);
    let (given, folder) = optional(cache.as_ref().map(|folder| folder.display().to_string()));
    add(given, "--cache", folder);
    let (given, threads) = optional(settings.threads.map(|threads| threads.to_string()));
    add(given, "--threads", threads);
    for (is_on, flag) in [
        (settings.nesterov, "--nesterov"),
        (!settings.shuffle, "--no-shuffle"),
        (settings.drop_last, "--drop-last"),
        (*when == Stream::Always, "--stream"),
        (*when == Stream::Never, "--stream=never"),
    ] {
        if is_on {
            flags.push((flag, None));
        }
    }
    flags
}

/// The word that `--as` has for a kind.
fn word(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Number => "number",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Category => "category",
        ColumnKind::Text => "text",
        ColumnKind::Time => "time",
    }
}

/// A whole command: `downslope train '/my data.csv' --batch-size 32 --hidden 64`.
pub(crate) fn line(verb: &str, operand: &str, flags: &[Flag<'_>]) -> String {
    let mut out = format!("downslope {verb} {}", quoted(if operand == "standard input" { "-" } else { operand }));
    for (flag, value) in flags {
        out.push(' ');
        out.push_str(flag);
        if let Some(value) = value {
            out.push(' ');
            out.push_str(&quoted(value));
        }
    }
    out
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "@%+=:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use downslope::run::Validation;

    use super::*;

    #[test]
    fn a_command_holds_what_differs_from_the_defaults_and_survives_the_shell() {
        let settings = Settings {
            hidden: vec![64, 32],
            class_weight: "rare one=5".parse().unwrap(),
            lr: LearningRate::Fixed(0.1),
            clip: Clip::Norm(2.0),
            shuffle: false,
            validation: Validation::File("it's.csv".to_owned()),
            ..Settings::default()
        };
        assert_eq!(
            line("train", "/my data.csv", &differing(&settings)),
            r"downslope train '/my data.csv' --validation 'it'\''s.csv' --hidden 64,32 --class-weight 'rare one=5' --lr 0.1 --clip-norm 2 --no-shuffle"
        );
        assert_eq!(line("train", "@digits", &differing(&Settings::default())), "downslope train @digits");
    }
}
