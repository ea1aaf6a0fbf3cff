//! `proj role`.

use serde_json::{Value, json};

use super::super::account::{list, local_time, text};
use super::super::talk::{Talk, lives, unknown_form};
use super::super::token;
use super::items;
use crate::command::{CreateTokenArgs, GroupArgs, ListTokensArgs, PolicyArgs, RoleArgs, RoleCommand};
use crate::failure::{Failure, Kind};
use crate::table::Table;

const ROLE: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.ProjectRole";

impl Talk<'_> {
    pub(super) async fn roles(&mut self, command: RoleCommand) -> Result<(), Failure> {
        match command {
            RoleCommand::List(args) => self.list_roles(&args.project, &args.output).await,
            RoleCommand::Get(args) => self.get_role(&args).await,
            RoleCommand::Create(args) => {
                self.create_role(&args.role, &args.description.unwrap_or_default()).await
            }
            RoleCommand::Delete(args) => self.delete_role(&args).await,
            RoleCommand::AddPolicy(args) => self.add_policy(&args).await,
            RoleCommand::RemovePolicy(args) => self.remove_policy(&args).await,
            RoleCommand::AddGroup(args) => self.add_group(&args).await,
            RoleCommand::RemoveGroup(args) => self.remove_group(&args).await,
            RoleCommand::CreateToken(args) => self.create_role_token(args).await,
            RoleCommand::ListTokens(args) => self.list_role_tokens(&args).await,
            RoleCommand::DeleteToken(args) => {
                let (RoleArgs { project, role }, at) = (args.role, args.issued_at);
                if !self.agreed(&format!("Are you sure you want to delete '{at}' project token? [y/n]"))? {
                    self.line(&format!("The command to delete project token '{at}' was cancelled."));
                    return Ok(());
                }
                let request = json!({"project": project, "role": role, "iat": at});
                let what = format!("cannot delete a token of the role {role}");
                self.ask(&what, "project.ProjectService/DeleteToken", &request).await.map(drop)
            }
        }
    }

    async fn list_roles(&mut self, name: &str, form: &str) -> Result<(), Failure> {
        let project = self.project(name).await?;
        let roles = list(&project["spec"]["roles"]);
        match form {
            "json" | "yaml" => return self.messages(ROLE, roles, form),
            "name" => roles.iter().for_each(|role| self.line(text(&role["name"]))),
            "wide" | "" => {
                let mut table = Table::new(&["ROLE-NAME", "DESCRIPTION"]);
                for role in roles {
                    table.row(vec![text(&role["name"]).into(), text(&role["description"]).into()]);
                }
                let text = table.render(self.console.look);
                self.console.print(&text);
            }
            other => return Err(unknown_form(other)),
        }
        Ok(())
    }

    async fn get_role(&mut self, args: &RoleArgs) -> Result<(), Failure> {
        let project = self.project(&args.project).await?;
        let role = &project["spec"]["roles"][index(&project, args)?];
        let mut out = vec![
            format!("{:<15}{}", "Role Name:", args.role),
            format!("{:<15}{}", "Description:", text(&role["description"])),
            "Policies:".to_owned(),
        ];
        out.extend(policies(&project));
        out.push("Groups:".to_owned());
        match list(&role["groups"]) {
            [] => out.push("<none>".to_owned()),
            groups => out.extend(groups.iter().map(|group| format!("  - {}", text(group)))),
        }
        out.push("JWT Tokens:".to_owned());
        out.iter().for_each(|line| self.line(line));
        let now = (self.local.clock)().as_second();
        let shown = |at: i64| format!("{} ({})", local_time(at), relative(at, now));
        let mut table = Table::new(&["ID", "ISSUED-AT", "EXPIRES-AT"]);
        for token in list(&project["status"]["jwtTokensByRole"][&args.role]["items"]) {
            let issued = token["iat"].as_i64().unwrap_or_default();
            let ends = token["exp"].as_i64().filter(|ends| *ends > 0);
            let ends = ends.map_or_else(|| "<none>".to_owned(), shown);
            table.row(vec![issued.to_string().into(), shown(issued).into(), ends.into()]);
        }
        let text = table.render(self.console.look);
        self.console.print(&text);
        Ok(())
    }

    async fn create_role(&mut self, args: &RoleArgs, description: &str) -> Result<(), Failure> {
        let mut project = self.project(&args.project).await?;
        if index(&project, args).is_ok() {
            self.line(&format!("Role '{}' already exists", args.role));
            return Ok(());
        }
        items(&mut project, "roles").push(json!({"name": args.role, "description": description}));
        self.update_project(&project).await?;
        self.line(&format!("Role '{}' created", args.role));
        Ok(())
    }

    async fn delete_role(&mut self, args: &RoleArgs) -> Result<(), Failure> {
        let mut project = self.project(&args.project).await?;
        let Ok(at) = index(&project, args) else {
            self.line(&format!("Role '{}' does not exist in project", args.role));
            return Ok(());
        };
        items(&mut project, "roles").swap_remove(at);
        if !self.agreed(&format!("Are you sure you want to delete '{}' role? [y/n]", args.role))? {
            self.line(&format!("The command to delete role '{}' was cancelled.", args.role));
            return Ok(());
        }
        self.update_project(&project).await?;
        self.line(&format!("Role '{}' deleted", args.role));
        Ok(())
    }

    async fn add_policy(&mut self, args: &PolicyArgs) -> Result<(), Failure> {
        let mut project = self.project(&args.role.project).await?;
        let at = index(&project, &args.role)?;
        of_role(&mut project, at, "policies").push(json!(policy(args)));
        self.update_project(&project).await
    }

    async fn remove_policy(&mut self, args: &PolicyArgs) -> Result<(), Failure> {
        let mut project = self.project(&args.role.project).await?;
        let at = index(&project, &args.role)?;
        let line = policy(args);
        let policies = of_role(&mut project, at, "policies");
        let Some(place) = policies.iter().position(|known| *known == line.as_str()) else { return Ok(()) };
        policies.swap_remove(place);
        if !self.agreed(&format!("Are you sure you want to delete '{line}' policy? [y/n]"))? {
            self.line(&format!("The command to delete policy '{line}' was cancelled."));
            return Ok(());
        }
        self.update_project(&project).await
    }

    async fn add_group(&mut self, args: &GroupArgs) -> Result<(), Failure> {
        let (group, role) = (&args.group, &args.role.role);
        let mut project = self.project(&args.role.project).await?;
        let at = index(&project, &args.role)?;
        let groups = of_role(&mut project, at, "groups");
        if groups.iter().any(|known| *known == group.as_str()) {
            self.line(&format!("Group '{group}' already present in role '{role}'"));
            return Ok(());
        }
        groups.push(json!(group));
        self.update_project(&project).await?;
        self.line(&format!("Group '{group}' added to role '{role}'"));
        Ok(())
    }

    async fn remove_group(&mut self, args: &GroupArgs) -> Result<(), Failure> {
        let (group, role) = (&args.group, &args.role.role);
        let mut project = self.project(&args.role.project).await?;
        let at = index(&project, &args.role)?;
        let groups = of_role(&mut project, at, "groups");
        let Some(place) = groups.iter().position(|known| *known == group.as_str()) else {
            self.line(&format!("Group '{group}' not present in role '{role}'"));
            return Ok(());
        };
        groups.remove(place);
        if !self
            .agreed(&format!("Are you sure you want to remove '{group}' group from role '{role}'? [y/n]"))?
        {
            self.line(&format!("The command to remove group '{group}' from role '{role}' was cancelled."));
            return Ok(());
        }
        self.update_project(&project).await?;
        self.line(&format!("Group '{group}' removed from role '{role}'"));
        Ok(())
    }

    async fn create_role_token(&mut self, args: CreateTokenArgs) -> Result<(), Failure> {
        let RoleArgs { project, role } = args.role;
        let lives = lives(&args.expires_in)?;
        let request = json!({"project": project, "role": role, "expiresIn": lives, "id": args.id});
        let what = format!("cannot make a token of the role {role} of the project {project}");
        let answer = self.ask(&what, "project.ProjectService/CreateToken", &request).await?;
        let made = text(&answer["token"]);
        let claims = token::claims(made)?;
        if args.token_only {
            self.line(made);
            return Ok(());
        }
        let time = |claim: &str| never(claims[claim].as_i64().unwrap_or_default());
        for line in [
            format!("Create token succeeded for {}.", text(&claims["sub"])),
            format!("  ID: {}", text(&claims["jti"])),
            format!("  Issued At: {}", time("iat")),
            format!("  Expires At: {}", time("exp")),
            format!("  Token: {made}"),
        ] {
            self.line(&line);
        }
        Ok(())
    }

    async fn list_role_tokens(&mut self, args: &ListTokensArgs) -> Result<(), Failure> {
        let RoleArgs { project: name, role } = &args.role;
        let project = self.project(name).await?;
        let tokens = list(&project["spec"]["roles"][index(&project, &args.role)?]["jwtTokens"]);
        if tokens.is_empty() {
            self.line(&format!("No tokens for {name}.{role}"));
            return Ok(());
        }
        let time = |at: &Value| match at.as_i64().unwrap_or_default() {
            at if args.unixtime => at.to_string(),
            at => never(at),
        };
        let mut table = Table::with_gap(4, &["ID", "ISSUED AT", "EXPIRES AT"]);
        for token in tokens {
            table.row(vec![
                text(&token["id"]).into(),
                time(&token["iat"]).into(),
                time(&token["exp"]).into(),
            ]);
        }
        let text = table.render(self.console.look);
        self.console.print(&text);
        Ok(())
    }
}

