//! Taking off the mask that every frame of a client wears (RFC 6455 §5.3).

/// Long payloads are unmasked so many bytes at a time.
const BLOCK: usize = 128;
/// From here on they are long.
const LONG: usize = 2 * BLOCK;
/// The widest vector.
const VECTOR: usize = 32;

/// A masking key, turned so that its first byte belongs to the next byte of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Unmasks the next bytes of the payload in place, whatever they are cut into.
    pub(super) fn apply(&mut self, data: &mut [u8]) {
        unmask(self.0, data);
        self.turn(data.len());
    }

    fn turn(&mut self, by: usize) {
        self.0.rotate_left(by % 4);
    }
}

/// Unmasks a payload, or a part of it that begins where `key` does.
#[inline]
pub(super) fn unmask(key: [u8; 4], data: &mut [u8]) {
    if data.len() >= LONG { unmask_long(key, data) } else { unmask_short(key, data) }
}

/// The first `len` bytes of `masked`, unmasked, and zeros behind them: as words whose low bytes come first.
#[inline(always)]
pub(super) fn unmasked(key: [u8; 4], masked: &[u8; 24], len: usize) -> [u64; 3] {
    let wide = u64::from_le_bytes(wide(key));
    let mut words = [0; 3];
    for (index, (word, masked)) in words.iter_mut().zip(masked.chunks_exact(8)).enumerate() {
        let bits = 8 * len.saturating_sub(8 * index).min(8) as u32;
        let keep = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(masked);
        *word = (u64::from_le_bytes(bytes) ^ wide) & keep;
    }
    words
}

/// Vectors that lie across two cache lines take half as long again, so what is before the first one goes by itself.
#[inline(never)]
fn unmask_long(key: [u8; 4], data: &mut [u8]) {
    let start = data.as_ptr().align_offset(VECTOR).min(data.len());
    let (start, data) = data.split_at_mut(start);
    let mut mask = Mask(key);
    unmask_short(mask.0, start);
    mask.turn(start.len());
    let (blocks, rest) = data.split_at_mut(data.len() - data.len() % BLOCK);
    unmask_blocks(wide(mask.0), blocks);
    unmask_short(mask.0, rest);
}

fn wide(key: [u8; 4]) -> [u8; 8] {
    let half = u64::from(u32::from_ne_bytes(key));
    (half << 32 | half).to_ne_bytes()
}

#[inline]
fn unmask_short(key: [u8; 4], data: &mut [u8]) {
    let wide = wide(key);
    let mut words = data.chunks_exact_mut(wide.len());
    for word in &mut words {
        xor(word, wide);
    }
    let mut rest = words.into_remainder();
    if rest.len() >= key.len() {
        let (four, last) = rest.split_at_mut(key.len());
        four.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        rest = last;
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

fn unmask_blocks(wide: [u8; 8], blocks: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2: it was asked.
        #[expect(unsafe_code, reason = "vectors twice as wide; see ARCHITECTURE.md")]
        return unsafe { unmask_avx2(wide, blocks) };
    }
    each_block(wide, blocks);
}

/// The same, with the vectors of AVX2.
///
/// # Safety
///
/// The processor has to have them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "what needs a feature of the processor can't be safe on Rust 1.85")]
unsafe fn unmask_avx2(wide: [u8; 8], blocks: &mut [u8]) {
    each_block(wide, blocks);
}

/// The compiler makes vectors of a block: of the width that the caller is compiled for.
#[inline(always)]
fn each_block(wide: [u8; 8], blocks: &mut [u8]) {
    for block in blocks.chunks_exact_mut(BLOCK) {
        for word in block.chunks_exact_mut(wide.len()) {
            xor(word, wide);
        }
    }
}

#[inline(always)]
fn xor(word: &mut [u8], wide: [u8; 8]) {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(word);
    word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ u64::from_ne_bytes(wide)).to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(key: [u8; 4], data: &[u8]) -> Vec<u8> {
        data.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
    }

    #[test]
    fn every_short_length() {
        let data: Vec<u8> = (0..100u8).map(|i| i.wrapping_mul(7)).collect();
        for len in 0..data.len() {
            let mut masked = data[..len].to_vec();
            unmask([1, 20, 130, 255], &mut masked);
            assert_eq!(masked, naive([1, 20, 130, 255], &data[..len]));
        }
    }

    #[test]
    fn into_words() {
        let masked: [u8; 24] = std::array::from_fn(|i| i as u8 * 7);
        for len in 0..=masked.len() {
            let mut expected = naive([1, 20, 130, 255], &masked[..len]);
            expected.resize(masked.len(), 0);
            let words = unmasked([1, 20, 130, 255], &masked, len);
            assert_eq!(words.map(u64::to_le_bytes).as_flattened(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_pieces_at_any_address(
            key: [u8; 4],
            mut data in prop::collection::vec(any::<u8>(), 0..4 * LONG),
            start in 0..40usize,
            cuts in prop::collection::vec(0..2 * LONG, 0..8),
        ) {
            let start = start.min(data.len());
            let expected = naive(key, &data[start..]);
            let (mut mask, mut rest) = (Mask::new(key), &mut data[start..]);
            for cut in cuts {
                let (piece, more) = std::mem::take(&mut rest).split_at_mut(cut.min(rest.len()));
                mask.apply(piece);
                rest = more;
            }
            mask.apply(rest);
            prop_assert_eq!(&data[start..], expected);
        }
    }
}
