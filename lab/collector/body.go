package collector

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds the body of one request, in bytes, before and after decompression.
const maxBody = 5 << 20

// badBody is the reason why a body cannot be read, with the response's status.
type badBody struct {
	code   int
	reason string
}

var tooLarge = &badBody{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes (5 MiB), compressed or not", maxBody)}

// readBody reads a body, plain or gzipped, and stops at the limit, also where a small gzipped body exceeds it.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *badBody) {
	data, bad := unpack(http.MaxBytesReader(w, r.Body, maxBody), r)
	if bad == tooLarge {
		// A sender whose connection is closed while it sends sees a broken connection instead of the response: let it finish.
		_, _ = io.CopyN(io.Discard, r.Body, maxBody)
	}
	return data, bad
}

func unpack(body io.Reader, r *http.Request) ([]byte, *badBody) {
	size := min(max(r.ContentLength, 0), maxBody) + 512
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip":
		zipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, asBadBody("cannot gunzip spans", err)
		}
		body = io.LimitReader(zipped, maxBody+1)
		size = min(4*size, maxBody+512)
	default:
		return nil, &badBody{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Encoding: want gzip or none, got %.40q", encoding)}
	}
	buffer := bytes.NewBuffer(make([]byte, 0, size))
	if _, err := buffer.ReadFrom(body); err != nil {
		return nil, asBadBody("cannot read the body", err)
	}
	if buffer.Len() > maxBody {
		return nil, tooLarge
	}
	return buffer.Bytes(), nil
}

func asBadBody(what string, err error) *badBody {
	if errors.As(err, new(*http.MaxBytesError)) {
		return tooLarge
	}
	return &badBody{http.StatusBadRequest, fmt.Sprintf("%s: %v", what, err)}
}
