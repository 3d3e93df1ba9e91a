//! Which web pages may call.

/// Which web pages may call: `CORS_ALLOWED_ORIGINS`, separated by commas or white space. Apps are
/// not asked, only browsers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// `*`.
    Any,
    /// Only these, in lower case.
    Only(Vec<String>),
}

impl AllowedOrigins {
    /// Reads the text of the var.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let origins: Vec<String> = text
            .split(|character: char| character == ',' || character.is_whitespace())
            .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
            .filter(|origin| !origin.is_empty())
            .collect();
        if origins.iter().any(|origin| origin == "*") {
            return Self::Any;
        }
        Self::Only(origins)
    }

    /// Whether each of them is something that a browser can send as `Origin`: a scheme and a host,
    /// perhaps with a port (RFC 6454, section 6.2), or `null`.
    #[must_use]
    pub fn can_all_match(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Only(origins) => origins.iter().all(|origin| can_match(origin)),
        }
    }
}

fn can_match(origin: &str) -> bool {
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == "null"
        || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', '*']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_as_browsers_send_them() {
        assert_eq!(
            AllowedOrigins::parse("https://a.example, *"),
            AllowedOrigins::Any
        );
        assert_eq!(
            AllowedOrigins::parse("https://A.example/ ,http://localhost:3000"),
            AllowedOrigins::Only(vec![
                "https://a.example".into(),
                "http://localhost:3000".into()
            ])
        );
    }

    #[test]
    fn an_origin_that_can_never_match_is_noticed() {
        for text in ["*", "https://a.example,http://localhost:3000/", "null"] {
            assert!(AllowedOrigins::parse(text).can_all_match(), "{text}");
        }
        for text in [
            "a.example",
            "https://",
            "https://a.example/app",
            "https://*.a.example",
        ] {
            assert!(!AllowedOrigins::parse(text).can_all_match(), "{text}");
        }
    }
}
