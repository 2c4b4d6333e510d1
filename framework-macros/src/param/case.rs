//! The ways to write the words of a variant's name.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    pub(super) const ALL: [Case; 8] = [
        Case::Lower,
        Case::Upper,
        Case::Pascal,
        Case::Camel,
        Case::Snake,
        Case::ScreamingSnake,
        Case::Kebab,
        Case::ScreamingKebab,
    ];

    /// As serde calls them, in the order of `ALL`.
    pub(super) const NAMES: [&'static str; 8] = [
        "lowercase",
        "UPPERCASE",
        "PascalCase",
        "camelCase",
        "snake_case",
        "SCREAMING_SNAKE_CASE",
        "kebab-case",
        "SCREAMING-KEBAB-CASE",
    ];

    /// `variant`, which is in PascalCase, in this case.
    pub(super) fn apply(self, variant: &str) -> String {
        match self {
            Case::Pascal => variant.to_owned(),
            Case::Lower => variant.to_lowercase(),
            Case::Upper => variant.to_uppercase(),
            Case::Camel => {
                let mut letters = variant.chars();
                let first = letters.next().map(|first| first.to_lowercase().to_string());
                first.unwrap_or_default() + letters.as_str()
            }
            Case::Snake => words(variant).join("_"),
            Case::Kebab => words(variant).join("-"),
            Case::ScreamingSnake => words(variant).join("_").to_uppercase(),
            Case::ScreamingKebab => words(variant).join("-").to_uppercase(),
        }
    }
}

/// One word for each capital letter, as serde has it.
fn words(variant: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in variant.chars() {
        if letter.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn cases() {
        let written = Case::ALL.map(|case| case.apply("DarkRed"));
        assert_eq!(
            written,
            ["darkred", "DARKRED", "DarkRed", "darkRed", "dark_red", "DARK_RED", "dark-red", "DARK-RED"]
        );
        assert_eq!(Case::Snake.apply("A"), "a");
    }
}
