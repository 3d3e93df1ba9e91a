//! The lines of a file of any length, one at a time.

use std::io::{self, BufRead, BufReader, Read};

/// Far more than a user needs; a file without line ends must not fill the memory.
const LINE_BYTES: u64 = 64 * 1024;

/// A line and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// Without its end; the reason where it is no text.
    pub text: Result<String, &'static str>,
    /// Bytes of the file up to its end.
    pub offset: u64,
}

pub struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
    offset: u64,
}

impl<R: Read> Lines<R> {
    pub fn of(file: R) -> Self {
        Self {
            reader: BufReader::new(file),
            number: 0,
            offset: 0,
        }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut read = (&mut self.reader)
            .take(LINE_BYTES)
            .read_until(b'\n', &mut bytes)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let is_too_long = read == LINE_BYTES && bytes.last() != Some(&b'\n');
        if is_too_long {
            read += skip_line(&mut self.reader)?;
        }
        self.number += 1;
        self.offset += read;
        let text = if is_too_long {
            Err("is longer than 64 KiB")
        } else {
            String::from_utf8(bytes).map_err(|_| "is not UTF-8 text")
        };
        Ok(Some(Line {
            number: self.number,
            text: text.map(|text| self.without_edges(&text).to_owned()),
            offset: self.offset,
        }))
    }

    /// Without white space around it, nor the mark that some programs put at a file's beginning.
    fn without_edges<'a>(&self, text: &'a str) -> &'a str {
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) if self.number == 1 => rest,
            _ => text,
        };
        text.trim()
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Reads to the end of the line, keeping nothing; returns the bytes read.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        let is_done = end.is_some() || buffer.is_empty();
        reader.consume(used);
        skipped += used as u64;
        if is_done {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &[u8]) -> Vec<Result<String, &'static str>> {
        let lines: Vec<Line> = Lines::of(file)
            .map(|line| line.expect("memory can be read"))
            .collect();
        let numbers = lines.iter().map(|line| line.number);
        assert!(numbers.eq(1..=lines.len() as u64));
        assert_eq!(
            lines.last().map_or(0, |line| line.offset),
            file.len() as u64
        );
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_of_every_system_are_read() {
        assert_eq!(texts(b""), []);
        assert_eq!(texts(b"a\nb"), [Ok("a".to_owned()), Ok("b".to_owned())]);
        assert_eq!(
            texts("\u{feff}a\r\n\r\n ü \r\n".as_bytes()),
            [Ok("a".to_owned()), Ok(String::new()), Ok("ü".to_owned())]
        );
    }

    #[test]
    fn what_is_no_text_or_endless_does_not_spoil_the_next_line() {
        let mut file = vec![b'x'; 200_000];
        file.extend(b"\n\xff\na\n");
        assert_eq!(
            texts(&file),
            [
                Err("is longer than 64 KiB"),
                Err("is not UTF-8 text"),
                Ok("a".to_owned())
            ]
        );
        let most = usize::try_from(LINE_BYTES).expect("small");
        file = vec![b'x'; most - 1];
        file.extend(b"\na");
        assert_eq!(texts(&file), [Ok("x".repeat(most - 1)), Ok("a".to_owned())]);
        assert_eq!(texts(&vec![b'x'; most + 1]), [Err("is longer than 64 KiB")]);
    }
}
