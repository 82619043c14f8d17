package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

const fromSource = "# Written by `make generate` from values.source.yaml; change that file.\n"

// commentWidth is how far the comments of values.yaml go, in characters.
const commentWidth = 110

// defaults is values.yaml: every value with its description above it.
func (v values) defaults() []byte {
	out := &bytes.Buffer{}
	out.WriteString(fromSource)
	writeDefaults(out, v.root, "")
	return out.Bytes()
}

func writeDefaults(out *bytes.Buffer, object *yaml.Node, indent string) {
	for name, property := range entries(member(object, "properties")) {
		if indent == "" {
			out.WriteByte('\n')
		}
		for _, line := range wrap(text(property, "description"), commentWidth-len(indent)) {
			fmt.Fprintf(out, "%s# %s\n", indent, line)
		}
		if member(property, "properties") != nil {
			fmt.Fprintf(out, "%s%s:\n", indent, name)
			writeDefaults(out, property, indent+"  ")
			continue
		}
		fmt.Fprintf(out, "%s%s: %s\n", indent, name, inline(member(property, "default")))
	}
}

// inline is a default as it stands on one line of YAML.
func inline(node *yaml.Node) string {
	flow := *node
	if flow.Kind == yaml.ScalarNode && flow.Tag == "!!str" && flow.Value == "" {
		return `""`
	}
	flow.Style |= yaml.FlowStyle
	encoded, err := yaml.Marshal(&flow)
	if err != nil {
		panic("chart: a node that was read cannot be written: " + err.Error())
	}
	return strings.TrimSpace(string(encoded))
}

// table is the README's table of values.
func (v values) table() []byte {
	out := &bytes.Buffer{}
	out.WriteString("| Value | Default | Meaning |\n| --- | --- | --- |\n")
	writeRows(out, v.root, "")
	return out.Bytes()
}

func writeRows(out *bytes.Buffer, object *yaml.Node, path string) {
	for name, property := range entries(member(object, "properties")) {
		if member(property, "properties") != nil {
			writeRows(out, property, path+name+".")
			continue
		}
		meaning := strings.ReplaceAll(text(property, "description"), "|", `\|`)
		fmt.Fprintf(out, "| `%s%s` | `%s` | %s |\n", path, name, inline(member(property, "default")), meaning)
	}
}

// The marks between which the README's table of values stands.
const (
	tableBegin = "<!-- values: written by make generate -->\n"
	tableEnd   = "<!-- end of values -->"
)

func fillTable(path string, table []byte) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(page, []byte(tableBegin))
	_, after, ended := bytes.Cut(rest, []byte(tableEnd))
	if !found || !ended {
		return fmt.Errorf("%s: the marks of the table of values are missing: %q and %q", path, tableBegin, tableEnd)
	}
	return write(path, bytes.Join([][]byte{before, []byte(tableBegin), table, []byte(tableEnd), after}, nil))
}
