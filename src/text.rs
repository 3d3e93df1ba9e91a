//! Characters that nobody sees or types: what is pasted along with a text.

/// Whether a character shows nothing: Unicode's category Cf (format), and others that are blank or
/// change the one before them. No table of a library has just these, and this one is small.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Without white space, control characters and invisible ones at both ends.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches(is_around)
}

/// Whether a character is dropped at the ends of a text.
#[must_use]
pub fn is_around(character: char) -> bool {
    character.is_whitespace() || character.is_control() || is_invisible(character)
}
