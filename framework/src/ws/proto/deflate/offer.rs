//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1), in one pass and linear time.

use std::borrow::Cow;

/// A parameter: its name, and its value if it has one.
pub(super) type Param<'a> = (&'a [u8], Option<Cow<'a, [u8]>>);

/// The elements of one header line; `None` in place of those that break the grammar.
pub(super) struct Offers<'a>(&'a [u8]);

/// One element: an extension with its parameters, in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    pub(super) name: &'a [u8],
    pub(super) params: Vec<Param<'a>>,
}

impl<'a> Offers<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Self(line)
    }

    fn spaces(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    /// Takes the next byte, if it is this one.
    fn eat(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let len = self.0.iter().take_while(|byte| is_token(**byte)).count();
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        (len > 0).then_some(token)
    }

    /// A token, or a quoted string that is one without its quotes.
    fn value(&mut self) -> Option<Cow<'a, [u8]>> {
        if !self.eat(b'"') {
            return self.token().map(Cow::Borrowed);
        }
        let mut value = Vec::new();
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => break,
                b'\\' => {
                    let (&escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    value.push(escaped);
                }
                _ => value.push(byte),
            }
        }
        let is_value = !value.is_empty() && value.iter().all(|byte| is_token(*byte));
        is_value.then_some(Cow::Owned(value))
    }

    /// The next element, up to its comma.
    fn offer(&mut self) -> Option<Offer<'a>> {
        let mut offer = Offer { name: self.token()?, params: Vec::new() };
        loop {
            self.spaces();
            if self.0.is_empty() || self.0[0] == b',' {
                return Some(offer);
            }
            if !self.eat(b';') {
                return None;
            }
            self.spaces();
            let name = self.token()?;
            self.spaces();
            let mut value = None;
            if self.eat(b'=') {
                self.spaces();
                value = Some(self.value()?);
            }
            offer.params.push((name, value));
        }
    }

    /// Goes to the comma behind a broken element. One inside quotes is none.
    fn skip(&mut self) {
        let mut quoted = false;
        while let Some((&byte, rest)) = self.0.split_first() {
            match byte {
                b',' if !quoted => return,
                b'"' => quoted = !quoted,
                b'\\' if quoted => {
                    self.0 = rest.get(1..).unwrap_or_default();
                    continue;
                }
                _ => {}
            }
            self.0 = rest;
        }
    }
}

impl<'a> Iterator for Offers<'a> {
    type Item = Option<Offer<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        // A list may have empty elements (RFC 9110 §5.6.1.2).
        self.spaces();
        while self.eat(b',') {
            self.spaces();
        }
        if self.0.is_empty() {
            return None;
        }
        let offer = self.offer();
        if offer.is_none() {
            self.skip();
        }
        Some(offer)
    }
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements as text: `name;param=value`, or `-` for a broken one.
    fn read(line: &str) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let offers = Offers::of(line.as_bytes()).map(|offer| {
            let Some(offer) = offer else { return "-".to_owned() };
            let params = offer.params.iter().map(|(name, value)| match value {
                Some(value) => format!(";{}={}", text(name), text(value)),
                None => format!(";{}", text(name)),
            });
            text(offer.name) + &params.collect::<String>()
        });
        offers.collect()
    }

    #[test]
    fn lists_are_read() {
        for (line, expected) in [
            ("", &[][..]),
            (" , ,", &[]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            (" a ; b ; c = 1 , d;e=\"2\"\t", &["a;b;c=1", "d;e=2"]),
            (r#"a; b="1\5", c"#, &["a;b=15", "c"]),
            (r#"a; b="1,5", c"#, &["-", "c"]),
            (r#"a; b="1\",5", c"#, &["-", "c"]),
            (r#"a; b="1", c; d="2, e"#, &["a;b=1", "-"]),
            (r#"a; "b,c"=1, d"#, &["-", "d"]),
            (r#"a "\", b" c, d"#, &["-", "d"]),
            (r#"a; b="\"#, &["-"]),
            ("a; b=\"\"", &["-"]),
            ("a;;b, a;, a; =1, a; b=, a b, =, ;", &["-"; 7]),
            ("a/b, (a), a; b=c/d, e", &["-", "-", "-", "e"]),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
        assert_eq!(Offers::of(b"a\xe9, b\0, c").map(|offer| offer.is_some()).collect::<Vec<_>>(), [false, false, true]);
    }
}
