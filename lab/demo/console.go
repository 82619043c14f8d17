package demo

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"usermanagement.dev/stack/internal/present"
)

// Terminal is what a console writes to.
type Terminal struct {
	// Redraw says that lines can be drawn over: a terminal that is not too small.
	Redraw bool
	// Color says that ANSI colors are understood and wanted.
	Color bool
	// Columns is the width that lines are cut to.
	Columns int
}

// Console writes for a person at a terminal, or for a log when there is none. In a terminal what is under way is drawn
// over when it is done; elsewhere every line stays and none is written twice in a row.
type Console struct {
	mu       sync.Mutex
	out      io.Writer
	terminal Terminal
	style    present.Style
	now      func() time.Time
	drawn    int
	last     string
	step     string
	begun    time.Time
}

// NewConsole makes a console.
func NewConsole(out io.Writer, terminal Terminal, now func() time.Time) *Console {
	return &Console{
		out: out, terminal: terminal, now: now, style: present.Style{Color: terminal.Color, Columns: terminal.Columns},
	}
}

// Say writes a line, or several.
func (c *Console) Say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drawn = 0
	c.write(strings.TrimSuffix(fmt.Sprintf(format, args...), "\n") + "\n")
}

// Begin announces what is done next; Done or Failed end it.
func (c *Console) Begin(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step, c.begun = what, c.now()
	c.draw(c.style.Step(present.UnderWay, what, ""))
}

// Done says what came of what was begun, and how long it took.
func (c *Console) Done(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw(c.style.Step(present.Done, c.step+": "+fmt.Sprintf(format, args...), took(c.now().Sub(c.begun))))
	c.step, c.drawn, c.last = "", 0, ""
}

// Failed marks what was begun as failed, if anything is under way.
func (c *Console) Failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.step == "" {
		return
	}
	c.draw(c.style.Step(present.Failed, c.step, took(c.now().Sub(c.begun))))
	c.step, c.drawn = "", 0
}

// Draw shows a screen in the place of the one before.
func (c *Console) Draw(screen string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draw(screen)
}

func (c *Console) draw(screen string) {
	if screen == c.last {
		return
	}
	c.last = screen
	if c.terminal.Redraw && c.drawn > 0 {
		c.write(fmt.Sprintf("\x1b[%dA\x1b[J", c.drawn))
	}
	c.write(screen)
	c.drawn = strings.Count(screen, "\n")
}

// write passes over a broken output: the demo then ends by the signal that comes with it.
func (c *Console) write(text string) { _, _ = io.WriteString(c.out, text) }

// Notes takes the lines of others who tell how far they are; each is written below what is under way.
func (c *Console) Notes() io.Writer { return &notes{console: c} }

type notes struct {
	console *Console
	rest    []byte
}

// Write writes the lines that are complete.
func (n *notes) Write(p []byte) (int, error) {
	n.rest = append(n.rest, p...)
	for {
		line, rest, complete := bytes.Cut(n.rest, []byte("\n"))
		if !complete {
			return len(p), nil
		}
		n.rest = rest
		n.console.Say("%s", n.console.style.Note(string(line)))
	}
}

// took is a duration as people read it.
func took(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
