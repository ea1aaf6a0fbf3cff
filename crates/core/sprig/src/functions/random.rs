//! Chance, from the run's [`World`](crate::World).

use gotemplate::{Call, CallError, Function, Type, Value};

use super::{Answer, give, refuse};
use crate::base64;
use crate::host::world;

const INT: &[Type] = &[Type::Int];

pub(crate) const TABLE: &[Function] = &[
    Function::new("randAlphaNum", INT, |call| chosen(call, |c| c.is_ascii_alphanumeric())),
    Function::new("randAlpha", INT, |call| chosen(call, |c| c.is_ascii_alphabetic())),
    Function::new("randNumeric", INT, |call| chosen(call, |c| c.is_ascii_digit())),
    Function::new("randAscii", INT, |call| chosen(call, |c| (32..127).contains(c))),
    Function::new("randBytes", INT, |call| {
        let Ok(count) = usize::try_from(call.int(0)) else {
            return refuse("runtime error: makeslice: len out of range");
        };
        call.budget().allocate(count.saturating_mul(3))?;
        give(base64::encode(&bytes(call, count)?))
    }),
    Function::new("randInt", &[Type::Int, Type::Int], rand_int),
    Function::new("uuidv4", &[], uuid),
    Function::new("shuffle", &[Type::String], shuffle),
];

fn bytes(call: &Call<'_>, count: usize) -> Result<Vec<u8>, CallError> {
    let mut bytes = vec![0; count];
    world(call)?.random(&mut bytes);
    Ok(bytes)
}

/// A number below `end`, each as likely: numbers that would favour the first are thrown away.
fn below(call: &Call<'_>, end: u64) -> Result<u64, CallError> {
    let world = world(call)?;
    let unfair = end.wrapping_neg() % end;
    loop {
        let mut bytes = [0; 8];
        world.random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number >= unfair {
            return Ok(number % end);
        }
    }
}

/// So many of the characters that `wanted` takes. A count below 0 gives none, as in Sprig.
fn chosen(call: &mut Call<'_>, wanted: fn(&u8) -> bool) -> Answer {
    let count = usize::try_from(call.int(0)).unwrap_or(0);
    call.budget().allocate(count)?;
    call.budget().step(count as u64)?;
    let world = world(call)?;
    let alphabet: Vec<char> = (0..128).filter(wanted).map(char::from).collect();
    let mut text = String::with_capacity(count);
    let mut left = count;
    while left > 0 {
        let mut pool = [0_u8; 256];
        world.random(&mut pool);
        // Seven bits, and only those below the alphabet's size: each character is as likely.
        let letters = pool.iter().filter_map(|byte| alphabet.get(usize::from(byte & 127)));
        for letter in letters.take(left) {
            text.push(*letter);
        }
        left = count - text.len();
    }
    give(text)
}

fn rand_int(call: &mut Call<'_>) -> Answer {
    let (low, high) = (call.int(0), call.int(1));
    match u64::try_from(high.wrapping_sub(low)) {
        Ok(range) if range > 0 => {
            let number = below(call, range)?;
            give(Value::int(low.wrapping_add_unsigned(number)))
        }
        _ => refuse("invalid argument to Intn"),
    }
}

fn uuid(call: &mut Call<'_>) -> Answer {
    let mut bytes = bytes(call, 16)?;
    if let [_, _, _, _, _, _, version, _, variant, ..] = bytes.as_mut_slice() {
        *version = *version & 0x0F | 0x40;
        *variant = *variant & 0x3F | 0x80;
    }
    let text = super::encodings::hex(&bytes);
    let parts = [text.get(..8), text.get(8..12), text.get(12..16), text.get(16..20), text.get(20..)];
    give(parts.map(Option::unwrap_or_default).join("-"))
}

fn shuffle(call: &mut Call<'_>) -> Answer {
    let mut letters: Vec<char> = call.text(0).chars().collect();
    call.budget().step(letters.len() as u64)?;
    for at in (1..letters.len()).rev() {
        let other = usize::try_from(below(call, at as u64 + 1)?).unwrap_or(at);
        letters.swap(at, other);
    }
    give(letters.into_iter().collect::<String>())
}