fn never(at: i64) -> String {
    if at > 0 { local_time(at) } else { "Never".to_owned() }
}

/// The place of a role in its project.
fn index(project: &Value, args: &RoleArgs) -> Result<usize, Failure> {
    let at = list(&project["spec"]["roles"]).iter().position(|role| text(&role["name"]) == args.role);
    at.ok_or_else(|| {
        let said = format!("role '{}' does not exist in project '{}'", args.role, args.project);
        let next = format!("see which there are: capstan proj role list {}", args.project);
        Failure::new(Kind::NotFound, said.clone()).next(next).peer(said, 20)
    })
}

/// A list of a role, to be changed.
fn of_role<'a>(project: &'a mut Value, at: usize, field: &str) -> &'a mut Vec<Value> {
    let list = &mut project["spec"]["roles"][at][field];
    if !list.is_array() {
        *list = json!([]);
    }
    match list {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list"),
    }
}

fn policy(args: &PolicyArgs) -> String {
    let (RoleArgs { project, role }, PolicyArgs { resource, action, object, permission, .. }) =
        (&args.role, args);
    format!("p, proj:{project}:{role}, {resource}, {action}, {project}/{object}, {permission}")
}

/// The lines of all roles' policies, as the peer writes them: what every role may, its own lines, its groups.
fn policies(project: &Value) -> Vec<String> {
    let name = text(&project["metadata"]["name"]);
    let mut lines = Vec::new();
    for role in list(&project["spec"]["roles"]) {
        let subject = format!("proj:{name}:{}", text(&role["name"]));
        lines.push(format!("p, {subject}, projects, get, {name}, allow"));
        lines.extend(list(&role["policies"]).iter().map(|policy| text(policy).to_owned()));
        lines.extend(list(&role["groups"]).iter().map(|group| format!("g, {}, {subject}", text(group))));
    }
    if lines.is_empty() { vec![String::new()] } else { lines }
}

