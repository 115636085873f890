package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/lesson"
)

// noLab is a lab that lessons start nothing in.
type noLab struct{}

func (noLab) Run(string) ([]string, error) { return nil, nil }
func (noLab) Saved(string)                 {}

const twoLessons = "# A\n\n*Needs %s. 1 minutes.*\n\nOpening <script>alert(1)</script>.\n\n## S\n\n```console\n$ echo one\none\n$ echo two\nthree\n```\n\n## Read on\n\n- more\n"

// TestLessons plays a lesson through the API.
func TestLessons(t *testing.T) {
	t.Parallel()
	var all []*lesson.Lesson
	for name, needs := range map[string]string{"01-here.md": "the lab", "02-there.md": "a cluster with Istio"} {
		l, err := lesson.Parse(name, strings.Replace(twoLessons, "%s", needs, 1))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	guide := lesson.NewGuide(all, t.TempDir(), "/bin/false", nil, noLab{})
	c := New(&lab{}, nil, Driving{Token: "the-token", Lessons: guide})
	t.Cleanup(func() {
		if err := guide.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, one := range []struct {
		request, body string
		code          int
		want          string
	}{
		{"GET /api/lessons", "", 200, `"number":2,"title":"A","needs":"a cluster with Istio","minutes":1,"done":false,"why":"It needs a cluster with Istio."`},
		{"GET /api/lessons/1", "", 200, `"commands":["echo one"],"expects":["one"]`},
		{"GET /api/lessons/1", "", 200, `Opening \u003c!-- raw HTML omitted --\u003ealert(1)`},
		{"GET /api/lessons/3", "", 404, `lesson 3: there is no such lesson or step`},
		{"GET /api/lessons/x", "", 404, `number: want a number, got \"x\"`},
		{"POST /api/lessons/1/steps/2", "", 409, `a step before this one is not done: step 1`},
		{"POST /api/lessons/1/steps/1", `{"command":"echo evil"}`, 200, `"passed":true,"lines":["one"]`},
		{"POST /api/lessons/1/steps/2?command=echo+three", "", 200, `"passed":false,"lines":[],"difference":["- three","+ two"]`},
		{"POST /api/lessons/1/steps/2?do=run", "", 400, `do: want look, skip or nothing, got \"run\"`},
		{"POST /api/lessons/1/steps/3", "", 404, `lesson 1, step 3`},
		{"POST /api/lessons/2/steps/1", "", 409, `lesson 2 needs a cluster with Istio: the lesson cannot be played here`},
		{"POST /api/lessons/1/steps/2?do=skip", "", 200, `"next":0`},
		{"GET /api/lessons", "", 200, `"number":1,"title":"A","needs":"the lab","minutes":1,"done":true`},
		{"DELETE /api/lessons/1", "", 200, `{}`},
		{"GET /api/lessons/1", "", 200, `"steps":2,"next":1`},
		{"POST /api/lessons/reset", "", 200, `{}`},
	} {
		method, path, _ := strings.Cut(one.request, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(one.body))
		r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost"
		r.Header.Set(current.TokenHeader, "the-token")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != one.code || !strings.Contains(w.Body.String(), one.want) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: got %d %s, want %d with %s", one.request, w.Code, w.Body, one.code, one.want)
		}
		if code := w.Result().StatusCode; code == http.StatusOK && w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: the type is %s", one.request, w.Header().Get("Content-Type"))
		}
	}
}
