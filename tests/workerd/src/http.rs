//! As much of HTTP/1.1 as workerd speaks to a KV server.

use std::io::{self, BufRead, Write};

/// Maximum number of headers of a request; workerd sends a handful.
const MAX_HEADERS: usize = 32;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// Header names and values. Metadata with an `é` in it is UTF-8 here: workerd sends it so.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// Reads the next request of a connection; none when the other side has closed it.
    ///
    /// # Errors
    /// The connection broke.
    ///
    /// # Panics
    /// What comes is no such request.
    pub fn read(connection: &mut impl BufRead) -> io::Result<Option<Self>> {
        let head = read_head(connection)?;
        if head.is_empty() {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(&head).expect("workerd sends HTTP");
        assert!(status.is_complete());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let mut request = Self {
            method: parsed.method.expect("a method").to_owned(),
            target: parsed.path.expect("a path").to_owned(),
            headers: parsed
                .headers
                .iter()
                .map(|header| (header.name.to_owned(), text(header.value)))
                .collect(),
            body: String::new(),
        };
        let chunked = request.header("transfer-encoding").is_some();
        assert!(!chunked, "workerd tells the length of what it sends");
        let length = request.header("content-length").unwrap_or("0");
        let mut body = vec![0; length.parse().expect("a length")];
        connection.read_exact(&mut body)?;
        request.body = text(&body);
        Ok(Some(request))
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

/// Everything up to the empty line; nothing at the end of the connection.
fn read_head(connection: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if connection.read_until(b'\n', &mut head)? == 0 {
            return Ok(Vec::new());
        }
    }
    Ok(head)
}

/// Sends an answer; the connection stays open for the next request.
///
/// # Errors
/// The connection broke.
pub fn respond(connection: &mut impl Write, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    // In one piece, so that it does not wait for an acknowledgement in between.
    let answer = format!("HTTP/1.1 {status} \r\ncontent-length: {length}\r\n\r\n{body}");
    connection.write_all(answer.as_bytes())
}
