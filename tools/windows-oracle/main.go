// Records what Argo CD's own types answer about sync windows: which are active, and whether a sync may run.
//
// Reads lines {"name", "windows", "app", "at"} and writes one line a moment, with "auto", "manual", "active" (indices of
// the windows that are assigned and active), "assigned" and "error" added. The types ask the clock, so this runs in time
// that is made up (Go's own build tag): it sleeps from moment to moment. No moment may lie before 2009-11-11.
//
//	go build -tags faketime . && ./windows-oracle cases.in ../../crates/core/api/tests/cases/windows.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"
	"time"
	_ "time/tzdata"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/sirupsen/logrus"
)

type app struct {
	Name      string `json:"name"`
	Server    string `json:"server,omitempty"`
	Cluster   string `json:"cluster,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

type story struct {
	Name    string               `json:"name"`
	Windows v1alpha1.SyncWindows `json:"windows"`
	App     app                  `json:"app"`
	At      []time.Time          `json:"at"`
}

type verdict struct {
	Name     string               `json:"name"`
	Windows  v1alpha1.SyncWindows `json:"windows"`
	App      app                  `json:"app"`
	At       time.Time            `json:"at"`
	Assigned []int                `json:"assigned"`
	Active   []int                `json:"active"`
	Auto     bool                 `json:"auto"`
	Manual   bool                 `json:"manual"`
	Error    string               `json:"error,omitempty"`
}

// places tells where the windows of a part stand in the whole.
func places(whole v1alpha1.SyncWindows, part *v1alpha1.SyncWindows) []int {
	found := []int{}
	if part == nil {
		return found
	}
	for _, one := range *part {
		for place, other := range whole {
			if one == other {
				found = append(found, place)
			}
		}
	}
	return found
}

func judge(s story, at time.Time) verdict {
	a := &v1alpha1.Application{}
	a.Name = s.App.Name
	a.Spec.Destination = v1alpha1.ApplicationDestination{Server: s.App.Server, Name: s.App.Cluster, Namespace: s.App.Namespace}
	assigned := s.Windows.Matches(a)
	v := verdict{Name: s.Name, Windows: s.Windows, App: s.App, At: at, Assigned: places(s.Windows, assigned), Active: []int{}}
	var err error
	if v.Auto, err = assigned.CanSync(false); err != nil {
		v.Error = err.Error()
	}
	v.Manual, _ = assigned.CanSync(true)
	if active, err := assigned.Active(); err == nil {
		v.Active = places(s.Windows, active)
	}
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	logrus.SetLevel(logrus.PanicLevel)
	in, err := os.Open(os.Args[1])
	check(err)
	type moment struct {
		story story
		at    time.Time
		place int
	}
	var moments []moment
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s story
		check(json.Unmarshal(lines.Bytes(), &s))
		for _, at := range s.At {
			moments = append(moments, moment{s, at, len(moments)})
		}
	}
	check(lines.Err())
	sort.SliceStable(moments, func(i, j int) bool { return moments[i].at.Before(moments[j].at) })
	verdicts := make([]verdict, len(moments))
	for _, m := range moments {
		time.Sleep(time.Until(m.at))
		verdicts[m.place] = judge(m.story, m.at)
	}
	out, err := os.Create(os.Args[2])
	check(err)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, v := range verdicts {
		check(encoder.Encode(v))
	}
	check(out.Close())
}
