//! What is wrong with a run?

use serde::{Deserialize, Serialize};

/// Something worth saying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The name.
    pub slug: String,
}
