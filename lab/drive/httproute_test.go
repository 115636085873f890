package drive

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

// everybody returns a change of the rule everybody of HTTPRoute middle.
func everybody(kind Kind, value string) Request {
	return Request{Kind: kind, Object: "middle", Rule: "everybody", Value: json.RawMessage(value)}
}

// TestRouteRejected requests invalid changes of an HTTPRoute: each is rejected with the reason, and nothing changes.
func TestRouteRejected(t *testing.T) {
	t.Parallel()
	d, l := begin(t, "gateway-api")
	for name, c := range map[string]struct {
		request Request
		want    string
	}{
		"faults":                {everybody(Fault, `{"abort":{"httpStatus":503}}`), "kind: an HTTPRoute has no field for faults: want weights, timeout, retries or mirror of HTTPRoute hopline/middle, got fault"},
		"too few weights":       {everybody(Weights, "[100]"), "value: want one weight for each of middle-prod, middle-canary, got [100]"},
		"an unknown Service":    {everybody(Weights, `{"middle-prod":1,"middle-dve":1}`), "value: want one weight for each of middle-prod, middle-canary"},
		"a negative weight":     {everybody(Weights, "[-1,101]"), "spec.rules[0].backendRefs[0].weight: want a weight from 0 to 1000000, got -1"},
		"no destinations":       {Request{Kind: Weights, Object: "front", Rule: "slash", Value: json.RawMessage("[1]")}, "value: the rule has no destinations"},
		"Istio's retries":       {everybody(Retries, `{"attempts":3,"retryOn":"5xx"}`), "spec.rules[0].retry.retryOn: unknown field"},
		"no retries":            {everybody(Retries, `{"attempts":0}`), "spec.rules[0].retry.attempts: want at least 1, got 0"},
		"not a duration":        {everybody(Timeout, `"2"`), "spec.rules[0].timeouts.request: want a duration like 1h, 1m, 1s or 1ms, got \"2\""},
		"a number of seconds":   {everybody(Timeout, "2"), `value: want a duration such as "2s", or {"request": "2s", "backendRequest": "1s"}, got 2`},
		"a longer try":          {everybody(Timeout, `{"request":"1s","backendRequest":"2s"}`), "spec.rules[0].timeouts.backendRequest: want at most the request's 1s, got 2s"},
		"an unknown mirror":     {everybody(Mirror, `{"backendRef":{"name":"middle-dve","port":80}}`), "no Service hopline/middle-dve; did you mean middle-dev?"},
		"a mirror of no port":   {everybody(Mirror, `{"backendRef":{"name":"middle-dev"}}`), "backendRef.port: missing"},
		"a VirtualService":      {Request{Kind: Timeout, Object: "VirtualService hopline/middle", Rule: "everybody", Value: json.RawMessage(`"1s"`)}, `object: want a VirtualService or an HTTPRoute of the overlay, got "VirtualService hopline/middle"`},
		"a rule of another one": {Request{Kind: Timeout, Object: "core", Rule: "beta", Value: json.RawMessage(`"1s"`)}, "it has no rule beta; it has testers, everybody"},
	} {
		before := l.applied
		_, _, err := d.Do(c.request)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
		if l.applied != before || len(d.Changes()) != 0 {
			t.Errorf("%s: something has changed", name)
		}
	}
}

