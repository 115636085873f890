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

// swapRules saves other weights ten times a second, and in the end a rule that can be told from all before by what it does.
func swapRules(ctx context.Context, t *trial) (done injected, err error) {
	live := t.lab.live.Load()
	edits := 0
	err = every(ctx, 100*time.Millisecond, func() error {
		edits++
		return t.lab.overlay.weights(edits % 100)
	})
	if err != nil {
		return done, err
	}
	if err := t.lab.overlay.weights(100); err != nil {
		return done, err
	}
	done.times = edits + 1
	err = t.lab.all(context.WithoutCancel(ctx), "middle-canary")
	swapped := t.lab.live.Load() - live
	done.note = fmt.Sprintf("saved %d times, %d went live one by one", done.times, swapped)
	if err == nil && swapped == 0 {
		err = errors.New("no change went live")
	}
	return done, err
}

// all waits until twenty answers in a row come by way of a version.
func (l *lab) all(ctx context.Context, version string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for streak := 0; streak < 20; streak++ {
		body, err := get(ctx, l.page+"hops")
		if ctx.Err() != nil {
			return fmt.Errorf("not all answers come by way of %s: %s", version, gist(body))
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

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(io.LimitReader(response.Body, 4<<20))
}
