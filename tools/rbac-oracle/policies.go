package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	applister "github.com/argoproj/argo-cd/v3/pkg/client/listers/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/server/rbacpolicy"
	"github.com/argoproj/argo-cd/v3/util/assets"
	"github.com/argoproj/argo-cd/v3/util/rbac"
	"github.com/golang-jwt/jwt/v5"
	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

const namespace = "argocd"

type policyCase struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
	// What argocd-rbac-cm holds.
	Data     map[string]string `json:"data"`
	Scopes   []string          `json:"scopes,omitempty"`
	Projects []project         `json:"projects,omitempty"`
	Requests []request         `json:"requests"`
	// A letter a request: y or n; or why the peer does not take the policy.
	Verdicts string `json:"verdicts,omitempty"`
	Error    string `json:"error,omitempty"`
	// Letters where Capstan means to differ; note says why.
	Ours string `json:"ours,omitempty"`
}

type project struct {
	Name  string `json:"name"`
	Roles []role `json:"roles"`
}

type role struct {
	Name     string   `json:"name"`
	Policies []string `json:"policies,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

type request struct {
	Sub    string         `json:"sub"`
	Groups []string       `json:"groups,omitempty"`
	Claims map[string]any `json:"claims,omitempty"`
	Res    string         `json:"res"`
	Act    string         `json:"act"`
	Obj    string         `json:"obj"`
}

func answerPolicy(c *policyCase) error {
	logrus.SetLevel(logrus.PanicLevel)
	c.Verdicts, c.Error = "", ""
	enforcer, err := enforcer(c)
	if err != nil {
		c.Error = err.Error()
		return nil
	}
	var verdicts strings.Builder
	for _, r := range c.Requests {
		if enforcer.Enforce(r.claims(), r.Res, r.Act, r.Obj) {
			verdicts.WriteByte('y')
		} else {
			verdicts.WriteByte('n')
		}
	}
	c.Verdicts = verdicts.String()
	return nil
}

func enforcer(c *policyCase) (*rbac.Enforcer, error) {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, p := range c.Projects {
		if err := indexer.Add(p.object()); err != nil {
			return nil, err
		}
	}
	e := rbac.NewEnforcer(nil, namespace, "argocd-rbac-cm", nil)
	claims := rbacpolicy.NewRBACPolicyEnforcer(e, applister.NewAppProjectLister(indexer).AppProjects(namespace))
	claims.SetScopes(c.Scopes)
	e.SetClaimsEnforcerFunc(claims.EnforceClaims)
	e.SetDefaultRole(c.Data["policy.default"])
	e.SetMatchMode(c.Data["policy.matchMode"])
	if err := e.SetBuiltinPolicy(assets.BuiltinPolicyCSV); err != nil {
		return nil, err
	}
	return e, e.SetUserPolicy(rbac.PolicyCSV(c.Data))
}

func (p project) object() *v1alpha1.AppProject {
	object := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: namespace}}
	for _, r := range p.Roles {
		object.Spec.Roles = append(object.Spec.Roles, v1alpha1.ProjectRole{Name: r.Name, Policies: r.Policies, Groups: r.Groups})
	}
	return object
}

func (r request) claims() jwt.Claims {
	claims := jwt.MapClaims{}
	for name, value := range r.Claims {
		claims[name] = value
	}
	if r.Sub != "" {
		claims["sub"] = r.Sub
	}
	if len(r.Groups) > 0 {
		claims["groups"] = r.Groups
	}
	return claims
}

// bench says how many decisions casbin makes in a second of processor time; every request is another one, so that its cache does not answer.
func bench(lines int) error {
	logrus.SetLevel(logrus.PanicLevel)
	c := policyCase{Data: map[string]string{"policy.csv": benchPolicy(lines)}}
	e, err := enforcer(&c)
	if err != nil {
		return err
	}
	start, decisions, allowed := processorTime(), 0, 0
	for processorTime()-start < 2*time.Second {
		user, app := decisions%(lines/2), decisions
		claims := jwt.MapClaims{"sub": fmt.Sprintf("user-%d@example.com", user)}
		if e.Enforce(claims, "applications", "sync", fmt.Sprintf("team-%d/app-%d", user%(lines/2), app)) {
			allowed++
		}
		decisions++
	}
	seconds := (processorTime() - start).Seconds()
	fmt.Fprintf(os.Stdout, "{\"lines\":%d,\"decisions\":%d,\"allowed\":%d,\"per_second\":%.0f}\n", lines, decisions, allowed, float64(decisions)/seconds)
	return nil
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// benchPolicy has a role and a user for every two lines.
func benchPolicy(lines int) string {
	var csv strings.Builder
	for i := range lines / 2 {
		fmt.Fprintf(&csv, "p, role:team-%d, applications, *, team-%d/*, allow\n", i, i)
		fmt.Fprintf(&csv, "g, user-%d@example.com, role:team-%d\n", i, i)
	}
	return csv.String()
}
