//! Runs corpora of recorded verdicts against our renderers and prints how many are equal.

fn main() -> anyhow::Result<()> {
    anyhow::bail!("no corpus can be run yet")
}
