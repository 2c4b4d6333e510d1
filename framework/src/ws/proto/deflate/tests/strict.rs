//! A small, slow inflate after RFC 1951 that shares no code with flate2 and keeps to its window.

const LENGTHS: [(usize, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> usize {
        let mut value = 0;
        for bit in 0..count {
            value |= usize::from(self.bytes[self.at / 8] >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        value
    }

    fn symbol(&mut self, code: &Code) -> usize {
        let (mut value, mut first) = (0, 0);
        for symbols in &code.0 {
            value = value << 1 | self.take(1);
            if let Some(symbol) = symbols.get(value.wrapping_sub(first)) {
                return *symbol;
            }
            first = (first + symbols.len()) << 1;
        }
        panic!("no such code");
    }
}

/// The symbols of each length from 1 on, which is all that a code is (§3.2.2).
struct Code([Vec<usize>; 15]);

impl Code {
    fn of(lengths: &[u8]) -> Self {
        let with = |length| (0..lengths.len()).filter(|symbol| usize::from(lengths[*symbol]) == length).collect();
        Self(std::array::from_fn(|length| with(length + 1)))
    }
}

/// Appends what a payload without its flushed end holds to what came before; `window` is how far back it may refer.
pub(super) fn inflate(payload: &[u8], window: usize, out: &mut Vec<u8>) {
    let bytes = [payload, &super::FLUSHED].concat();
    let mut bits = Bits { bytes: &bytes, at: 0 };
    while bits.at.div_ceil(8) < bytes.len() {
        assert_eq!(bits.take(1), 0, "a last block");
        match bits.take(2) {
            0 => {
                bits.at = bits.at.next_multiple_of(8);
                let (len, check) = (bits.take(16), bits.take(16));
                assert_eq!(len, !check & 0xffff);
                out.extend((0..len).map(|_| bits.take(8) as u8));
            }
            1 => {
                let mut literals = [8; 288];
                literals[144..256].fill(9);
                literals[256..280].fill(7);
                block(&mut bits, &Code::of(&literals), &Code::of(&[5; 30]), window, out);
            }
            2 => {
                let (literals, distances) = codes(&mut bits);
                block(&mut bits, &literals, &distances, window, out);
            }
            _ => panic!("a reserved block"),
        }
    }
}

/// §3.2.7.
fn codes(bits: &mut Bits<'_>) -> (Code, Code) {
    let (literals, distances, count) = (bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4);
    let mut code = [0; 19];
    for at in &ORDER[..count] {
        code[*at] = bits.take(3) as u8;
    }
    let code = Code::of(&code);
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match bits.symbol(&code) {
            16 => (lengths[lengths.len() - 1], bits.take(2) + 3),
            17 => (0, bits.take(3) + 3),
            18 => (0, bits.take(7) + 11),
            length => (length as u8, 1),
        };
        lengths.extend(vec![value; times]);
    }
    let distances = lengths.split_off(literals);
    (Code::of(&lengths), Code::of(&distances))
}

/// §3.2.3, §3.2.5.
fn block(bits: &mut Bits<'_>, literals: &Code, distances: &Code, window: usize, out: &mut Vec<u8>) {
    loop {
        match bits.symbol(literals) {
            literal @ 0..=255 => out.push(literal as u8),
            256 => return,
            length => {
                let (base, extra) = LENGTHS[length - 257];
                let length = base + bits.take(extra);
                let symbol = bits.symbol(distances);
                let extra = (symbol as u32 / 2).saturating_sub(1);
                let base = if symbol < 4 { symbol + 1 } else { ((2 + symbol % 2) << extra) + 1 };
                let distance = base + bits.take(extra);
                assert!(distance <= window.min(out.len()), "{distance} back in a window of {window}");
                (0..length).for_each(|_| out.push(out[out.len() - distance]));
            }
        }
    }
}
