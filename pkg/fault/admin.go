package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// document is the JSON of /faults. A PUT leaves fields that it does not name unchanged.
type document struct {
	ErrorRate *float64 `json:"error_rate"`
	DropRate  *float64 `json:"drop_rate"`
	Latency   *string  `json:"latency"`
}

// ServeHTTP returns the rates (GET) and changes those that a JSON object names (PUT). An unknown field or an invalid value gets a 400 with
// the reason, and nothing changes.
func (i *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPut:
		if err := i.update(http.MaxBytesReader(w, r.Body, 4096)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT")
		http.Error(w, "GET shows the faults, PUT changes them", http.StatusMethodNotAllowed)
		return
	}
	rates := i.Rates()
	latency := rates.Latency.String()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document{&rates.Error, &rates.Drop, &latency})
}

// update applies all of a document or nothing.
func (i *Injector) update(body io.Reader) error {
	var wanted document
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		return fmt.Errorf("want an object such as {\"error_rate\":70,\"drop_rate\":0,\"latency\":\"100ms-2s\"}: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("want one JSON object and nothing after it")
	}
	for {
		old := i.rates.Load()
		updated, err := wanted.apply(*old)
		if err != nil {
			return err
		}
		if i.rates.CompareAndSwap(old, &updated) {
			return nil
		}
	}
}

// apply returns rates with the fields of the document set.
func (d document) apply(rates Rates) (Rates, error) {
	for name, field := range map[string]struct{ from, to *float64 }{
		"error_rate": {d.ErrorRate, &rates.Error},
		"drop_rate":  {d.DropRate, &rates.Drop},
	} {
		if field.from == nil {
			continue
		}
		if !isRate(*field.from) {
			return rates, fmt.Errorf("%s: want %s, got %v", name, wantRate, *field.from)
		}
		*field.to = *field.from
	}
	if d.Latency != nil {
		latency, err := ParseLatency(*d.Latency)
		if err != nil {
			return rates, fmt.Errorf("latency: want %w, got %s", err, quote(*d.Latency))
		}
		rates.Latency = latency
	}
	return rates, nil
}
