//! Which web pages may call.

/// Which web pages may call: `CORS_ALLOWED_ORIGINS`, separated by commas or white space. Apps are
/// not asked, only browsers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// `*`.
    Any,
    /// Only these, as browsers send them: in lower case, without a path and a default port. One that
    /// begins with `https://*.` stands for all subdomains.
    Only(Vec<String>),
}

impl AllowedOrigins {
    /// Reads the text of the var.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let origins: Vec<String> = text
            .split(|character: char| character == ',' || character.is_whitespace())
            .filter(|origin| !origin.is_empty())
            .map(|origin| as_sent(&origin.to_ascii_lowercase()))
            .collect();
        if origins.iter().any(|origin| origin == "*") {
            return Self::Any;
        }
        Self::Only(origins)
    }

    /// Whether a page of this origin may call.
    #[must_use]
    pub fn allow(&self, page: &str) -> bool {
        let page = page.to_ascii_lowercase();
        match self {
            Self::Any => true,
            Self::Only(origins) => origins.iter().any(|origin| matches(origin, &page)),
        }
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

/// An origin as browsers send it: without what follows the host, and without a default port.
fn as_sent(origin: &str) -> String {
    let Some((scheme, rest)) = origin.split_once("://") else {
        return origin.trim_end_matches('/').to_owned();
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let host = host.strip_suffix(port).unwrap_or(host);
    format!("{scheme}://{host}")
}

fn matches(origin: &str, page: &str) -> bool {
    match origin.split_once("://*.") {
        None => origin == page,
        Some((scheme, domain)) => page
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix("://"))
            .and_then(|host| host.strip_suffix(domain))
            .and_then(|subdomain| subdomain.strip_suffix('.'))
            .is_some_and(|subdomain| !subdomain.is_empty()),
    }
}

/// Browsers send the punycode of a domain, so everything is ASCII.
fn can_match(origin: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else {
        return origin == "null";
    };
    let host = host.strip_prefix("*.").unwrap_or(host);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, port),
        _ => (host, "1"),
    };
    let is_of_name = |c: char| c.is_ascii_graphic() && !"/?#@*\\:".contains(c);
    let is_address = name.starts_with('[') && name.ends_with(']');
    !scheme.is_empty()
        && !name.is_empty()
        && (is_address || name.chars().all(is_of_name))
        && port.parse::<u16>().is_ok()
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
        let listed = "https://A.example/ ,http://localhost:3000 https://b.example:443/app?x \
            http://c.example:80 https://d.example:80";
        assert_eq!(
            AllowedOrigins::parse(listed),
            AllowedOrigins::Only(
                [
                    "https://a.example",
                    "http://localhost:3000",
                    "https://b.example",
                    "http://c.example",
                    "https://d.example:80"
                ]
                .map(str::to_owned)
                .into()
            )
        );
    }

    #[test]
    fn a_star_stands_for_any_subdomain_and_nothing_else() {
        let origins = AllowedOrigins::parse("https://*.example.com, https://*.dev.example:8443");
        for page in [
            "https://app.example.com",
            "https://a.b.Example.com",
            "https://x.dev.example:8443",
        ] {
            assert!(origins.allow(page), "{page}");
        }
        for page in [
            "https://example.com",
            "https://.example.com",
            "https://evilexample.com",
            "https://app.example.com.evil.example",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://x.dev.example",
            "null",
        ] {
            assert!(!origins.allow(page), "{page}");
        }
    }

    #[test]
    fn an_origin_that_can_never_match_is_noticed() {
        for text in [
            "*",
            "https://a.example,http://localhost:3000/",
            "null",
            "https://a.example/app",
            "https://*.a.example",
            "https://x.example:443/",
            "capacitor://localhost",
            "http://[::1]:8080",
        ] {
            assert!(AllowedOrigins::parse(text).can_all_match(), "{text}");
        }
        for text in [
            "a.example",
            "https://",
            "https://a.*.example",
            "https://*",
            "https://*.",
            "https://ada@a.example",
            "https://bücher.example",
            "https://a.example:x",
        ] {
            assert!(!AllowedOrigins::parse(text).can_all_match(), "{text}");
        }
    }
}
