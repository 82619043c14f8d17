package demo

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// clock goes on by a second at every look.
func clock() func() time.Time {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func TestConsoleInALog(t *testing.T) {
	var out strings.Builder
	console := NewConsole(&out, Terminal{Columns: 50}, clock())
	console.Begin("control plane")
	if _, err := fmt.Fprintf(console.Notes(), "building etcd\nhalf a li"); err != nil {
		t.Fatal(err)
	}
	console.Done("it %s", "runs")
	console.Draw("    1/3\n")
	console.Draw("    1/3\n")
	console.Draw("    2/3\n")
	want := strings.Join([]string{
		"  … control plane",
		"    building etcd",
		"  ✓ control plane: it runs                   1.0s",
		"    1/3",
		"    2/3",
		"",
	}, "\n")
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestConsoleInATerminal(t *testing.T) {
	var out strings.Builder
	console := NewConsole(&out, Terminal{Redraw: true, Columns: 50}, clock())
	console.Begin("operator")
	console.Failed()
	console.Failed()
	console.Draw("a\nb\n")
	console.Draw("c\nd\n")
	console.Say("done")
	console.Draw("e\n")
	up1, up2 := "\x1b[1A\x1b[J", "\x1b[2A\x1b[J"
	want := "  … operator\n" + up1 + "  ✗ operator                                 1.0s\n" + "a\nb\n" + up2 + "c\nd\n" + "done\n" + "e\n"
	if out.String() != want {
		t.Errorf("got:\n%q\nwant:\n%q", out.String(), want)
	}
}
