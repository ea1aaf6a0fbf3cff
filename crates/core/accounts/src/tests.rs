mod changes;
mod failures;
mod logins;
mod sessions;
