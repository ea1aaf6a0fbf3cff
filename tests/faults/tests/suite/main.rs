//! Promises under faults, all on kubesim. `CAPSTAN_LONG=1` runs every kill point and `CAPSTAN_SEED_FROM`..`CAPSTAN_SEED_TO`.

mod kill_points;
mod leaders;
mod poison;
mod schedules;

use std::collections::BTreeMap;

use anyhow::Result;
use faults::story::{self, OURS, Pace};
use faults::{Rig, Weather, snapshot};
use serde_json::Value;
use tokio::sync::OnceCell;

/// The story without a fault, told once for all suites.
pub(crate) struct Undisturbed {
    /// Its end.
    pub(crate) state: BTreeMap<String, Value>,
    /// Its end without the lists of past syncs.
    pub(crate) without_history: BTreeMap<String, Value>,
    /// The writes that it took.
    pub(crate) writes: u64,
}

pub(crate) async fn undisturbed() -> Result<&'static Undisturbed> {
    static ONCE: OnceCell<Undisturbed> = OnceCell::const_new();
    ONCE.get_or_try_init(|| async {
        let rig = Rig::new(Weather::fair()).await?;
        let line = rig.line("1");
        rig.start("1", line.clone(), false).await?;
        story::play(&rig, Pace::Patient).await?;
        story::end(&rig).await?;
        assert_eq!(rig.judgement(&OURS), Vec::<String>::new());
        let (state, without_history) =
            (snapshot::take(&rig, true).await?, snapshot::take(&rig, false).await?);
        Ok(Undisturbed { state, without_history, writes: line.writes() })
    })
    .await
}
