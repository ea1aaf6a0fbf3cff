//! Numbers as literals: what `strconv` reads, and what a template's number can stand for.

/// A number constant, in each of the forms that it has without loss.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

impl Number {
    /// A character constant's.
    pub(crate) fn of_char(code: u32) -> Self {
        Self { int: Some(code.into()), uint: Some(code.into()), float: Some(code.into()), complex: None }
    }

    /// That of `1`, `0x1F`, `1e3`, `2i`.
    ///
    /// **Errors**: Go's message.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
            return Ok(Self::of_complex(0.0, imaginary));
        }
        let mut number = Self { uint: parse_uint(text), int: parse_int(text), ..Self::default() };
        if number.int == Some(0) {
            // -0 is no unsigned literal, but 0 is its value.
            number.uint = Some(0);
        }
        if let Some(int) = number.int {
            number.float = Some(int as f64);
        } else if let Some(uint) = number.uint {
            number.float = Some(uint as f64);
        } else if let Some(float) = parse_float(text) {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", crate::quote::quoted(text.as_bytes())));
            }
            number.float = Some(float);
            number.int = whole_int(float);
            number.uint = whole_uint(float);
        } else {
            return Err(format!("illegal number syntax: {}", crate::quote::quoted(text.as_bytes())));
        }
        Ok(number)
    }

    /// That of `1+2i`.
    pub(crate) fn parse_complex(text: &str) -> Result<Self, String> {
        let split = text
            .char_indices()
            .skip(1)
            .filter(|(at, character)| matches!(character, '+' | '-') && !is_exponent_sign(text, *at));
        let parts = split.last().map(|(at, _)| text.split_at(at));
        let Some((real, imaginary)) = parts else {
            return Err("syntax error scanning complex number".into());
        };
        let imaginary = imaginary.strip_suffix('i').unwrap_or(imaginary);
        Ok(Self::of_complex(part(real)?, part(imaginary)?))
    }

    fn of_complex(real: f64, imaginary: f64) -> Self {
        let float = (imaginary == 0.0).then_some(real);
        Self {
            complex: Some((real, imaginary)),
            float,
            int: float.and_then(whole_int),
            uint: float.and_then(whole_uint),
        }
    }
}

/// One part of a complex number, with its sign.
fn part(text: &str) -> Result<f64, String> {
    if !text.contains(|character: char| character.is_ascii_digit()) {
        return Err("syntax error scanning complex number".into());
    }
    parse_float(text).ok_or_else(|| {
        format!("strconv.ParseFloat: parsing {}: invalid syntax", crate::quote::quoted(text.as_bytes()))
    })
}

fn is_exponent_sign(text: &str, at: usize) -> bool {
    let hex = text.trim_start_matches(['+', '-']).starts_with(['0']) && text.contains(['x', 'X']);
    let before = text.as_bytes().get(at.wrapping_sub(1)).copied().unwrap_or_default();
    matches!(before, b'p' | b'P') || (!hex && matches!(before, b'e' | b'E'))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole_int(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float)).then_some(float as i64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole_uint(float: f64) -> Option<u64> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    (float.fract() == 0.0 && (0.0..LIMIT).contains(&float)).then_some(float as u64)
}

/// `strconv.ParseUint(text, 0, 64)`.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        (8, digits)
    } else {
        (10, lower.as_str())
    };
    if digits.starts_with(['+', '-']) || (digits.contains('_') && !underscores_ok(&lower)) {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// `strconv.ParseInt(text, 0, 64)`.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix('-') {
        return 0_i64.checked_sub_unsigned(parse_uint(digits)?);
    }
    parse_uint(text.strip_prefix('+').unwrap_or(text))?.try_into().ok()
}

/// `strconv.ParseFloat(text, 64)`; `None` for both of its errors. Names (`inf`, `nan`) are not read.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let (negative, digits) = match lower.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, lower.strip_prefix('+').unwrap_or(&lower)),
    };
    if digits.contains('_') && !underscores_ok(digits) {
        return None;
    }
    let digits = digits.replace('_', "");
    let float = match digits.strip_prefix("0x") {
        Some(hex) => parse_hex_float(hex)?,
        None if digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
            digits.parse().ok()?
        }
        None => return None,
    };
    float.is_finite().then_some(if negative { -float } else { float })
}

/// What follows `0x`; the exponent is required.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let mut exponent: i64 = match exponent.strip_prefix(['+', '-']).unwrap_or(exponent) {
        digits if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) => return None,
        digits => {
            let size = digits.parse().unwrap_or(1_000_000_i64).min(1_000_000);
            if exponent.starts_with('-') { -size } else { size }
        }
    };
    let (mut bits, mut any, mut after_point) = (0_u64, false, false);
    for digit in mantissa.chars() {
        if digit == '.' && !after_point {
            after_point = true;
            continue;
        }
        let digit = u64::from(digit.to_digit(16)?);
        any = true;
        if bits >> 60 == 0 {
            bits = bits << 4 | digit;
            exponent -= if after_point { 4 } else { 0 };
        } else {
            // Beyond 60 bits only whether there was anything counts, for rounding.
            bits |= u64::from(digit != 0);
            exponent += if after_point { 0 } else { 4 };
        }
    }
    any.then(|| scale(bits as f64, exponent))
}

fn scale(mut float: f64, mut exponent: i64) -> f64 {
    while exponent != 0 && float != 0.0 && float.is_finite() {
        let part = exponent.clamp(-1000, 1000);
        float *= 2_f64.powi(i32::try_from(part).unwrap_or(0));
        exponent -= part;
    }
    float
}

/// Whether underscores stand between digits only, or after the base's prefix.
fn underscores_ok(text: &str) -> bool {
    let text = text.trim_start_matches(['+', '-']);
    let hex = text.starts_with("0x");
    let (mut last, rest) = if hex || text.starts_with("0b") || text.starts_with("0o") {
        ('0', text.get(2..).unwrap_or_default())
    } else {
        ('^', text)
    };
    for character in rest.chars() {
        let digit = character.is_ascii_digit() || (hex && character.is_ascii_hexdigit());
        match character {
            '_' if last != '0' => return false,
            '_' => last = '_',
            _ if digit => last = '0',
            _ if last == '_' => return false,
            _ => last = '!',
        }
    }
    last != '_'
}
