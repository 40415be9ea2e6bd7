//! Which lessons come with the program?

use super::{Lesson, Problems, read};

/// The name of the lesson that is played if none is named.
pub const DEFAULT: &str = "gradient-descent";

const TEXT: &str = include_str!("../../../../lessons/gradient-descent.md");

/// The text of a lesson that comes with the program.
pub fn text(name: &str) -> Option<&'static str> {
    (name == DEFAULT).then_some(TEXT)
}

/// A lesson that comes with the program.
///
/// # Errors
/// None, as a test keeps; reading a lesson can fail, and this does not hide it.
pub fn lesson(name: &str) -> Option<Result<Lesson, Problems>> {
    text(name).map(|text| read(name, text.as_bytes()))
}
