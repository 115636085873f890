// Package server runs a service's handlers: it provides settings, telemetry, faults, the listeners of the application and of the admin
// port, and a stop that loses no request.
//
// Files: config.go (the settings that all services share), service.go (Open, which builds everything), run.go (listen, serve, drain, stop),
// process.go (what the operating system gives), background.go (work that outlives its response), admin.go and healthy.go (the admin port),
// build.go (the metric that names the version).
//
// The path of a request through the middleware, outermost first: observe.go (begins the span and the request's record, record.go),
// metrics.go (counts), observe.go again (settle: no panic passes it), limit.go (body and time limits), inject.go (faults), then the router,
// whose shared responses are in routes.go. On the way back span.go, access.go and timing.go (the Server-Timing header) write what the record
// holds.
package server
