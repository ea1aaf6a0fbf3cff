//! Base64 and base32 with padding, as Go's `encoding/base64` and `encoding/base32` read and write them.

/// One of the two.
struct Alphabet {
    digits: &'static [u8],
    /// Bits a digit.
    bits: usize,
    /// Digits and padding in a whole group.
    group: usize,
    name: &'static str,
}

const BASE64: Alphabet = Alphabet {
    digits: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    group: 4,
    name: "base64",
};
const BASE32: Alphabet =
    Alphabet { digits: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, group: 8, name: "base32" };

/// Standard base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Standard base64; new lines are passed over. **Errors**: Go's text.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    BASE64.decode(text)
}

/// Standard base32.
pub(crate) fn encode32(bytes: &[u8]) -> String {
    BASE32.encode(bytes)
}

/// Standard base32; new lines are passed over. **Errors**: Go's text.
pub(crate) fn decode32(text: &[u8]) -> Result<Vec<u8>, String> {
    BASE32.decode(text)
}

impl Alphabet {
    fn encode(&self, bytes: &[u8]) -> String {
        let whole = self.group * self.bits / 8;
        let mut text = String::with_capacity(bytes.len().div_ceil(whole) * self.group);
        for chunk in bytes.chunks(whole) {
            let mut padded = [0_u8; 8];
            for (to, from) in padded.iter_mut().skip(8 - whole).zip(chunk) {
                *to = *from;
            }
            let bits = u64::from_be_bytes(padded);
            let digits = (chunk.len() * 8).div_ceil(self.bits);
            for place in 0..self.group {
                let shift = (self.group - 1 - place) * self.bits;
                let digit = (bits >> shift) as usize & (self.digits.len() - 1);
                text.push(if place < digits {
                    self.digits.get(digit).map_or('=', |d| char::from(*d))
                } else {
                    '='
                });
            }
        }
        text
    }

    fn decode(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let corrupt = |at: usize| format!("illegal {} data at input byte {at}", self.name);
        let mut values = [0xFF_u8; 256];
        for (value, digit) in (0_u8..).zip(self.digits) {
            if let Some(slot) = values.get_mut(usize::from(*digit)) {
                *slot = value;
            }
        }
        let mut out = Vec::with_capacity(text.len() * self.bits / 8);
        // Go's base32 drops new lines before it counts bytes.
        let strip = self.bits == 5;
        let stripped: Vec<u8> =
            text.iter().copied().filter(|b| !strip || !matches!(b, b'\n' | b'\r')).collect();
        let mut bytes = stripped.iter().copied().enumerate().filter(|(_, b)| !matches!(b, b'\n' | b'\r'));
        let end = stripped.len();
        loop {
            let (mut group, mut digits) = (0_u64, 0_usize);
            while digits < self.group {
                match bytes.next() {
                    None if digits == 0 => return Ok(out),
                    None => return Err(corrupt(end - digits)),
                    Some((at, b'=')) => {
                        self.finish(at, digits, end, &mut bytes).map_err(corrupt)?;
                        self.flush(group, digits, &mut out);
                        return Ok(out);
                    }
                    Some((at, byte)) => {
                        let value = values.get(usize::from(byte)).copied().unwrap_or(0xFF);
                        if value == 0xFF {
                            return Err(corrupt(at));
                        }
                        group = group << self.bits | u64::from(value);
                        digits += 1;
                    }
                }
            }
            self.flush(group, digits, &mut out);
        }
    }

    /// Checks the padding after its first sign at `at`; the error is the place of what is wrong.
    fn finish(
        &self,
        at: usize,
        digits: usize,
        end: usize,
        bytes: &mut dyn Iterator<Item = (usize, u8)>,
    ) -> Result<(), usize> {
        let bits = digits * self.bits;
        if digits == 0 || bits < 8 || bits % 8 >= self.bits {
            return Err(at);
        }
        for _ in digits + 1..self.group {
            match bytes.next() {
                Some((_, b'=')) => {}
                Some((at, _)) => return Err(at - 1),
                None => return Err(end),
            }
        }
        match bytes.next() {
            Some((at, _)) => Err(at),
            None => Ok(()),
        }
    }

    fn flush(&self, group: u64, digits: usize, out: &mut Vec<u8>) {
        let bits = digits * self.bits;
        let whole = bits / 8;
        let aligned = group << (64 - bits);
        out.extend(aligned.to_be_bytes().into_iter().take(whole));
    }
}
