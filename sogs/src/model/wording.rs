//! What a room may be called, and how it may be described.

/// A name or a description that a room cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWording {
    /// The name has more characters than are allowed.
    #[error("the name is too long: {0} characters are the most")]
    NameTooLong(u32),
    /// The description has more characters than are allowed.
    #[error("the description is too long: {0} characters are the most")]
    DescriptionTooLong(u32),
}

/// A name without control characters; it may be empty then.
///
/// # Errors
///
/// [`BadWording::NameTooLong`].
pub fn room_name(text: &str, most: u32) -> Result<String, BadWording> {
    let name: String = text.chars().filter(|letter| *letter >= ' ').collect();
    if name.chars().count() > most as usize {
        Err(BadWording::NameTooLong(most))
    } else {
        Ok(name)
    }
}

/// A description without control characters but tabs and line breaks; `None` if nothing is left.
///
/// # Errors
///
/// [`BadWording::DescriptionTooLong`].
pub fn room_description(text: &str, most: u32) -> Result<Option<String>, BadWording> {
    let permitted = |letter: &char| *letter >= ' ' || matches!(letter, '\t' | '\n');
    let text: String = text.chars().filter(permitted).collect();
    if text.chars().count() > most as usize {
        return Err(BadWording::DescriptionTooLong(most));
    }
    Ok((!text.is_empty()).then_some(text))
}
