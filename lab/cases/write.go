package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// write writes a file of cases with the current results.
func (c *Command) write(ctx context.Context, in io.Reader, out io.Writer) error {
	if len(c.Rules) == 0 {
		return errors.New("--write: want the rules, -f PATH, got none")
	}
	if _, err := os.Stat(c.Write); err == nil {
		return fmt.Errorf("%s exists: want the name of a new file", c.Write)
	}
	r, err := rules.Read(ctx, c.Rules, in)
	if err != nil {
		return err
	}
	text, found, without := written(r, c.relative())
	if found == 0 {
		return errors.New("--write: no rule of a VirtualService or an HTTPRoute, so there is no case to write")
	}
	if err := os.MkdirAll(filepath.Dir(c.Write), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(c.Write, []byte(text), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "wrote %d cases to %s\n", found, c.Write)
	for _, rule := range without {
		if err == nil {
			_, err = fmt.Fprintln(out, "  no request found that matches", rule)
		}
	}
	return err
}

// relative returns the paths of the rules as seen from the file that is written.
func (c *Command) relative() []string {
	var out []string
	for _, path := range c.Rules {
		if rel, err := filepath.Rel(filepath.Dir(c.Write), path); err == nil && rules.IsPath(path) {
			path = rel
		}
		out = append(out, filepath.ToSlash(path))
	}
	return out
}

// written returns the text of a file with one case for each rule, how many there are, and the rules for which no request was found.
func written(r *rules.Rules, paths []string) (text string, found int, without []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "rules: %s\ntests:\n", flow(paths))
	seen := map[string]bool{}
	for _, rule := range r.Table.Rules() {
		id := rule.Object + " " + rule.Place
		if seen[id] {
			continue
		}
		seen[id] = true
		q, a := example(r, &rule)
		if a == nil {
			without = append(without, rule.Object+" "+rule.Title())
			continue
		}
		found++
		b.WriteString(caseText(q, a))
	}
	return b.String(), found, without
}

// example returns a request that a rule matches, and its answer, if possible one that reaches a workload; nil if the rule matches none of the
// requests that are tried.
func example(r *rules.Rules, rule *mesh.Rule) (found *rules.Question, answer *rules.Answer) {
	for _, q := range questionsFor(r, rule) {
		a, err := r.Ask(&q)
		if err != nil || a.Taken == nil || a.Taken.Object != rule.Object || a.Taken.Place != rule.Place && !strings.HasPrefix(a.Taken.Place, rule.Place+".") {
			continue
		}
		if found == nil || a.Status() == 0 {
			found, answer = &q, a
		}
		if a.Status() == 0 {
			break
		}
	}
	return found, answer
}

// caseText returns a case with the current answer.
func caseText(q *rules.Question, a *rules.Answer) string {
	var b strings.Builder
	request := []string{}
	if q.From != "" {
		request = append(request, "from: "+scalar(q.From))
	}
	if q.Caller != nil {
		request = append(request, "from: {namespace: "+scalar(q.Caller.Namespace)+"}")
	}
	request = append(request, strings.ToLower(q.Method)+": "+scalar(q.URL))
	if methodOf(strings.ToLower(q.Method)) == "" {
		request[len(request)-1] = "method: " + scalar(q.Method) + ", url: " + scalar(q.URL)
	}
	if len(q.Headers) > 0 {
		var headers []string
		for _, h := range q.Headers {
			headers = append(headers, scalar(h.Name)+": "+scalar(h.Value))
		}
		request = append(request, "headers: {"+strings.Join(headers, ", ")+"}")
	}
	_, object, _ := strings.Cut(a.Taken.Object, " ")
	name := object + " " + a.Taken.Rule
	expect := []string{"rule: " + scalar(name)}
	if status := a.Status(); status != 0 {
		expect = append(expect, fmt.Sprintf("status: %d", status))
	}
	if a.To != "" {
		expect = append(expect, "location: "+scalar(a.To))
	}
	if len(a.Shares) > 0 {
		var to []string
		for _, s := range a.Shares {
			to = append(to, fmt.Sprintf("%s: %.4g%%", scalar(targetName(s.Cluster)), s.Percent))
		}
		expect = append(expect, "to: {"+strings.Join(to, ", ")+"}")
	}
	if a.Path != "" {
		expect = append(expect, "path: "+scalar(a.Path))
	}
	if a.Route.Timeout > 0 {
		expect = append(expect, "timeout: "+a.Route.Timeout.String())
	}
	fmt.Fprintf(&b, "- name: %s\n  request: {%s}\n  expect: {%s}\n", scalar(name), strings.Join(request, ", "), strings.Join(expect, ", "))
	return b.String()
}

func targetName(c *mesh.Cluster) string {
	name := fmt.Sprintf("%s:%d", strings.TrimSuffix(c.Host, ".svc.cluster.local"), c.Port)
	if c.Subset != "" {
		name += "/" + c.Subset
	}
	return name
}

// flow returns a list of texts in YAML's flow style.
func flow(list []string) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, scalar(s))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// scalar returns a text as a scalar that may be in a flow mapping.
func scalar(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t,:[]{}#&*!|>'\"%@`?\\-") {
		var v any
		if kyaml.Unmarshal([]byte(text), &v) == nil {
			if _, ok := v.(string); ok {
				return text
			}
		}
	}
	return "\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text) + "\""
}
