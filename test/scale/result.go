package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/procfs"

	"usermanagement.dev/stack/lab/controlplane"
)

// Result is all that was measured with one number of stacks. Times are seconds, memory is bytes.
type Result struct {
	Stacks    int       `json:"stacks"`
	Resources int       `json:"resourcesPerStack"`
	Taken     time.Time `json:"taken"`
	Cores     int       `json:"cores"`
	// LoadBefore is the machine's load average of a minute before the run: what others were doing.
	LoadBefore float64 `json:"loadBefore"`

	ReadyMedian float64  `json:"readyMedian"`
	ReadyLast   float64  `json:"readyLast"`
	CPU         CPU      `json:"cpu"`
	PeakRSS     uint64   `json:"operatorPeakRSS"`
	RSSReady    uint64   `json:"operatorRSSWhenReady"`
	Create      Requests `json:"create"`
	Passes      int      `json:"passes"`
	// Simulated are the requests of the imitation of ACK in the same time.
	Simulated Requests `json:"simulated"`

	RestSeconds float64  `json:"restSeconds"`
	RestCPU     CPU      `json:"restCPU"`
	Rest        Requests `json:"rest"`

	HealDeleted Healing `json:"healDeleted"`
	HealEdited  Healing `json:"healEdited"`

	GoneOne    float64  `json:"goneOne"`
	DeleteOne  Requests `json:"deleteOne"`
	GoneRest   float64  `json:"goneRest"`
	DeleteRest Requests `json:"deleteRest"`

	// Floor is what no operator could go below; nil if it was not measured.
	Floor *Floor `json:"floor,omitempty"`
}

// Healing is how a harmed object was put right.
type Healing struct {
	Seconds  float64  `json:"seconds"`
	Requests Requests `json:"requests"`
}

// Requests are the operator's requests in one phase, as the API server's audit log has them.
type Requests struct {
	Writes    int            `json:"writes"`
	LiveReads int            `json:"liveReads"`
	Verbs     map[string]int `json:"verbs"`
	// Events are those of the writes that create or patch Events: the operator's words to people.
	Events int `json:"events"`
	// Detail counts by verb and resource.
	Detail map[string]int `json:"detail"`
}

func newResult(n int) Result {
	r := Result{Stacks: n, Taken: time.Now(), Cores: runtime.NumCPU()}
	if proc, err := procfs.NewDefaultFS(); err == nil {
		if load, err := proc.LoadAvg(); err == nil {
			r.LoadBefore = load.Load1
		}
	}
	return r
}

func summarize(counts controlplane.RequestCounts) Requests {
	r := Requests{
		Writes: counts.Writes(), LiveReads: counts.LiveReads(),
		Verbs: map[string]int{}, Detail: map[string]int{},
	}
	for key, n := range counts {
		r.Verbs[key.Verb] += n
		resource := key.Resource
		if key.Subresource != "" {
			resource += "/" + key.Subresource
		}
		r.Detail[key.Verb+" "+resource+key.Path] += n
		if key.IsWrite() && key.Resource == "events" {
			r.Events += n
		}
	}
	return r
}

// fastest is, for each number of stacks, the run in which the last was Ready first: the one that others on the machine
// disturbed least.
func fastest(all []Result) []Result {
	best := map[int]Result{}
	for _, r := range all {
		known, ok := best[r.Stacks]
		if !ok || r.ReadyLast < known.ReadyLast {
			best[r.Stacks] = r
		}
	}
	return slices.SortedFunc(maps.Values(best), func(a, b Result) int { return a.Stacks - b.Stacks })
}

// writeRaw keeps all figures of one run in a file of its own.
func writeRaw(folder string, r Result) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("make the folder of figures: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	file := filepath.Join(folder, fmt.Sprintf("scale-%d-%s.json", r.Stacks, r.Taken.UTC().Format("20060102-150405")))
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// readRaw reads what writeRaw wrote.
func readRaw(files []string) ([]Result, error) {
	var all []Result
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read figures: %w", err)
		}
		var r Result
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read figures from %s: %w", file, err)
		}
		all = append(all, r)
	}
	return all, nil
}
