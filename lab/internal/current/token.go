package current

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hopline/hopline/lab/internal/usage"
)

// TokenHeader is the header with the token that a request needs that changes something in a lab or sends a request.
const TokenHeader = "X-Hopline-Token"

// NewToken returns a random token, for one run of a lab.
func NewToken() string { return rand.Text() }

// tokenFile returns the file with the token of the lab whose console has a port: in the user's runtime directory, or else in the cache.
func tokenFile(consolePort int) (string, error) {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		var err error
		if dir, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("no directory for the lab's token: %w", err)
		}
	}
	return filepath.Join(dir, "hopline", "labs", strconv.Itoa(consolePort)+".token"), nil
}

// WriteToken writes the token of a lab where Call reads it, readable for this user only. remove removes it.
func WriteToken(consolePort int, token string) (remove func(), err error) {
	path, err := tokenFile(consolePort)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	part, err := os.CreateTemp(filepath.Dir(path), "part-") // its mode is 0600
	if err != nil {
		return nil, err
	}
	_, err = part.WriteString(token)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		_ = os.Remove(part.Name())
		return nil, err
	}
	return func() {
		if now, err := os.ReadFile(path); err == nil && string(now) == token { // not the token of a lab that has started since
			_ = os.Remove(path)
		}
	}, nil
}

// readToken returns the token of a lab, or "" if it has written none.
func readToken(consolePort int) (string, error) {
	path, err := tokenFile(consolePort)
	if err != nil {
		return "", err
	}
	token, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(token), err
}

// Call sends a request with the lab's token to the API of the lab whose console has a port of this machine. body is sent as JSON; nil sends
// none. The response's JSON is decoded into result; with a *[]byte it is stored as it is, and with nil it is discarded. The error of a response
// is that of Problem.
func Call(ctx context.Context, consolePort int, method, path string, body, result any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address(consolePort)+path, content)
	if err != nil {
		return err
	}
	token, err := readToken(consolePort)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set(TokenHeader, token)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= 300 {
		return Problem(response)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return err
	}
	switch into := result.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = text
		return nil
	}
	return json.Unmarshal(text, result)
}

// Problem returns the error that a response of the lab reports: that of its JSON object, else the status. It is one of package usage if the lab
// rejects what the user has given.
func Problem(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // what has arrived is enough
	var problem struct{ Error string }
	if json.Unmarshal(text, &problem) != nil || problem.Error == "" {
		return errors.New("the lab responds with " + response.Status)
	}
	err := errors.New(problem.Error)
	switch response.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return usage.Error(err)
	}
	return err
}
