//! The template functions that people know as Sprig, and those that Helm adds without a chart at hand.
