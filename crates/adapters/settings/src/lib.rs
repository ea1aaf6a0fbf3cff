//! The settings of an installation, as they are now: `argocd-cm`, repositories and clusters with their credentials, known
//! hosts, certificates; read from ConfigMaps and Secrets of one namespace and kept up to date by two watches.
//!
//! It knows where settings lie and keeps the last good ones; what they mean is `api`'s to say. Projects are not
//! here: they are objects of the applications controller. Secret values are in [`Secret`], which shows nothing.
//!
//! ```no_run
//! # async fn example(client: kube::Client) -> Result<(), settings::SettingsError> {
//! let handle = settings::SettingsHandle::start(client, "argocd").await?;
//! let snapshot = handle.current();
//! let access = snapshot.repositories.lookup("https://git.example/shop.git", "default");
//! println!("{:?} by {:?}", snapshot.settings.tracking.method, access.secrets);
//! # Ok(())
//! # }
//! ```

mod clusters;
mod fields;
mod handle;
mod lookup;
mod repository;
mod secret;
mod store;
mod watch;

pub use clusters::{
    AwsAuth, ClusterConfig, ClusterSecret, Clusters, ExecProvider, TlsClientConfig, own_words,
};
pub use fields::SecretError;
pub use handle::{SettingsError, SettingsHandle};
pub use lookup::{Repositories, RepositoryAccess};
pub use repository::{AzureServicePrincipal, Credentials, GithubApp, Repository, RepositoryType};
pub use secret::Secret;
pub use store::{ARGOCD_SECRET, OwnSecret, Snapshot};
