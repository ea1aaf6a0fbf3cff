//! Go's `text/template`, to the letter, on a budget.
