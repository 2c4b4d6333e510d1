//! Taking off the mask that every frame of a client wears (RFC 6455 §5.3).

/// Long payloads are unmasked so many bytes at a time.
const BLOCK: usize = 128;

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
        self.0.rotate_left(data.len() % 4);
    }
}

/// Unmasks a payload, or a part of it that begins where `key` does.
pub(super) fn unmask(key: [u8; 4], data: &mut [u8]) {
    let half = u64::from(u32::from_ne_bytes(key));
    let wide = (half << 32 | half).to_ne_bytes();
    // The compiler makes vectors of a block.
    let mut blocks = data.chunks_exact_mut(BLOCK);
    for block in &mut blocks {
        for word in block.chunks_exact_mut(wide.len()) {
            xor(word, wide);
        }
    }
    let mut words = blocks.into_remainder().chunks_exact_mut(wide.len());
    for word in &mut words {
        xor(word, wide);
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
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

    proptest! {
        #[test]
        fn any_pieces_at_any_address(
            key: [u8; 4], mut data: Vec<u8>, start in 0..16usize, cuts in prop::collection::vec(0..40usize, 0..8),
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
