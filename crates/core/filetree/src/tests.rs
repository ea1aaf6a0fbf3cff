mod limits;
mod links;
mod once;
mod paths;
mod property;
