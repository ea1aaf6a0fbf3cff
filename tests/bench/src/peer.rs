//! What the peer costs: Argo CD 3.6 as it was measured on this set-up (2 cores, kube-apiserver 1.34, etcd without fsync, no
//! controller manager), with 60 % plain YAML, 20 % Kustomize and 20 % Helm; single runs. See `docs/performance.md`.

/// (phase, figure, at 500 applications, at 1,000); empty where it was not measured.
const RECORDED: &[(&str, &str, &str, &str)] = &[
    ("first sync", "all Synced after", "150", "299"),
    ("first sync", "CPU an application", "398", "405"),
    ("first sync", "requests an application", "60.3", "60.0"),
    ("first sync", "passes an application", "5.2", "5.2"),
    ("first sync", "the cluster's own CPU an application", "161", "152"),
    ("first sync", "peak memory", "1302, all phases", "1132"),
    ("commit to one, refreshed", "live after", "0.54", "0.48"),
    ("commit to one, refreshed", "CPU until at rest", "0.5", "0.77"),
    ("commit to one, webhook", "live after", "12.7", "17.7"),
    ("commit to one, webhook", "CPU until at rest", "25.9", "57.5"),
    ("commit to one, webhook", "renders", "500", "1000"),
    ("commit to one, webhook", "requests", "1535", "3030"),
    ("commit to all, webhook", "all Synced after", "135", ""),
    ("commit to all, webhook", "CPU an application", "407", ""),
    ("commit to all, webhook", "requests an application", "31.8", ""),
    ("drift", "healed after, median", "0.206", "0.241"),
    ("drift", "healed after, longest", "0.301", "0.309"),
    ("drift", "CPU each", "0.3–0.4", ""),
    ("drift", "requests each", "24–37", ""),
    ("restart", "CPU until at rest", "12.5", ""),
    ("restart", "at rest after", "15.0", ""),
    ("steady", "seconds looked at", "180", ""),
    ("steady", "renders", "0", ""),
    ("steady", "requests besides watches and heartbeat", "507", ""),
    ("steady", "CPU", "50.5", ""),
    ("steady", "passes", "500", ""),
];

/// The recorded figure for the nearer of the two sizes; empty where there is none.
pub(crate) fn recorded(phase: &str, name: &str, apps: usize) -> &'static str {
    let row = RECORDED.iter().find(|row| row.0 == phase && row.1 == name);
    row.map_or("", |row| if size(apps) == 500 { row.2 } else { row.3 })
}

/// The size of the peer's run that stands beside one of ours.
pub(crate) fn size(apps: usize) -> usize {
    if apps <= 750 { 500 } else { 1000 }
}
