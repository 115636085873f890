// Package wire is the client side of HTTP/1.1 on one connection: it writes requests, reads responses, and reports whether the connection
// can carry another request. It does not depend on the mesh.
//
// A Conn tracks both directions. WriteHead announces the length of the request's body, and the Conn counts what of it has been written.
// ReadHead and Read follow the response to its end. A Conn is Reusable only if its request was written whole, and its response was read
// whole and did not announce a close. What the upstream reads as the next request's head is therefore always the beginning of a request.
//
// Only WriteHead writes the framing fields, Content-Length and Transfer-Encoding, so that the announced length is the counted one.
// Responses are read as strictly as Envoy 1.40 reads them, or more strictly where Envoy is lenient for old servers: any ambiguous response
// is ErrMalformed.
package wire
