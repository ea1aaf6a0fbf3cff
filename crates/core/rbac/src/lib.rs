//! Who may do what, by the peer's model: `policy.csv`, a default role, groups, project roles; allowed if a line allows and none denies.
//!
//! A [`Policy`] is compiled once from what `argocd-rbac-cm` holds and from the roles of projects. [`Policy::decide`] takes a [`Subject`]
//! and a [`Permission`] and gives a [`Decision`], which nothing else can make, or [`Denied`], which knows the line that is missing.
//! The crate reads no tokens and knows no HTTP; [`Subject::from_claims`] reads claims that somebody else has verified.
//!
//! Source: Argo CD 3.2 `util/rbac`, `server/rbacpolicy` on casbin 2.123, and gobwas/glob 1.0.0; their verdicts are recorded in
//! `tests/cases`. Where we differ, and why:
//! - A line that cannot be read is left out and named in a [`Problem`]; the peer then serves nobody.
//! - A user or group of an identity provider that is called like a role (`role:admin`, `proj:a:b`) is not that role, and one that is
//!   called `admin` is not the local account. In the peer both are.
//! - Lines of a project's roles that its admission would refuse have no effect; the peer enforces what `kubectl` let in.
//! - `role:readonly` and `role:admin` work with `policy.matchMode: regex`, too; in the peer their globs are not regular expressions,
//!   so that they deny everything. A regular expression of the user's that cannot be read spoils no other line, unless it is a denial.
//! - A line with an empty subject or role is refused; in the peer it is for everybody, logged in or not.
//!
//! ```
//! use rbac::{Action, Object, Permission, Policy, Resource, Subject};
//!
//! let data = [("policy.csv".to_owned(), "p, role:dev, applications, sync, demo/*, allow\ng, org:devs, role:dev".to_owned())];
//! let (policy, problems) = Policy::compile(&data.into());
//! assert!(problems.is_empty());
//! let sync = |app| Permission::new(Resource::Applications, Action::Sync, Object::in_project("demo", None, app));
//! let ann = Subject::external("ann", vec!["org:devs".to_owned()]);
//! let decision = policy.decide(&ann, sync("guestbook")).unwrap();
//! assert_eq!(decision.rule().text(), "p, role:dev, applications, sync, demo/*, allow");
//! let denied = policy.decide(&Subject::external("bob", vec![]), sync("guestbook")).unwrap_err();
//! assert_eq!(denied.missing_line(), "p, bob, applications, sync, demo/guestbook, allow");
//! ```

mod builtin;
mod claims;
mod csv;
mod decision;
mod glob;
mod pattern;
mod permission;
mod policy;
mod problem;
mod project;
mod question;
mod subject;
mod survey;
mod table;

pub use claims::{MAX_GROUPS, user_of, values_of};
pub use decision::{Decision, Denied, Rule};
pub use permission::{Action, Inheritance, Object, Permission, Resource, Target};
pub use policy::Policy;
pub use problem::{Place, Problem, Weight};
pub use project::ProjectRole;
pub use question::{Answer, Question, QuestionError, validate};
pub use subject::{Subject, project_role_of};
pub use survey::Survey;

#[cfg(test)]
mod tests;
