package present

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"usermanagement.dev/stack/internal/ack"
)

// Style says how text is marked up.
type Style struct {
	// Color uses ANSI escapes.
	Color bool
	// Columns is the width that lines are cut to; 0 for any.
	Columns int
}

const (
	green  = "32"
	yellow = "33"
	red    = "31"
	dim    = "2"
	bold   = "1"
)

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Strong is text that stands out, where there are colors.
func (s Style) Strong(text string) string { return s.paint(bold, text) }

// Faint is text that stands back, where there are colors.
func (s Style) Faint(text string) string { return s.paint(dim, text) }

// mark is a state in one sign, with a color where there is one.
func (s Style) mark(a ack.Assessment) string {
	switch {
	case a.Verdict == ack.Ready:
		return s.sign(Done)
	case a.Problem():
		return s.sign(Failed)
	default:
		return s.sign(UnderWay)
	}
}

// State is how far a step is.
type State int

// The states of a step.
const (
	UnderWay State = iota
	Done
	Failed
)

func (s Style) sign(state State) string {
	switch state {
	case Done:
		return s.paint(green, "✓")
	case Failed:
		return s.paint(red, "✗")
	default:
		return s.paint(yellow, "…")
	}
}

// stepColumns is where the time that a step took stands.
const stepColumns = 90

// Step is one line that says what is done and, at its right, how long it took.
func (s Style) Step(state State, what, took string) string {
	end := stepColumns
	if s.Columns > 0 {
		end = min(end, s.Columns-1)
	}
	room := max(end-columns("  ✓ ")-columns("  ")-columns(took), 1)
	what = cut(what, room)
	line := "  " + s.sign(state) + " " + what
	if took != "" {
		line += strings.Repeat(" ", room-columns(what)) + "  " + s.Faint(took)
	}
	return line + "\n"
}

// Note is one line below a step.
func (s Style) Note(what string) string {
	if s.Columns > 0 {
		what = cut(what, s.Columns-columns("    ")-1)
	}
	return "    " + s.Faint(what) + "\n"
}

// cut shortens text without markup to so many columns, and shows that it did.
func cut(text string, most int) string {
	if most <= 0 || columns(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// columns is how wide text without markup is.
func columns(text string) int { return utf8.RuneCountInString(text) }

// remaining is the width that is left of the style's columns; 0 for any.
func (s Style) remaining(used int) int {
	if s.Columns == 0 {
		return 0
	}
	return max(s.Columns-used-1, 1)
}

func pad(text string, width int) string {
	return fmt.Sprintf("%-*s", width, text)
}

// Narrower is the style for text that is indented by so many columns.
func (s Style) Narrower(by int) Style {
	if s.Columns > 0 {
		s.Columns = max(s.Columns-by, 1)
	}
	return s
}
