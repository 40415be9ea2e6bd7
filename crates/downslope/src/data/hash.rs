//! Where does a word go that has no feature of its own?
//!
//! To the feature that its hash names: 2^`bits` features serve any number of words, known or not, and nothing has to be
//! learned or kept. Two words that meet in a feature share its weight.
//!
//! The hash of a text is FNV-1a (64 bits) of its UTF-8 bytes, the bits then mixed by `MurmurHash3`'s finaliser, because the
//! lowest bits of FNV-1a alone depend on the last bytes too much:
//!
//! ```text
//! h ← h ⊕ (h ≫ 33),  h ← h · 0xff51afd7ed558ccd,  h ← h ⊕ (h ≫ 33),  h ← h · 0xc4ceb9fe1a85ec53,  h ← h ⊕ (h ≫ 33)
//! ```
//!
//! Its lowest `bits` bits are the feature; the highest bit, where it is 1, is a minus.
//!
//! References: Weinberger, Dasgupta, Langford, Smola and Attenberg 2009, "Feature hashing for large scale multitask
//! learning", eq. 1, on the sign: with it the products of rows are right on average, whatever meets in a feature.

use crate::data::fingerprint::Fnv1a;

/// The hash of a text.
pub(super) fn hash(text: &str) -> u64 {
    hash_of_parts(&[text])
}

/// The hash of the texts written one behind the other.
pub(super) fn hash_of_parts(texts: &[&str]) -> u64 {
    let mut fnv = Fnv1a::new();
    for text in texts {
        fnv.write(text.as_bytes());
    }
    let mut h = fnv.0;
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// The words of a text: runs of letters and digits, of any script. They are not yet in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The feature a hash names, of 2^`bits`.
pub(super) fn feature_of(hash: u64, bits: u32) -> u32 {
    (hash & ((1 << bits) - 1)) as u32
}

/// The words of a text in lower case, and the pairs of neighbouring words joined by a space, hashed into 2^`bits`
/// features. In `features` they are left ascending, each once, with their sums of +1 and −1, divided by the length of all.
///
/// **Differs from** scikit-learn's `HashingVectorizer(ngram_range=(1, 2))` in the hash, and in that words of one letter
/// count too.
pub(super) fn hash_words(text: &str, bits: u32, features: &mut Vec<(u32, f64)>) {
    features.clear();
    let lower = text.to_lowercase();
    let mut push = |hash: u64| {
        let sign = if hash >> 63 == 1 { -1.0 } else { 1.0 };
        features.push((feature_of(hash, bits), sign));
    };
    let mut before: Option<&str> = None;
    for word in words(&lower) {
        if let Some(before) = before {
            push(hash_of_parts(&[before, " ", word]));
        }
        push(hash(word));
        before = Some(word);
    }
    features.sort_unstable_by_key(|&(feature, _)| feature);
    features.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    features.retain(|&(_, sum)| sum != 0.0);
    let length = features.iter().map(|(_, sum)| sum * sum).sum::<f64>().sqrt();
    for (_, sum) in features {
        *sum /= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(text: &str, bits: u32) -> Vec<(u32, f64)> {
        let mut features = Vec::new();
        hash_words(text, bits, &mut features);
        features
    }

    #[test]
    fn the_hash_is_as_documented() {
        // FNV-1a of "foobar" is 0x85944171f73967e8; the rest by hand, in Python.
        assert_eq!(hash("foobar"), 0x2c22_1949_22d1_672b);
        assert_eq!(hash_of_parts(&["foo", "", "bar"]), hash("foobar"));
        assert_eq!(feature_of(0xabcd, 8), 0xcd);
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_of_any_script() {
        let found = |text| words(text).collect::<Vec<_>>();
        assert_eq!(found("don't stop_me, 3.5!"), ["don", "t", "stop", "me", "3", "5"]);
        assert_eq!(found(" -- "), [""; 0]);
        assert_eq!(hashed("ÉCOLE Straße", 20), hashed("école straße", 20));
    }

    #[test]
    fn rows_have_length_one_and_ascending_features() {
        let row = hashed("the cat sat on the mat", 10);
        // Five words, one of them twice, and five pairs.
        assert_eq!(row.len(), 10);
        assert!(row.is_sorted_by(|a, b| a.0 < b.0));
        assert!((row.iter().map(|(_, value)| value * value).sum::<f64>() - 1.0).abs() < 1e-12);
        let twice = row.iter().map(|(_, value)| value.abs()).fold(0.0, f64::max);
        assert!((twice - 2.0 / 13_f64.sqrt()).abs() < 1e-12, "`the` counts two of Σ 9·1 + 4");
        assert!(hashed("", 10).is_empty());
    }

    #[test]
    fn signs_cancel_on_average_where_words_meet() {
        let text: Vec<String> = (0..4000).map(|i| format!("word{i}")).collect();
        let sum: i32 = text.iter().map(|word| if hash(word) >> 63 == 1 { -1 } else { 1 }).sum();
        assert!(sum.abs() < 200, "{sum}: three standard deviations are 190");
        let features: std::collections::BTreeSet<u32> = text.iter().map(|word| feature_of(hash(word), 18)).collect();
        assert!(features.len() > 3900, "{}: about 30 meet by chance", features.len());
    }
}
