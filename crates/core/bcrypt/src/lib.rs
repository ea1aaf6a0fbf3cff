//! Passwords as bcrypt hashes, as Go's `x/crypto/bcrypt` makes and checks them. The salt is an argument: nothing here is random.
//!
//! Beside the library of that name, because that one brings a second blowfish and a source of randomness; the cipher is `blowfish`'s.
//!
//! ```
//! let hash = bcrypt::hash(b"correct horse", bcrypt::MIN_COST, [7; 16])?;
//! assert!(hash.starts_with("$2a$04$"));
//! assert!(bcrypt::verify(b"correct horse", &hash)?);
//! assert!(!bcrypt::verify(b"battery staple", &hash)?);
//! # Ok::<(), bcrypt::BcryptError>(())
//! ```

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq as _;

/// Longest password, in bytes: what comes after would not count.
pub const MAX_PASSWORD_BYTES: usize = 72;
/// Least cost: 2⁴ rounds.
pub const MIN_COST: u32 = 4;
/// Cost of new hashes, as in Go: 2¹⁰ rounds, some 50 ms.
pub const DEFAULT_COST: u32 = 10;
/// Greatest cost that is verified, some 3 s: a hash is data, and its cost is the verifier's.
pub const MAX_COST: u32 = 16;

/// bcrypt's own alphabet, without padding; bits that do not count need not be zero, as in Go.
const RADIX64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Why nothing was computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BcryptError {
    /// The password is too long.
    #[error("a password of {0} bytes, and bcrypt takes {MAX_PASSWORD_BYTES}")]
    PasswordTooLong(usize),
    /// The cost is out of bounds.
    #[error("a cost of {0}, and {MIN_COST} to {MAX_COST} are possible")]
    Cost(u32),
    /// The text is no hash.
    #[error("not a bcrypt hash")]
    NoHash,
}

/// A hash in its usual text: `$2a$<cost>$<salt><sum>`, 60 bytes.
///
/// **Errors**: the password is longer than [`MAX_PASSWORD_BYTES`], or the cost out of bounds.
pub fn hash(password: &[u8], cost: u32, salt: [u8; 16]) -> Result<String, BcryptError> {
    let sum = sum(password, cost, salt)?;
    Ok(format!("$2a${cost:02}${}{}", RADIX64.encode(salt), RADIX64.encode(sum)))
}

/// Whether a password has the hash, in time that depends on the hash's cost alone.
///
/// **Shape**: `$2a$`, `$2b$`, `$2y$` and `$2$` are the same here, as in Go.
/// **Errors**: the text is no hash, its cost is out of bounds, or the password is too long.
pub fn verify(password: &[u8], hash: &str) -> Result<bool, BcryptError> {
    let (cost, salt, expected) = parts(hash).ok_or(BcryptError::NoHash)?;
    Ok(sum(password, cost, salt)?.ct_eq(&expected).into())
}

/// The cost of a hash that [`verify`] can verify: its work is 2^cost.
pub fn cost_of(hash: &str) -> Option<u32> {
    parts(hash).map(|(cost, _, _)| cost).filter(|cost| (MIN_COST..=MAX_COST).contains(cost))
}

/// Cost, salt and sum of a hash.
fn parts(hash: &str) -> Option<(u32, [u8; 16], [u8; 23])> {
    let (version, rest) = hash.strip_prefix('$')?.split_once('$')?;
    if !matches!(version, "2" | "2a" | "2b" | "2y") {
        return None;
    }
    let (cost, rest) = rest.split_once('$')?;
    let cost = (cost.len() == 2).then(|| cost.parse().ok()).flatten()?;
    let (salt, sum) = rest.split_at_checked(22)?;
    let salt = RADIX64.decode(salt).ok()?.try_into().ok()?;
    let sum = RADIX64.decode(sum).ok()?.try_into().ok()?;
    Some((cost, salt, sum))
}

fn sum(password: &[u8], cost: u32, salt: [u8; 16]) -> Result<[u8; 23], BcryptError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(BcryptError::PasswordTooLong(password.len()));
    }
    if !(MIN_COST..=MAX_COST).contains(&cost) {
        return Err(BcryptError::Cost(cost));
    }
    let key: Vec<u8> = password.iter().copied().chain([0]).collect();
    let mut state = blowfish::Blowfish::bc_init_state();
    state.salted_expand_key(&salt, &key);
    for _ in 0..1_u32 << cost {
        state.bc_expand_key(&key);
        state.bc_expand_key(&salt);
    }
    let mut words = *b"OrpheanBeholderScryDoubt";
    for block in words.chunks_mut(8) {
        let half = |part: &[u8]| part.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let (left, right) = block.split_at(4);
        let mut pair = [half(left), half(right)];
        for _ in 0..64 {
            pair = state.bc_encrypt(pair);
        }
        let bytes = pair.into_iter().flat_map(u32::to_be_bytes);
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = from;
        }
    }
    // The last byte is left out since bcrypt's first program.
    let mut sum = [0; 23];
    sum.iter_mut().zip(words).for_each(|(to, from)| *to = from);
    Ok(sum)
}

#[cfg(test)]
mod tests;
