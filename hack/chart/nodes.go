package main

import (
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entries are a mapping's members in the order of the file; none for nil.
func entries(mapping *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i].Value, mapping.Content[i+1]) {
				return
			}
		}
	}
}

// member is a mapping's member of that name, or nil.
func member(mapping *yaml.Node, name string) *yaml.Node {
	for key, value := range entries(mapping) {
		if key == name {
			return value
		}
	}
	return nil
}

// text is a scalar member's value.
func text(mapping *yaml.Node, name string) string {
	if node := member(mapping, name); node != nil {
		return node.Value
	}
	return ""
}

// wrap breaks a sentence into lines of at most width characters, but never a word.
func wrap(sentence string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(sentence) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
