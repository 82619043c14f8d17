package web

import (
	"slices"
	"strconv"

	"usermanagement.dev/stack/app/users"
)

// Chart is the bars of the overview's chart, ready to be written.
type Chart struct {
	Bars                 []Bar
	Days                 []users.Day
	TotalOK, TotalFailed int
	// Most is what the highest bar stands for.
	Most  int
	width int
}

// Bar is a day's pair of bars, as attributes of an SVG.
type Bar struct {
	X, X2, Width, OKY, OKHeight, FailedY, FailedHeight string
}

const (
	chartHeight = 120
	barWidth    = 12
	dayWidth    = 36
)

// NewChart lays the days out.
func NewChart(days []users.Day) Chart {
	c := Chart{Days: days, width: dayWidth * len(days)}
	for _, d := range days {
		c.Most = max(c.Most, d.OK, d.Failed)
		c.TotalOK += d.OK
		c.TotalFailed += d.Failed
	}
	highest := max(1, c.Most)
	for i, d := range days {
		ok, failed := d.OK*chartHeight/highest, d.Failed*chartHeight/highest
		x := i*dayWidth + 4
		c.Bars = append(c.Bars, Bar{
			X: strconv.Itoa(x), X2: strconv.Itoa(x + barWidth + 2), Width: strconv.Itoa(barWidth),
			OKY: strconv.Itoa(chartHeight - ok), OKHeight: strconv.Itoa(ok),
			FailedY: strconv.Itoa(chartHeight - failed), FailedHeight: strconv.Itoa(failed),
		})
	}
	return c
}

// ViewBox is the SVG's.
func (c Chart) ViewBox() string {
	return "0 0 " + strconv.Itoa(c.width) + " " + strconv.Itoa(chartHeight+2)
}

// Marks are the days written below the chart: the first, the one in the middle and the last.
func (c Chart) Marks(lang string) []string {
	var marks []string
	if n := len(c.Days); n > 0 {
		for _, i := range []int{0, n / 2, n - 1} {
			marks = append(marks, Day(lang, &c.Days[i].Date))
		}
	}
	return marks
}

// Right is the chart's right edge, Bottom where the bars stand.
func (c Chart) Right() string { return strconv.Itoa(c.width) }

// Bottom see Right.
func (c Chart) Bottom() string { return strconv.Itoa(chartHeight + 1) }

const importExample = "username,email,display_name,role,status\nada,ada@example.org,Ada Lovelace,user,active"

// importRows are the rows that a report shows: those with errors first, then new administrators, and not more than a page can
// bear.
func importRows(r *users.ImportReport) []users.ImportRow {
	const shown = 500
	rows := slices.Clone(r.Rows)
	slices.SortStableFunc(rows, func(a, b users.ImportRow) int { return rank(a) - rank(b) })
	return rows[:min(len(rows), shown)]
}

func rank(row users.ImportRow) int {
	switch {
	case row.Outcome == users.ImportError:
		return 0
	case makesAdmin(row):
		return 1
	}
	return 2
}

// makesAdmin says whether a row gives somebody all rights, which nobody should do unseen.
func makesAdmin(row users.ImportRow) bool {
	return row.Outcome == users.ImportCreate && row.Role == users.RoleAdmin
}

func yes(b bool) string {
	if b {
		return users.Yes
	}
	return users.No
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return id(n)
}

func facetCount(v View, n int) string {
	if n > users.CountLimit {
		return v.N(users.CountLimit) + "+"
	}
	return v.N(n)
}

// shown is a value of a field in words where it is a choice.
func shown(v View, value string) string {
	for _, prefix := range []string{"role.", "status.", "choice."} {
		if Known(prefix + value) {
			return v.T(prefix + value)
		}
	}
	if value == "" {
		return "–"
	}
	return value
}
