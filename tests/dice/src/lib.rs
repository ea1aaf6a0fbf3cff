//! Chance for property tests: a seed gives the same story every time, on every machine.
//!
//! It knows nothing of what it is used for and depends on nothing, so that tests of core crates can have it.
//!
//! ```
//! let (mut one, mut two) = (dice::Dice::new(7), dice::Dice::new(7));
//! assert_eq!(one.roll(6), two.roll(6));
//! ```

/// A generator of small numbers (xorshift64*).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A generator that begins at `seed`; 0, at which it would stand still, is taken for 1.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A number below `sides`; 0 where there are no sides.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_comes_up() {
        let (mut dice, mut seen) = (Dice::new(0), [0_u32; 6]);
        for _ in 0..6_000 {
            seen[dice.roll(6)] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert_eq!(dice.roll(0), 0);
    }
}
