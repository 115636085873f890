package collector

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds what one request may carry, in bytes, before and after decompression.
const maxBody = 5 << 20

// bodyError is a body that cannot be read, with the status that says so.
type bodyError struct {
	code   int
	reason string
}

func (e *bodyError) Error() string { return e.reason }

var errTooLarge = &bodyError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes (5 MiB), compressed or not", maxBody)}

// readBody reads a body, plain or gzipped, and stops at the limit, however small a gzipped one was on the wire.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *bodyError) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip":
		zipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, asBodyError("cannot gunzip spans", err)
		}
		body = zipped
	default:
		return nil, &bodyError{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Encoding: want gzip or none, got %.40q", encoding)}
	}
	size := r.ContentLength
	if size < 512 || r.Header.Get("Content-Encoding") != "" {
		size = 4 << 10
	}
	data := make([]byte, 0, size+512)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := body.Read(data[len(data):min(cap(data), maxBody+1)])
		data = data[:len(data)+n]
		switch {
		case len(data) > maxBody:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, asBodyError("cannot read the body", err)
		}
	}
}

func asBodyError(what string, err error) *bodyError {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	return &bodyError{http.StatusBadRequest, fmt.Sprintf("%s: %v", what, err)}
}
