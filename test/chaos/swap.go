//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// swapEvery is the interval between saved rules.
const swapEvery = 100 * time.Millisecond

// swapRules saves other weights ten times a second, and in the end a rule whose effect differs from all before.
func swapRules(ctx context.Context, t *trial) (done injected, err error) {
	live := t.lab.live.Load()
	edits := 0
	begun := time.Now()
	for ; time.Since(begun) < t.time && ctx.Err() == nil; edits++ {
		if err := t.lab.overlay.weights(edits % 100); err != nil {
			return done, err
		}
		pause(ctx, time.Until(begun.Add(time.Duration(edits+1)*swapEvery)))
	}
	if err := t.lab.overlay.weights(100); err != nil {
		return done, err
	}
	done.times = edits + 1
	err = t.lab.all(ctx, "middle-canary")
	swapped := t.lab.live.Load() - live
	done.notes = append(done.notes, fmt.Sprintf("saved %d times, %d went live one by one", done.times, swapped))
	if err == nil && swapped == 0 {
		err = errors.New("no change went live")
	}
	return done, err
}

// all waits until twenty responses in a row come from a version.
func (l *lab) all(ctx context.Context, version string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for streak := 0; streak < 20; streak++ {
		body, err := get(ctx, l.page+"hops")
		if ctx.Err() != nil {
			return fmt.Errorf("not all responses are from %s: %s", version, gist(body))
		}
		if err != nil {
			return err
		}
		if !strings.Contains(string(body), version+" ") {
			streak = -1
		}
	}
	return nil
}

// get returns the response to one request, with a header if name and value are given, on a connection of its own.
func get(ctx context.Context, url string, header ...string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(io.LimitReader(response.Body, 4<<20))
}
