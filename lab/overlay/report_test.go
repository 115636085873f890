package overlay

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportIsNoErrorWhenEmpty(t *testing.T) {
	t.Parallel()
	if err := new(Report).Err(); err != nil {
		t.Errorf("an empty report is an error: %v", err)
	}
	if err := (*Report)(nil).Err(); err != nil {
		t.Errorf("no report is an error: %v", err)
	}
}

func TestReportIsSortedAndWithoutRepetitions(t *testing.T) {
	t.Parallel()
	var r Report
	r.Add("VirtualService hopline/middle", "spec.http[10].route[0]", "later")
	r.Add("VirtualService hopline/middle", "spec.http[2].route[1]", "earlier, got %d", 7)
	r.Add("VirtualService hopline/middle", "spec.http[2].route", "first")
	r.Add("VirtualService hopline/middle", "spec.http[2].route[1]", "earlier, got %d", 7)
	r.Add("Deployment hopline/core", "", "as a whole")
	want := []string{
		"Deployment hopline/core: as a whole",
		"VirtualService hopline/middle: spec.http[2].route: first",
		"VirtualService hopline/middle: spec.http[2].route[1]: earlier, got 7",
		"VirtualService hopline/middle: spec.http[10].route[0]: later",
	}
	if diff := cmp.Diff(want, strings.Split(r.Err().Error(), "\n")); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestReportUnwrapsToItsProblems(t *testing.T) {
	t.Parallel()
	var r Report
	r.Add("Service hopline/core", "spec.ports[0].targetPort", "no container has it")
	var p Problem
	if !errors.As(r.Err(), &p) || p.Path != "spec.ports[0].targetPort" {
		t.Errorf("errors.As found %+v", p)
	}
}
