package proxy

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hopline/hopline/lab/mesh"
)

// watched holds a caller's cluster of two pods under outlier detection, and the reports of its proxy about ejections.
func watched(t *testing.T) (k *cluster, metrics *prometheus.Registry, said *[]string) {
	said = new([]string)
	metrics = prometheus.NewRegistry()
	p := New(Options{Registry: metrics, Ejected: func(e Ejection, over bool) {
		*said = append(*said, fmt.Sprintf("%s %s after %s, %v, over %t", e.Workload, e.Endpoint(), e.Why, e.Until.Sub(e.Since), over))
	}})
	t.Cleanup(func() { p.Close() })
	c := newCaller(p, mesh.Source{Workload: "middle", Namespace: "shop"}, "middle-1", 0)
	m := service("core")
	o := defaults()
	m.Outlier = &o
	k = newCluster(c, m)
	sick := podOf("core", "core-sick", "127.0.0.1:1")
	k.setHosts([]endpoint{{address: "127.0.0.1:1", pod: newPod(&sick)}, {address: "127.0.0.1:2"}}, "")
	return k, metrics, said
}

func TestEjectionsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, metrics, said := watched(t)
		all := k.hosts.Load().list
		want := func(wantSaid []string, times ...int) {
			t.Helper()
			if diff := cmp.Diff(wantSaid, *said); diff != "" {
				t.Errorf("reported (-want +got):\n%s", diff)
			}
			*said = nil
			var got []int
			for _, e := range k.caller.proxy.Ejections() {
				got = append(got, e.Times)
			}
			if diff := cmp.Diff(times, got); diff != "" {
				t.Errorf("times of the active ejections (-want +got):\n%s", diff)
			}
		}
		report(all[0], 500, 500, 500)
		report(all[1], 502, 502, 502)
		want([]string{"middle core-sick after 3 errors in a row, 30s, over false", "middle 127.0.0.1:2 after 3 errors in a row, 30s, over false"}, 1, 1)
		e := k.caller.proxy.Ejections()[1]
		if diff := cmp.Diff(Ejection{Caller: "middle-1", Workload: "middle", Namespace: "shop", Cluster: k.Name, Pod: "core-sick", Address: "127.0.0.1:1",
			Why: "3 errors in a row", Since: time.Now(), Until: time.Now().Add(30 * time.Second), Times: 1}, e); diff != "" {
			t.Errorf("the ejection (-want +got):\n%s", diff)
		}
		time.Sleep(30 * time.Second) // without a request
		synctest.Wait()
		want([]string{"middle core-sick after 3 errors in a row, 30s, over true", "middle 127.0.0.1:2 after 3 errors in a row, 30s, over true"})
		report(all[0], 500, 500, 500)
		want([]string{"middle core-sick after 3 errors in a row, 1m0s, over false"}, 2)
		const series = `{cluster_name="%s",namespace="shop",workload="middle"} `
		text := "# HELP envoy_cluster_outlier_detection_ejections_active Endpoints that are ejected now, as Envoy's statistic of that name.\n" +
			"# TYPE envoy_cluster_outlier_detection_ejections_active gauge\nenvoy_cluster_outlier_detection_ejections_active" + series + "1\n" +
			"# HELP envoy_cluster_outlier_detection_ejections_enforced_total Ejections of endpoints, as Envoy's statistic of that name.\n" +
			"# TYPE envoy_cluster_outlier_detection_ejections_enforced_total counter\nenvoy_cluster_outlier_detection_ejections_enforced_total" + series + "3\n"
		err := testutil.GatherAndCompare(metrics, strings.NewReader(fmt.Sprintf(text, k.Name, k.Name)),
			"envoy_cluster_outlier_detection_ejections_active", "envoy_cluster_outlier_detection_ejections_enforced_total")
		if err != nil {
			t.Error(err)
		}
	})
}

// TestEjectionsEndWithTheirHost removes an ejected host, then its caller: their ejections end, and late errors change nothing.
func TestEjectionsEndWithTheirHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, metrics, said := watched(t)
		all := k.hosts.Load().list
		report(all[0], 500, 500, 500)
		report(all[1], 500, 500, 500)
		k.setHosts([]endpoint{all[1].endpoint}, "")
		if got := k.caller.proxy.Ejections(); len(got) != 1 || got[0].Pod != "" {
			t.Errorf("without the pod %+v is ejected, want only the other endpoint", got)
		}
		k.close()
		report(all[1], 500, 500, 500)
		if got := k.caller.proxy.Ejections(); len(got) != 0 {
			t.Errorf("without the caller %+v is ejected", got)
		}
		*said = nil
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(*said) != 0 {
			t.Errorf("an hour later the proxy reports %q", *said)
		}
		if n := testutil.CollectAndCount(k.caller.proxy.ejections.active); n != 1 {
			t.Errorf("%d series, want the one of the caller", n)
		}
		if n, err := testutil.GatherAndCount(metrics, "envoy_cluster_outlier_detection_ejections_active"); n != 1 || err != nil {
			t.Errorf("%d series registered, %v", n, err)
		}
	})
}
