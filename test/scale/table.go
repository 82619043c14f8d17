package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// row is one line of the table: what it is, its figure for a run, and what to compare it with.
type row struct {
	name      string
	figure    func(Result) string
	budget    string
	reference string
}

// overhead is what a new stack may cost in writes beyond one per resource.
const overhead = 15

// rows has the budgets of this project, and as a reference what kro v0.9.4 took on the same control plane for a graph of
// 36 resources.
var rows = []row{
	{name: "time until Ready, median (s)", figure: func(r Result) string { return seconds(r.ReadyMedian) }},
	{
		name: "time until Ready, last (s)", budget: "1: ≤ 1; 200: ≤ 50", reference: "1: 5.0; 200: 526",
		figure: func(r Result) string { return seconds(r.ReadyLast) },
	},
	{name: "CPU until Ready: operator (s)", figure: func(r Result) string { return seconds(r.CPU.Operator) }},
	{name: "… API server (s)", figure: func(r Result) string { return seconds(r.CPU.APIServer) }},
	{name: "… etcd (s)", figure: func(r Result) string { return seconds(r.CPU.Etcd) }},
	{name: "… ACK's imitation, AWS's model, this benchmark (s)", figure: func(r Result) string { return seconds(r.CPU.Lab) }},
	{
		name: "… all of them, for each stack (s)", budget: "200: ≤ 0.5",
		figure: func(r Result) string { return seconds(r.CPU.Total() / float64(r.Stacks)) },
	},
	{name: "floor: the API server alone with the least writes (s)", figure: floorSeconds},
	{name: "… CPU of API server and etcd for it, for each stack (s)", figure: floorCPU},
	{name: "passes per stack", figure: func(r Result) string { return each(r.Passes, r.Stacks) }},
	{
		name: "operator's memory, peak (MiB)", budget: "1,000: ≤ 400",
		figure: func(r Result) string { return mebibytes(r.PeakRSS) },
	},
	{
		name: "writes per stack", budget: "≤ n + 15", reference: "308–345 for n = 36",
		figure: func(r Result) string { return each(r.Create.Writes, r.Stacks) },
	},
	{
		name:   "… budget for its n resources",
		figure: func(r Result) string { return fmt.Sprintf("%d + %d = %d", r.Resources, overhead, r.Resources+overhead) },
	},
	{name: "… by verb, per stack", figure: func(r Result) string { return verbs(r.Create, r.Stacks) }},
	{name: "… of these, Events", figure: func(r Result) string { return each(r.Create.Events, r.Stacks) }},
	{
		name:   "… beside them, writes of ACK's imitation",
		figure: func(r Result) string { return each(r.Simulated.Writes, r.Stacks) },
	},
	{name: "live reads per stack", figure: func(r Result) string { return each(r.Create.LiveReads, r.Stacks) }},
	{
		name: "at rest: writes, live reads", budget: "0, 0", reference: "0, 0",
		figure: func(r Result) string { return fmt.Sprintf("%s in %.0f s", pair(r.Rest), r.RestSeconds) },
	},
	{name: "at rest: operator's CPU (s)", figure: func(r Result) string { return fmt.Sprintf("%.2f", r.RestCPU.Operator) }},
	{
		name: "a deleted listener is back (s)", budget: "≤ 1",
		figure: func(r Result) string { return seconds(r.HealDeleted.Seconds) },
	},
	{
		name: "… writes, live reads for it", reference: "286 requests",
		figure: func(r Result) string { return pair(r.HealDeleted.Requests) },
	},
	{
		name: "an edited security group is back (s)", budget: "≤ 1",
		figure: func(r Result) string { return seconds(r.HealEdited.Seconds) },
	},
	{
		name: "… writes, live reads for it", reference: "286 requests",
		figure: func(r Result) string { return pair(r.HealEdited.Requests) },
	},
	{
		name: "one of them gone (s)", budget: "≤ 2", reference: "26",
		figure: func(r Result) string { return seconds(r.GoneOne) },
	},
	{name: "… writes, live reads for it", figure: func(r Result) string { return pair(r.DeleteOne) }},
	{name: "all others gone (s)", figure: others},
}

func others(r Result) string {
	if r.Stacks == 1 {
		return "–"
	}
	return seconds(r.GoneRest)
}

func floorSeconds(r Result) string {
	if r.Floor == nil {
		return "–"
	}
	return seconds(r.Floor.Seconds)
}

func floorCPU(r Result) string {
	if r.Floor == nil {
		return "–"
	}
	return seconds((r.Floor.CPU.APIServer + r.Floor.CPU.Etcd) / float64(r.Stacks))
}

func seconds(s float64) string {
	if s < 10 {
		return fmt.Sprintf("%.2f", s)
	}
	return fmt.Sprintf("%.1f", s)
}

func mebibytes(bytes uint64) string { return strconv.FormatUint(bytes>>20, 10) }

func each(total, n int) string {
	if total%n == 0 {
		return strconv.Itoa(total / n)
	}
	return fmt.Sprintf("%.1f", float64(total)/float64(n))
}

func pair(r Requests) string { return fmt.Sprintf("%d, %d", r.Writes, r.LiveReads) }

// verbs are the verbs of a phase, per stack, without watches, which are made once and not per stack.
func verbs(r Requests, n int) string {
	var words []string
	for verb, count := range r.Verbs {
		if verb != "watch" {
			words = append(words, each(count, n)+" "+verb)
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// table is all figures in Markdown, a column for each run.
func table(results []Result) string {
	var out strings.Builder
	out.WriteString("| ")
	for _, r := range results {
		fmt.Fprintf(&out, "| %d ", r.Stacks)
	}
	out.WriteString("| budget | kro |\n|---")
	out.WriteString(strings.Repeat("|--:", len(results)))
	out.WriteString("|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&out, "| %s ", row.name)
		for _, r := range results {
			fmt.Fprintf(&out, "| %s ", row.figure(r))
		}
		fmt.Fprintf(&out, "| %s | %s |\n", row.budget, row.reference)
	}
	return out.String()
}

// The generated section of the document stands between these lines.
const (
	sectionBegin = "<!-- bench-scale: begin, written by make bench-scale -->"
	sectionEnd   = "<!-- bench-scale: end -->"
)

// section is the table with what one must know to read it.
func section(results []Result) string {
	first := results[0]
	loads := make([]string, 0, len(results))
	for _, r := range results {
		loads = append(loads, fmt.Sprintf("%.1f", r.LoadBefore))
	}
	return fmt.Sprintf("Taken on %s on %d cores, the fastest run of each number. The machine's load before each was %s.\n\n%s",
		first.Taken.UTC().Format(time.DateOnly), first.Cores, strings.Join(loads, ", "), table(results))
}

// writeDocument puts the section between its markers and leaves the rest of the document alone.
func writeDocument(file, section string) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	before, rest, began := strings.Cut(string(text), sectionBegin)
	_, after, ended := strings.Cut(rest, sectionEnd)
	if !began || !ended {
		return fmt.Errorf("%s has no lines %q and %q, between which the figures go", file, sectionBegin, sectionEnd)
	}
	whole := before + sectionBegin + "\n" + section + sectionEnd + after
	return os.WriteFile(file, []byte(whole), 0o644) //nolint:gosec // a document is for everybody
}
