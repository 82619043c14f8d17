package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// values are a chart's values as values.source.yaml describes them: a JSON schema, written in YAML. It is kept as a tree
// of nodes, because the order in which values are described is meant for readers.
type values struct {
	root *yaml.Node
}

func readValues(path string) (values, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return values{}, err
	}
	document := &yaml.Node{}
	if err := yaml.Unmarshal(text, document); err != nil {
		return values{}, fmt.Errorf("read %s: %w", path, err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return values{}, fmt.Errorf("read %s: it must hold one mapping", path)
	}
	v := values{root: document.Content[0]}
	if err := describedWhole(v.root, ""); err != nil {
		return values{}, fmt.Errorf("read %s: %w", path, err)
	}
	return v, nil
}

// describedWhole makes sure that every value has a description and, unless it is made of others, a default.
func describedWhole(object *yaml.Node, path string) error {
	for name, property := range entries(member(object, "properties")) {
		at := path + name
		if member(property, "description") == nil {
			return fmt.Errorf("%s has no description", at)
		}
		if member(property, "properties") == nil && member(property, "default") == nil {
			return fmt.Errorf("%s has neither a default nor properties", at)
		}
		if err := describedWhole(property, at+"."); err != nil {
			return err
		}
	}
	return nil
}

// schema is the JSON schema that Helm checks values against. Every object that lists its properties is closed.
func (v values) schema() ([]byte, error) {
	compact := &bytes.Buffer{}
	if err := encode(compact, v.root); err != nil {
		return nil, err
	}
	pretty := &bytes.Buffer{}
	if err := json.Indent(pretty, compact.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	pretty.WriteByte('\n')
	return pretty.Bytes(), nil
}

// encode writes a node as JSON and keeps the order of its members.
func encode(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Kind {
	case yaml.MappingNode:
		return encodeMapping(out, node)
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range node.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := encode(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		return nil
	default:
		var value any
		if err := node.Decode(&value); err != nil {
			return err
		}
		return encodeValue(out, value)
	}
}

func encodeMapping(out *bytes.Buffer, node *yaml.Node) error {
	out.WriteByte('{')
	first := true
	for name, value := range entries(node) {
		if !first {
			out.WriteByte(',')
		}
		first = false
		if err := encodeValue(out, name); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := encode(out, value); err != nil {
			return err
		}
	}
	if listed := member(node, "properties"); listed != nil && listed.Kind == yaml.MappingNode {
		out.WriteString(`,"additionalProperties":false`)
	}
	out.WriteByte('}')
	return nil
}

func encodeValue(out *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
