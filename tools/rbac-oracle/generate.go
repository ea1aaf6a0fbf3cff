package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
)

// generate writes policies without verdicts. Words are few, so that rules overlap. With regular expressions nobody has a built-in
// role: the peer's built-in lines are globs, and deny everything then.
func generate(seed int64, cases int, out *json.Encoder) error {
	out.SetEscapeHTML(false)
	dice := rand.New(rand.NewSource(seed))
	for i := range cases {
		c := policyCase{Name: fmt.Sprintf("seed %d, case %d", seed, i), Data: map[string]string{}}
		regex := i%4 == 3
		c.Data["policy.csv"] = lines(dice, 8+dice.Intn(24), regex)
		if regex {
			c.Data["policy.matchMode"] = "regex"
		}
		if i%3 == 0 {
			c.Data["policy.overlay.csv"] = lines(dice, 3, regex)
		}
		if i%2 == 0 {
			c.Data["policy.default"] = pick(dice, "role:a", "role:b", "role:none", "role:deny", "")
			if !regex && dice.Intn(3) == 0 {
				c.Data["policy.default"] = "role:readonly"
			}
		}
		if i%5 == 1 {
			c.Scopes = []string{"groups", "email"}
		}
		if !regex {
			for _, name := range []string{"demo", "prod"} {
				if dice.Intn(3) > 0 {
					c.Projects = append(c.Projects, projectWith(dice, name))
				}
			}
		}
		for range 40 {
			c.Requests = append(c.Requests, requestOf(dice, regex))
		}
		if err := out.Encode(c); err != nil {
			return err
		}
	}
	return nil
}

func pick(dice *rand.Rand, words ...string) string {
	return words[dice.Intn(len(words))]
}

var (
	users     = []string{"admin", "alice", "bob", "carol@example.com"}
	groups    = []string{"org:devs", "org:ops", "plain", "CN=a,OU=b"}
	roles     = []string{"role:a", "role:b", "role:c", "role:deny", "role:readonly", "role:admin"}
	resources = []string{"applications", "applicationsets", "clusters", "projects", "repositories", "write-repositories", "accounts", "logs", "exec", "certificates", "gpgkeys", "extensions"}
	actions   = []string{"get", "create", "update", "delete", "sync", "override", "invoke", "action/apps/Deployment/restart", "action//Pod/kill", "update/apps/Deployment/default/web", "delete//Pod/default/web-1", "delete/apps/Deployment/default/web"}
	objects   = []string{"demo/guestbook", "demo/web", "demo/team/web", "prod/web", "prod/guestbook", "other/web", "*/*", "https://kubernetes.default.svc", "demo/https://git.example.com/a.git", "demo", "prod", "guestbook", "metrics"}
)

func lines(dice *rand.Rand, count int, regex bool) string {
	var csv strings.Builder
	for range count {
		switch dice.Intn(10) {
		case 0:
			csv.WriteString(pick(dice, "# a comment", "", "   "))
		case 1, 2, 3:
			fmt.Fprintf(&csv, "g, %s, %s", quoted(member(dice, regex)), roleName(dice, regex))
		default:
			effect := "allow"
			if dice.Intn(4) == 0 {
				effect = "deny"
			}
			fmt.Fprintf(&csv, "p, %s, %s, %s, %s, %s", quoted(subject(dice, regex)), resource(dice, regex), quoted(pattern(dice, actions, regex, "*", "*", "action/*", "{get,sync,create}", "update/*", "delete/*/Pod/*", "delete**")), quoted(object(dice, regex)), effect)
		}
		csv.WriteString("\n")
	}
	return csv.String()
}

func subject(dice *rand.Rand, regex bool) string {
	switch dice.Intn(5) {
	case 0:
		return pick(dice, people(regex)...)
	case 1:
		return pick(dice, groups...)
	case 2:
		return pick(dice, "proj:demo:deploy", "proj:prod:deploy")
	default:
		return roleName(dice, regex)
	}
}

func people(regex bool) []string {
	if regex {
		return users[1:]
	}
	return users
}

func roleName(dice *rand.Rand, regex bool) string {
	if regex {
		return pick(dice, roles[:4]...)
	}
	return pick(dice, roles...)
}

// member is mostly somebody; a role in a fourth of the cases.
func member(dice *rand.Rand, regex bool) string {
	switch dice.Intn(4) {
	case 0:
		return subject(dice, regex)
	case 1:
		return pick(dice, people(regex)...)
	default:
		return pick(dice, groups...)
	}
}

func quoted(name string) string {
	if strings.Contains(name, ",") {
		return `"` + name + `"`
	}
	return name
}

// resource is mostly what most requests are about.
func resource(dice *rand.Rand, regex bool) string {
	if dice.Intn(2) == 0 {
		return "applications"
	}
	return pattern(dice, resources, regex, "app*", "*", "*s")
}

func pattern(dice *rand.Rand, words []string, regex bool, globs ...string) string {
	if regex {
		return pick(dice, "^"+pick(dice, words...)+"$", pick(dice, words...), ".*", "^(get|sync)", "^app", "s$", "[a-f]+[^/]*$", `\w+/.*`)
	}
	if dice.Intn(3) > 0 {
		return pick(dice, globs...)
	}
	return pick(dice, words...)
}

func object(dice *rand.Rand, regex bool) string {
	if regex {
		return pick(dice, ".*", "^demo/.*", "^demo/[^/]+$", "web$", "demo", `^(demo|prod)/\w+$`, `/g.+k`, "^$")
	}
	return pick(dice, "*", "*/*", "demo/*", "demo/*/*", "prod/*", "demo/web", "{demo,prod}/web", "demo/w?b", "[dp]*/web", "[!d]*", "*web", "https://*", "demo", "**/web", "demo/**", `demo/\*`)
}

func projectWith(dice *rand.Rand, name string) project {
	p := project{Name: name}
	for _, r := range []string{"deploy", "view"} {
		one := role{Name: r}
		for range 1 + dice.Intn(3) {
			effect := "allow"
			if dice.Intn(4) == 0 {
				effect = "deny"
			}
			one.Policies = append(one.Policies, fmt.Sprintf("p, proj:%s:%s, %s, %s, %s/%s, %s", name, r,
				pick(dice, "applications", "applicationsets", "logs", "exec", "clusters", "repositories"),
				pick(dice, "get", "sync", "*", "action/*", "create", "delete/*"), name, pick(dice, "*", "web", "team/web", "w*"), effect))
		}
		if dice.Intn(2) == 0 {
			one.Groups = append(one.Groups, pick(dice, "org:devs", "org:ops", `"CN=a,OU=b"`, "carol@example.com"))
		}
		p.Roles = append(p.Roles, one)
	}
	return p
}

func requestOf(dice *rand.Rand, regex bool) request {
	r := request{Res: pick(dice, resources...), Act: pick(dice, actions...), Obj: pick(dice, objects...)}
	if dice.Intn(2) == 0 {
		r.Res = "applications"
	}
	switch dice.Intn(8) {
	case 0:
		r.Sub = pick(dice, "proj:demo:deploy", "proj:prod:deploy", "proj:demo:view")
	case 1:
	default:
		r.Sub = pick(dice, people(regex)...)
		for range dice.Intn(3) {
			if r.Sub == "admin" {
				break // an account of the installation, without groups
			}
			r.Groups = append(r.Groups, pick(dice, groups...))
		}
		if r.Sub != "admin" && dice.Intn(4) == 0 {
			r.Claims = map[string]any{"email": "carol@example.com"}
		}
	}
	return r
}
