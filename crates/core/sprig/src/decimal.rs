//! Exact decimals, as shopspring/decimal 1.4 computes for `addf` and its kin.

use gotemplate::FloatKind;
use num_bigint::BigInt;

use crate::show;

/// Digits behind the point that a division keeps.
const DIVISION_PLACES: i64 = 16;
/// Digits a result may have: sums of a few floats have some hundred, products grow with each factor.
const MAX_DIGITS: u64 = 20_000;

/// `value` × 10^`exponent`.
#[derive(Debug, Clone)]
pub(crate) struct Decimal {
    value: BigInt,
    exponent: i64,
}

/// An operation of two.
pub(crate) type Operation = fn(&Decimal, &Decimal) -> Result<Decimal, String>;

impl Decimal {
    /// The shortest decimal that reads back as the float. **Errors**: NaN and infinities, in the library's words.
    pub(crate) fn from_float(number: f64) -> Result<Self, String> {
        if !number.is_finite() {
            return Err(format!("Cannot create a Decimal from {}", show::float(FloatKind::Float64, number)));
        }
        let (digits, exponent) = show::digits(FloatKind::Float64, number);
        let value: BigInt = digits.parse().unwrap_or_default();
        let value = if number < 0.0 { -value } else { value };
        let places = i64::try_from(digits.len()).unwrap_or(0) - 1;
        Ok(Self { value, exponent: i64::from(exponent) - places })
    }

    /// The nearest float.
    pub(crate) fn to_float(&self) -> f64 {
        format!("{}e{}", self.value, self.exponent).parse().unwrap_or(0.0)
    }

    pub(crate) fn plus(&self, other: &Self) -> Result<Self, String> {
        let exponent = self.exponent.min(other.exponent);
        Ok(Self { value: self.scaled(exponent)? + other.scaled(exponent)?, exponent })
    }

    pub(crate) fn minus(&self, other: &Self) -> Result<Self, String> {
        self.plus(&Self { value: -&other.value, exponent: other.exponent })
    }

    pub(crate) fn times(&self, other: &Self) -> Result<Self, String> {
        let product = Self { value: &self.value * &other.value, exponent: self.exponent + other.exponent };
        // A digit has 3.3 bits.
        if product.value.bits() > MAX_DIGITS * 3 { Err(too_long()) } else { Ok(product) }
    }

    /// Rounded half away from zero.
    pub(crate) fn over(&self, other: &Self) -> Result<Self, String> {
        let zero = BigInt::ZERO;
        if other.value == zero {
            return Err("decimal division by 0".into());
        }
        let shift = self.exponent - other.exponent + DIVISION_PLACES;
        let (dividend, divisor) = if shift >= 0 {
            (&self.value * power(shift)?, other.value.clone())
        } else {
            (self.value.clone(), &other.value * power(-shift)?)
        };
        let mut quotient = &dividend / &divisor;
        let rest = BigInt::from((&dividend % &divisor).magnitude().clone()) * 2;
        if rest >= BigInt::from(divisor.magnitude().clone()) {
            let negative = (self.value < zero) != (other.value < zero);
            quotient += if negative { -1 } else { 1 };
        }
        Ok(Self { value: quotient, exponent: -DIVISION_PLACES })
    }

    fn scaled(&self, exponent: i64) -> Result<BigInt, String> {
        Ok(&self.value * power(self.exponent - exponent)?)
    }
}

fn power(exponent: i64) -> Result<BigInt, String> {
    match u32::try_from(exponent) {
        Ok(exponent) if u64::from(exponent) <= MAX_DIGITS => Ok(BigInt::from(10).pow(exponent)),
        _ => Err(too_long()),
    }
}

fn too_long() -> String {
    format!("a decimal of more than {MAX_DIGITS} digits")
}
