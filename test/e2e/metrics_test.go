package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// Prometheus reaches everything under STRICT mutual TLS, and its API gives back exemplars and native histograms.
func TestPrometheus(t *testing.T) {
	deploy(t, "canary")
	start := time.Now().Add(-time.Minute)
	for range 50 {
		get(t, "/demo-app/hops", "x-dev-user", "betaUser")
	}
	query := func(path string, values url.Values, into any) error {
		a, err := ask("GET", *ingress+"/prometheus/api/v1/"+path+"?"+values.Encode(), "")
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(a.body), into)
	}
	eventually(t, 90*time.Second, func() error {
		var got struct {
			Data struct {
				ActiveTargets []struct {
					Labels            map[string]string
					Health, LastError string
				}
			}
		}
		if err := query("targets", url.Values{"state": {"active"}}, &got); err != nil {
			return err
		}
		jobs := map[string]int{}
		for _, target := range got.Data.ActiveTargets {
			jobs[target.Labels["job"]]++
			if target.Health != "up" {
				return fmt.Errorf("%v is %s: %s", target.Labels, target.Health, target.LastError)
			}
		}
		// Fourteen pods; twelve of them and two gateways have a proxy.
		if jobs["services"] != 14 || jobs["proxies"] != 14 || jobs["istiod"] < 1 {
			return fmt.Errorf("targets: %v", jobs)
		}
		return nil
	})
	eventually(t, 30*time.Second, func() error {
		var got struct {
			Data []struct {
				Exemplars []struct{ Labels map[string]string }
			}
		}
		if err := query("query_exemplars", url.Values{
			"query": {`http_server_request_duration_seconds_bucket{app="clock"}`},
			"start": {strconv.FormatInt(start.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
		}, &got); err != nil {
			return err
		}
		for _, s := range got.Data {
			for _, e := range s.Exemplars {
				if len(e.Labels["trace_id"]) == 32 {
					return nil
				}
			}
		}
		return fmt.Errorf("no exemplar with a trace_id: %v", got)
	})
	eventually(t, 30*time.Second, func() error {
		var got struct {
			Data struct{ Result []any }
		}
		if err := query("query", url.Values{"query": {`histogram_count(http_server_request_duration_seconds{app="clock"}) > 0`}}, &got); err != nil {
			return err
		}
		if len(got.Data.Result) == 0 {
			return fmt.Errorf("no native histogram")
		}
		return nil
	})
}