// TestRouteChanges makes each kind of change of an HTTPRoute, and reads it in the compiled rule, in words, as a patch that renders as the change
// does, and in the file, where everything else stays as it is.
func TestRouteChanges(t *testing.T) {
	t.Parallel()
	const refs = `        - {name: middle-prod, port: 80, weight: 80}
        - {name: middle-canary, port: 80, weight: 20}`
	const more = `        - {name: middle-prod, port: 80, weight: 80}
        - {name: middle-canary, port: 80, weight: 20}
      timeouts: {request: 3s, backendRequest: 1s} # of a page
      filters:
        - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-a, value: "1"}]}} # for all
        - type: RequestMirror # of all requests
          requestMirror:
            backendRef: {name: middle-canary, port: 80}`
	for name, c := range map[string]struct {
		before, after string // of the file
		request       Request
		text          string
		compiled      func(*mesh.Rule) bool
	}{
		"weights": {refs, strings.NewReplacer("80}\n", "50}\n", "20}", "50}").Replace(refs), everybody(Weights, `{"middle-canary":50,"middle-prod":50}`), "middle-prod 50, middle-canary 50",
			func(r *mesh.Rule) bool { return len(r.Shares) == 2 && r.Shares[0].Percent == 50 }},
		"a weight of 0": {refs, strings.Replace(strings.Replace(refs, "80}\n", "100}\n", 1), "20}", "0}", 1), everybody(Weights, "[100, 0]"), "middle-prod 100, middle-canary 0",
			func(r *mesh.Rule) bool { return len(r.Shares) == 1 }},
		"timeout": {refs, refs + "\n      timeouts: {request: 2s}", everybody(Timeout, `"2s"`), "timeout 2s",
			func(r *mesh.Rule) bool { return r.HTTP.GetTimeout().GetSeconds() == 2 }},
		"timeout of what is there": {more, strings.Replace(more, "request: 3s", "request: 2s", 1), everybody(Timeout, `"2s"`), "timeout 2s, of each try 1s",
			func(r *mesh.Rule) bool { return r.HTTP.GetTimeout().GetSeconds() == 1 }},
		"no timeout": {more, strings.Replace(more, "      timeouts: {request: 3s, backendRequest: 1s} # of a page\n", "", 1), everybody(Timeout, "null"), "no timeout of its own",
			func(r *mesh.Rule) bool { return r.HTTP.GetTimeout() == nil }},
		"retries": {refs, refs + "\n      retry: {attempts: 3, codes: [503, 504]}", everybody(Retries, `{"attempts":3,"codes":[503,504]}`), "3 retries on 503 504",
			func(r *mesh.Rule) bool {
				return r.HTTP.GetRetries().GetAttempts() == 3 && strings.HasSuffix(r.HTTP.GetRetries().GetRetryOn(), ",503,504")
			}},
		"mirror": {refs, refs + "\n      filters: [{requestMirror: {backendRef: {name: middle-dev, port: 80}, percent: 50}, type: RequestMirror}]", everybody(Mirror, `{"backendRef":{"name":"middle-dev","port":80},"percent":50}`), "mirrors to middle-dev",
			func(r *mesh.Rule) bool {
				return len(r.HTTP.GetMirrors()) == 1 && r.HTTP.GetMirrors()[0].GetPercentage().GetValue() == 50
			}},
		"mirror in place of one": {more, strings.Replace(more, "backendRef: {name: middle-canary", "backendRef: {name: middle-dev", 1), everybody(Mirror, `{"backendRef":{"name":"middle-dev","port":80}}`), "mirrors to middle-dev",
			func(r *mesh.Rule) bool {
				return strings.HasPrefix(r.HTTP.GetMirrors()[0].GetDestination().GetHost(), "middle-dev.") && r.HTTP.GetHeaders() != nil
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, l, file := beginRoute(t, refs, c.before)
			made := do(t, d, c.request)
			if made.Target != "middle everybody" || made.Text != c.text {
				t.Errorf("it is %q %q, want %q", made.Target, made.Text, c.text)
			}
			if rule, err := findRule(d.active.table, "HTTPRoute hopline/middle", "everybody"); err != nil || !c.compiled(rule) {
				t.Errorf("%v: the rule is %+v", err, rule)
			}
			patched(t, d, l, made.ID)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if files, err := d.Keep(made.ID); err != nil || len(files) != 1 || files[0] != "middle.yaml" {
				t.Fatalf("kept in %v, %v, want middle.yaml", files, err)
			}
			after, err := os.ReadFile(file)
			if want := strings.Replace(string(before), c.before, c.after, 1); err != nil || string(after) != want {
				t.Errorf("%v: the file is\n%s\nwant\n%s", err, after, want)
			}
			if len(d.Changes()) != 0 {
				t.Errorf("there are %d changes, want none", len(d.Changes()))
			}
		})
	}
}

// beginRoute returns the Drive of a lab that runs the overlay gateway-api with other text in middle.yaml.
func beginRoute(t *testing.T, old, with string) (*Drive, *fakeLab, string) {
	t.Helper()
	d, l := begin(t, "gateway-api")
	file := filepath.Join(d.Dir(), "middle.yaml")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatal(err, string(text))
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, with, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if old != with {
		d, l = beginAt(t, d.Dir())
	}
	return d, l, file
}

// patched adds the patch of a change to the kustomization file for a moment, and checks that it renders as the change does.
func patched(t *testing.T, d *Drive, l *fakeLab, id string) {
	t.Helper()
	patch, err := d.Patch(id)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Dir(), "kustomization.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	operations := strings.TrimPrefix(patch[strings.Index(patch, "patches:\n"):], "patches:\n") // the file has patches already
	if err := os.WriteFile(file, append(text, operations...), 0o644); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Error(err)
		}
	}()
	o, _, err := mesh.Load(d.Dir())
	if err != nil {
		t.Fatalf("%v\n%s", err, patch)
	}
	if same, object := l.applied.Rendered(o); !same {
		t.Errorf("%s differs with the patch\n%s", object, patch)
	}
}

// TestRouteUndo: undo brings back what the file has, also of a rule whose mirror was removed.
func TestRouteUndo(t *testing.T) {
	t.Parallel()
	const refs = "        - {name: middle-canary, port: 80, weight: 20}\n"
	d, l, _ := beginRoute(t, refs, refs+"      filters: [{type: RequestMirror, requestMirror: {backendRef: {name: middle-dev, port: 80}}}]\n")
	base := l.applied
	made := do(t, d, everybody(Mirror, "null"))
	if made.Text != "no mirror of its own" {
		t.Errorf("it is %q", made.Text)
	}
	do(t, d, everybody(Weights, "[1, 1]"))
	if rule, err := findRule(d.active.table, "HTTPRoute hopline/middle", "everybody"); err != nil || len(rule.HTTP.GetMirrors()) > 0 || rule.Shares[0].Percent != 50 {
		t.Errorf("%v: the rule is %+v", err, rule)
	}
	if err := d.UndoAll(); err != nil {
		t.Fatal(err)
	}
	if same, object := base.Rendered(l.applied); !same {
		t.Errorf("after undo %s differs", object)
	}
}