/// How long ago, in the peer's words.
///
/// **Source**: `go-humanize`'s `RelTime` with its table of magnitudes.
fn relative(at: i64, now: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const WEEK: i64 = 7 * DAY;
    const MONTH: i64 = 30 * DAY;
    const YEAR: i64 = 12 * MONTH;
    let label = if at > now { "from now" } else { "ago" };
    let seconds = (now - at).abs();
    let (count, unit) = match seconds {
        0 => return "now".to_owned(),
        1 => (1, "second"),
        2..MINUTE => (seconds, "seconds"),
        MINUTE..120 => (1, "minute"),
        120..HOUR => (seconds / MINUTE, "minutes"),
        HOUR..7200 => (1, "hour"),
        7200..DAY => (seconds / HOUR, "hours"),
        s if s < 2 * DAY => (1, "day"),
        s if s < WEEK => (s / DAY, "days"),
        s if s < 2 * WEEK => (1, "week"),
        s if s < MONTH => (s / WEEK, "weeks"),
        s if s < 2 * MONTH => (1, "month"),
        s if s < YEAR => (s / MONTH, "months"),
        s if s < 18 * MONTH => (1, "year"),
        s if s < 2 * YEAR => (2, "years"),
        s => (s / YEAR, "years"),
    };
    format!("{count} {unit} {label}")
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn times_are_told_as_the_peer_tells_them() {
        for (ago, expected) in [
            (0, "now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (61, "1 minute ago"),
            (3600, "1 hour ago"),
            (90_000, "1 day ago"),
            (3 * 86_400, "3 days ago"),
            (20 * 86_400, "2 weeks ago"),
            (-3700, "1 hour from now"),
            (400 * 86_400, "1 year ago"),
        ] {
            assert_eq!(relative(1_000_000_000 - ago, 1_000_000_000), expected);
        }
    }
}
