//! As much of DER (X.690) as the keys of two algorithms take: elements within elements. The crates
//! that read all of it took 14 KiB of the bundle, gzipped. WebCrypto reads the same bytes again, and
//! strictly, before it signs with them.

/// A tag that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// A whole number, or a few bytes that are taken for one.
    Integer = 0x02,
    /// Bits; here always whole bytes.
    BitString = 0x03,
    /// Bytes.
    OctetString = 0x04,
    /// Elements, one after the other.
    Sequence = 0x30,
    /// `[0]`, what it contains being optional.
    Optional0 = 0xa0,
    /// `[1]`, the same.
    Optional1 = 0xa1,
}

/// Elements that have not been read yet.
#[derive(Debug, Clone, Copy)]
pub struct Der<'d>(pub &'d [u8]);

impl<'d> Der<'d> {
    /// Reads the next element, which has to have this tag: its contents.
    pub fn read(&mut self, tag: Tag) -> Option<&'d [u8]> {
        let [first, length, rest @ ..] = self.0 else {
            return None;
        };
        if *first != tag as u8 {
            return None;
        }
        let (length, rest) = match (length, rest) {
            (short @ 0..=0x7f, rest) => (usize::from(*short), rest),
            (0x81, [length, rest @ ..]) => (usize::from(*length), rest),
            (0x82, [high, low, rest @ ..]) => {
                (usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            _ => return None,
        };
        let (contents, others) = rest.split_at_checked(length)?;
        self.0 = others;
        Some(contents)
    }

    /// The same for an element that contains others.
    pub fn enter(&mut self, tag: Tag) -> Option<Self> {
        self.read(tag).map(Self)
    }

    /// Reads a number without its sign.
    pub fn number(&mut self) -> Option<&'d [u8]> {
        self.read(Tag::Integer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_in_their_order() {
        let mut outer = Der(&[0x30, 5, 2, 1, 7, 4, 0, 9]);
        let mut inner = outer.enter(Tag::Sequence).expect("a sequence");
        assert_eq!(inner.number(), Some(&[7][..]));
        assert_eq!(inner.number(), None, "another tag");
        assert_eq!(inner.read(Tag::OctetString), Some(&[][..]));
        assert_eq!(outer.0, [9]);
    }

    #[test]
    fn a_length_has_up_to_two_bytes_and_fits() {
        let long = |head: &[u8], length: usize| [head, &vec![1; length]].concat();
        for (der, length) in [
            (long(&[4, 0x7f], 127), Some(127)),
            (long(&[4, 0x81, 200], 200), Some(200)),
            (long(&[4, 0x82, 1, 2], 258), Some(258)),
            (long(&[4, 0x82, 1, 2], 257), None),
            (long(&[4, 0x83, 0, 0, 1], 1), None),
            (long(&[4, 0x80], 1), None),
            (vec![4], None),
            (vec![], None),
        ] {
            let contents = Der(&der).read(Tag::OctetString);
            assert_eq!(contents.map(<[u8]>::len), length);
        }
    }
}
