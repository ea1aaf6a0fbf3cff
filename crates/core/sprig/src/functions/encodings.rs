//! Encodings and sums.

use gotemplate::{Call, Function, Type};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Answer, give, give_bytes};
use crate::base64;

const STRING: &[Type] = &[Type::String];

pub(crate) const TABLE: &[Function] = &[
    Function::new("b64enc", STRING, |call| encoded(call, base64::encode)),
    Function::new("b32enc", STRING, |call| encoded(call, base64::encode32)),
    Function::new("b64dec", STRING, |call| decoded(call, base64::decode)),
    Function::new("b32dec", STRING, |call| decoded(call, base64::decode32)),
    Function::new("sha1sum", STRING, sum::<Sha1>),
    Function::new("sha256sum", STRING, sum::<Sha256>),
    Function::new("sha512sum", STRING, sum::<Sha512>),
    Function::new("adler32sum", STRING, |call| give(adler32(call.bytes(0)).to_string())),
];

fn encoded(call: &mut Call<'_>, encode: fn(&[u8]) -> String) -> Answer {
    let bytes = call.bytes(0);
    call.budget().allocate(bytes.len().saturating_mul(2))?;
    give(encode(bytes))
}

/// What cannot be decoded gives the error's text as the result, as in Sprig.
fn decoded(call: &mut Call<'_>, decode: fn(&[u8]) -> Result<Vec<u8>, String>) -> Answer {
    let bytes = call.bytes(0);
    call.budget().allocate(bytes.len())?;
    match decode(bytes) {
        Ok(bytes) => give_bytes(bytes),
        Err(message) => give(message),
    }
}

fn sum<D: Digest>(call: &mut Call<'_>) -> Answer {
    let bytes = call.bytes(0);
    call.budget().step(bytes.len() as u64 >> 8)?;
    give(hex(&D::digest(bytes)))
}

/// In lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % MODULUS;
        (a, (b + a) % MODULUS)
    });
    b << 16 | a
}
