//! Applications and projects from a stranger: what is read is kept when it is written.
#![no_main]

use api::{AppProject, Application};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    if let Ok(project) = AppProject::from_value(value.clone()) {
        let _ = api::unknown_project_fields(&project.spec);
        let written = project.to_value();
        assert_eq!(AppProject::from_value(written.clone()).map(|again| again.to_value()), Ok(written));
    }
    if let Ok(application) = Application::from_value(value) {
        let _ = (api::inspect(&application), api::unknown_fields(&application.spec));
        let written = application.to_value();
        assert_eq!(Application::from_value(written.clone()).map(|again| again.to_value()), Ok(written));
    }
});
