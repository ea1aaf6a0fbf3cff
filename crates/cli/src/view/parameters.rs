//! `app get --show-params`.

use api::Application;

use crate::look::Look;
use crate::table::Table;

/// Most letters of a value that the peer prints.
const LONGEST: usize = 80;

/// The parameters of the sources, or of one of them; nothing where there are none. Empty lines stand before the table, where the peer has
/// two, and the titles also where there are no parameters of a chart.
pub(crate) fn table(app: &Application, position: Option<usize>, look: Look) -> String {
    let sources = app.spec.sources().iter().enumerate();
    let meant = sources.filter(|(index, _)| position.is_none_or(|position| position == *index));
    let mut helm = meant.filter_map(|(_, source)| source.helm.as_ref()).peekable();
    let charts = helm.peek().is_some();
    let mut parameters = helm.flat_map(|helm| &helm.parameters).peekable();
    if parameters.peek().is_none() && (look.native() || !charts) {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "VALUE"]);
    for parameter in parameters {
        let value = if look.native() { parameter.value.clone() } else { cut(&parameter.value) };
        table.row(vec![parameter.name.as_str().into(), value.into()]);
    }
    format!("{}{}", if look.native() { "\n" } else { "\n\n" }, table.render(look))
}

/// As the peer cuts long values.
fn cut(value: &str) -> String {
    if value.chars().count() <= LONGEST {
        return value.to_owned();
    }
    format!("{}...", value.chars().take(LONGEST - 3).collect::<String>())
}
