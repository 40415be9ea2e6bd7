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
    texts.iter().for_each(|text| fnv.write(text.as_bytes()));
    let mut h = fnv.0;
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// The words of a text: runs of letters and digits, of any script. They are not yet in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
