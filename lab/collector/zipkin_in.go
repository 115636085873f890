package collector

import (
	"fmt"
	"mime"
	"net/http"

	"github.com/hopline/hopline/lab/zipkin"
)

// post stores spans: POST /api/v2/spans. Its success status is exactly 202, the only one that exporters accept.
func (a *zipkinAPI) post(w http.ResponseWriter, r *http.Request) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-protobuf" || kind == "application/x-thrift" {
		refuse(w, http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type: want application/json, got %s: the sender must be set to JSON v2", kind))
		return
	}
	body, problem := readBody(w, r)
	if problem != nil {
		refuse(w, problem.code, problem.reason)
		return
	}
	spans, err := zipkin.Decode(body)
	if err != nil {
		a.store.metrics.invalid.Inc() // at least one span; the number in the body is unknown
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	a.store.metrics.received.WithLabelValues("zipkin").Add(float64(len(spans)))
	a.store.accept(spans)
	w.WriteHeader(http.StatusAccepted)
}
