// Package wire is the client side of HTTP/1.1 on one connection: it writes requests, reads responses, and knows whether the connection can carry
// another request. It knows nothing of the mesh.
//
// A Conn keeps account of both directions. WriteHead announces how long the request's body is and the Conn counts what of it has been written;
// ReadHead and Read follow the response to its end. Only a Conn whose request was written whole, and whose response was read whole and did not
// ask to close, is Reusable. What the upstream reads as the next request's head is therefore always the beginning of a request.
//
// The framing fields, Content-Length and Transfer-Encoding, are written by WriteHead only, so that what is announced is what is counted.
// Responses are read as strictly as Envoy 1.40 reads them, or more strictly where Envoy is lenient for the sake of old servers: whatever has two
// readings is ErrMalformed.
package wire
