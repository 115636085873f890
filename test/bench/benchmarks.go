package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// measured is a benchmark of `go test -bench` with the values of its runs, by unit.
type measured struct {
	name   string
	values map[string][]float64
}

// benchmarkTable turns the output of `go test -bench` into a table. It has a row for each benchmark and a column for each of the given
// units, or for all units; a value is the median of the runs (-count).
func benchmarkTable(in io.Reader, out io.Writer, units ...string) error {
	rows, all, err := readBenchmarks(in)
	if err != nil {
		return err
	}
	if len(units) == 0 {
		units = all
	}
	fmt.Fprintf(out, "| benchmark | %s |\n|---|%s\n", strings.Join(units, " | "), strings.Repeat("--:|", len(units)))
	for _, row := range rows {
		cells := make([]string, len(units))
		for i, unit := range units {
			if values := row.values[unit]; len(values) > 0 {
				cells[i] = rounded(median(values))
			}
		}
		if strings.Join(cells, "") != "" {
			fmt.Fprintf(out, "| %s | %s |\n", row.name, strings.Join(cells, " | "))
		}
	}
	return nil
}

// readBenchmarks reads the rows, in their order, and all units in the order of their first occurrence.
func readBenchmarks(in io.Reader) (rows []measured, units []string, err error) {
	cores := regexp.MustCompile(`-\d+$`) // Go appends it to a name
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 0 && (fields[0] == "FAIL" || fields[0] == "---") {
			return nil, nil, fmt.Errorf("a benchmark failed: %s", lines.Text())
		}
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := cores.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
		at := slices.IndexFunc(rows, func(m measured) bool { return m.name == name })
		if at < 0 {
			at = len(rows)
			rows = append(rows, measured{name, map[string][]float64{}})
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: want a number before %s, got %q", name, fields[i+1], fields[i])
			}
			rows[at].values[fields[i+1]] = append(rows[at].values[fields[i+1]], value)
			if !slices.Contains(units, fields[i+1]) {
				units = append(units, fields[i+1])
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil, cmp.Or(lines.Err(), errors.New("no benchmark in the output"))
	}
	return rows, units, lines.Err()
}

// rounded returns a figure with three significant digits, or with all digits before the point.
func rounded(v float64) string {
	switch size := math.Abs(v); {
	case size >= 100 || v == 0:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case size >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
