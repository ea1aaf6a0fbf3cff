//! `app get --show-params`.

use api::Application;

use crate::look::Look;
use crate::table::Table;

/// The parameters of the sources, name and value; nothing where there are none.
pub(crate) fn table(app: &Application, look: Look) -> String {
    let helm = app.spec.sources().iter().filter_map(|source| source.helm.as_ref());
    let mut parameters = helm.flat_map(|helm| &helm.parameters).peekable();
    if parameters.peek().is_none() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "VALUE"]);
    for parameter in parameters {
        table.row(vec![parameter.name.as_str().into(), parameter.value.as_str().into()]);
    }
    table.render(look)
}
