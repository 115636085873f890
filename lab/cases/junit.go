package cases

import (
	"encoding/xml"
	"io"
	"strings"
)

// The elements of JUnit's XML that CI systems read: suites of cases, with the failures of each.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes one suite for each file of cases.
func (r *Report) writeJUnit(out io.Writer) error {
	all := junitSuites{Tests: len(r.Results), Failures: r.failures()}
	at := map[string]int{}
	for i := range r.Results {
		result := &r.Results[i]
		n, known := at[result.File]
		if !known {
			n = len(all.Suites)
			at[result.File] = n
			all.Suites = append(all.Suites, junitSuite{Name: result.File})
		}
		suite := &all.Suites[n]
		c := junitCase{Name: result.Name, Class: result.File, File: result.File, Line: result.Line}
		if len(result.Failures) > 0 {
			c.Failure = &junitFailure{Message: strings.Join(result.Failures, "; "), Text: result.text()}
			suite.Failures++
		}
		suite.Tests++
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(out)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}
