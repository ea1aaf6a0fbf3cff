//! Wires a controller from a client: settings, live state, sources.

use std::path::PathBuf;
use std::sync::Arc;

use charts::Charts;
use cluster::ClusterError;
use settings::{SettingsError, SettingsHandle};
use source::Sources;

use crate::controller::Controller;
use crate::destination::Destination;
use crate::shared::Options;

/// What a controller is made from.
pub struct Start {
    /// The API server.
    pub client: kube::Client,
    /// How it runs.
    pub options: Options,
    /// Where git objects are kept between runs.
    pub data_dir: PathBuf,
    /// Whether `file://` repositories may be read.
    pub allow_file: bool,
    /// Whether a server stands beside the controller, which needs more of the settings.
    pub serves: bool,
}

/// Why a controller could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings could not be read.
    #[error("the settings in namespace {namespace} cannot be read")]
    Settings {
        /// Where they lie.
        namespace: String,
        /// Why.
        source: SettingsError,
    },
    /// The API server could not be asked what it serves.
    #[error("the cluster cannot be read")]
    Cluster {
        /// Why.
        source: ClusterError,
    },
    /// The data directory cannot be used.
    #[error("the data directory {path} cannot be used")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Start {
    /// Reads the settings, discovers the cluster and starts to watch it. Nothing is written before
    /// [`Controller::run`].
    pub async fn start(self) -> Result<Controller, StartError> {
        let namespace = self.options.namespace.clone();
        let settings = if self.serves {
            SettingsHandle::start_for_server(self.client.clone(), &namespace).await
        } else {
            SettingsHandle::start(self.client.clone(), &namespace).await
        };
        let settings = settings.map_err(|source| StartError::Settings { namespace, source })?;
        let home = (api::names::IN_CLUSTER_SERVER, api::names::IN_CLUSTER_NAME);
        let home = Destination::start(home, self.client.clone(), &settings, |options| options)
            .await
            .map_err(|source| StartError::Cluster { source })?;
        let proxies = self.options.proxies.clone();
        let options = source::Options {
            allow_file: self.allow_file,
            proxies: proxies.clone(),
            ..source::Options::new(&self.data_dir)
        };
        let sources = Sources::new(options)
            .map_err(|source| StartError::Data { path: self.data_dir.clone(), source })?;
        // Helm never holds an archive against its index, and well-known repositories have wrong digests there.
        let options = charts::Options {
            accept_index_mismatch: true,
            proxies,
            ..charts::Options::new(self.data_dir.join("charts"))
        };
        let charts = Charts::new(options)
            .map_err(|source| StartError::Data { path: self.data_dir.clone(), source })?;
        Ok(Controller::new(self.client, home, settings, Arc::new(sources), charts, self.options))
    }
}
