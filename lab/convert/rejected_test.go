package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/rules"
)

// What has no counterpart is rejected with file, line, object and field, and never left out silently.
func TestRejected(t *testing.T) {
	t.Parallel()
	const to = `route: [{destination: {host: a, port: {number: 80}}}]`
	for name, c := range map[string]struct{ spec, want string }{
		"fault":               {`{hosts: [a], http: [{fault: {abort: {httpStatus: 503}}, ` + to + `}]}`, "spec.http[0].fault: want none"},
		"delegate":            {`{hosts: [a], http: [{delegate: {name: b}}]}`, "spec.http[0].delegate: want "},
		"no hosts":            {`{http: [{` + to + `}]}`, "spec.hosts: want hosts"},
		"direct response":     {`{hosts: [a], http: [{directResponse: {status: 503}}]}`, "spec.http[0].directResponse: want a route: an HTTPRoute responds itself only with 500 and no body, got 503"},
		"without headers":     {`{hosts: [a], http: [{match: [{withoutHeaders: {x: {exact: a}}}], ` + to + `}]}`, "spec.http[0].match[0].withoutHeaders: want none"},
		"scheme":              {`{hosts: [a], http: [{match: [{scheme: {exact: http}}], ` + to + `}]}`, "spec.http[0].match[0].scheme: want none"},
		"authority":           {`{hosts: [a], http: [{match: [{authority: {exact: a}}], ` + to + `}]}`, "spec.http[0].match[0].authority: want none"},
		"caller's labels":     {`{hosts: [a], http: [{match: [{sourceLabels: {app: b}}], ` + to + `}]}`, "spec.http[0].match[0].sourceLabels: want none"},
		"caller's namespace":  {`{hosts: [a], http: [{match: [{sourceNamespace: b}], ` + to + `}]}`, "spec.http[0].match[0].sourceNamespace: want none"},
		"method":              {`{hosts: [a], http: [{match: [{method: {prefix: P}}], ` + to + `}]}`, "spec.http[0].match[0].method: want an exact one"},
		"ports":               {`{hosts: [a], http: [{match: [{port: 80}], ` + to + `}, {` + to + `}]}`, "spec.http[1].match[0].port: want the same port in all matches, since an HTTPRoute has it in its parentRefs, got 0 beside 80"},
		"retry conditions":    {`{hosts: [a], http: [{retries: {attempts: 2, retryOn: "5xx"}, ` + to + `}]}`, "spec.http[0].retries.retryOn: want all of connect-failure, refused-stream, cancelled, unavailable, and besides them only status codes from 400 to 599: "},
		"no retries":          {`{hosts: [a], http: [{retries: {attempts: 0}, ` + to + `}]}`, "spec.http[0].retries.attempts: want at least 1"},
		"try too long":        {`{hosts: [a], http: [{timeout: 1s, retries: {attempts: 2, perTryTimeout: 2s}, ` + to + `}]}`, "spec.http[0]: has no counterpart that the API server accepts: HTTPRoute one/v: spec.rules[0].timeouts.backendRequest: want at most the request's 1s, got 2s"},
		"rewrite by regex":    {`{hosts: [a], http: [{rewrite: {uriRegexRewrite: {match: "/a/(.*)", rewrite: '/\1'}}, ` + to + `}]}`, "spec.http[0].rewrite.uriRegexRewrite: want the match /.* and a rewrite without groups"},
		"redirect's port":     {`{hosts: [a], http: [{redirect: {scheme: https, derivePort: FROM_REQUEST_PORT}}]}`, "spec.http[0].redirect.derivePort: want FROM_REQUEST_PORT without a scheme"},
		"preflights":          {`{hosts: [a], http: [{corsPolicy: {allowOrigins: [{exact: "http://x"}], maxAge: 1s}, ` + to + `}]}`, "spec.http[0].corsPolicy.unmatchedPreflights: want IGNORE"},
		"origins":             {`{hosts: [a], http: [{corsPolicy: {allowOrigins: [{regex: ".+"}], maxAge: 1s, unmatchedPreflights: IGNORE}, ` + to + `}]}`, "spec.http[0].corsPolicy.allowOrigins[0]: want exact or prefix"},
		"no age":              {`{hosts: [a], http: [{corsPolicy: {allowOrigins: [{exact: "http://x"}], unmatchedPreflights: IGNORE}, ` + to + `}]}`, "spec.http[0].corsPolicy.maxAge: want a duration"},
		"no such subset":      {`{hosts: [a], http: [{route: [{destination: {host: a, subset: v9}}]}]}`, "spec.http[0].route[0].destination.subset: want a subset that a DestinationRule among the files has"},
		"no such host":        {`{hosts: [x.test], http: [{` + to + `}]}`, "spec.hosts[0]: want the host of a Service or a ServiceEntry, the only parents of an HTTPRoute in the mesh, got x.test"},
		"exports":             {`{hosts: [a], exportTo: [.], http: [{` + to + `}]}`, "spec.exportTo: want *, since an HTTPRoute in the namespace of its Service applies to all callers, got ."},
		"another Gateway":     {`{hosts: [a.test], gateways: [other], http: [{` + to + `}]}`, "spec.gateways[0]: want a Gateway among the files, got one/other, which is not"},
		"exports of gateways": {`{hosts: [a.test], gateways: [g], exportTo: [.], http: [{` + to + `}]}`, "spec.exportTo: want * for rules of a gateway, got ."},
		"tcp":                 {`{hosts: [a], http: [{` + to + `}], tcp: [{route: [{destination: {host: a, port: {number: 80}}}]}]}`, "spec.tcp: want only what can be compared"},
		"host twice":          {`{hosts: [a], http: [{` + to + "}]}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: u, namespace: one}\nspec:\n  {hosts: [a], http: [{" + to + `}]}`, "spec.hosts[0]: want each host of the mesh in only one VirtualService, since Istio uses the first of several, got a, which VirtualService one/u has too"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, err := json.Marshal(object{"apiVersion": "v1", "kind": "List", "items": world()})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "rules.yaml")
			text := string(base) + "\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: one}\nspec:\n  " + c.spec + "\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := rules.Read(t.Context(), []string{file}, nil)
			if err != nil {
				t.Fatal(err)
			}
			converted, err := Convert(r, Options{})
			if err == nil {
				_, err = Prove(r, converted)
			}
			if err == nil {
				t.Fatal("it is converted")
			}
			for _, line := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(line, file+":") || !strings.Contains(line, ": VirtualService one/v: ") {
					t.Errorf("without its place: %s", line)
				}
			}
			if !strings.Contains(err.Error(), "VirtualService one/v: "+c.want) {
				t.Errorf("want %s, got\n%v", c.want, err)
			}
		})
	}
}
