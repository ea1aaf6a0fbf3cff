mod limits;
mod links;
mod paths;
mod property;
