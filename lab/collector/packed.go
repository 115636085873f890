package collector

import (
	"encoding/binary"
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// packed is a normalized span as the store keeps it: one text without pointers, a tenth of the size of a zipkin.Span, whose content the
// garbage collector does not mark. It holds, one after the other:
//
//	flags     a byte: the kind, and which of the parts below are there
//	id        16 digits
//	parent    16 digits, if there is one
//	time      timestamp and duration
//	texts     trace id, name
//	endpoints each: service name, IPv4, IPv6, port
//	tags      their number; key and value of each
//	notes     the number of annotations; timestamp and text of each
//
// Numbers are varints. A text is the number of a word, doubled and 1 added, or its length, doubled, followed by its bytes.
type packed string

// The flags. The lower three bits are the place of the kind in kinds.
const (
	hasDebug = 8 << iota
	hasShared
	hasParent
	hasLocal
	hasRemote
)

var kinds = [...]zipkin.Kind{"", zipkin.Client, zipkin.Server, zipkin.Producer, zipkin.Consumer}

const idDigits = 16

// id returns the span's id.
func (p packed) id() string { return string(p[1 : 1+idDigits]) }

// timestamp returns the span's timestamp, in microseconds since 1970.
func (p packed) timestamp() int64 {
	r := reader{rest: string(p[1+idDigits:])}
	if p[0]&hasParent != 0 {
		r.digits()
	}
	return int64(r.number())
}

// size returns the memory of a span, without its words, in bytes: its text as allocated, and its places in lists and indexes.
func (p packed) size() int64 { return int64(len(p))*17/16 + 48 }

// pack returns the compact form of a normalized span. It is to be released with scratch.release when it is no longer stored.
func (w *words) pack(s *zipkin.Span) packed {
	b := append(w.buffer[:0], flagsOf(s))
	b = append(b, s.ID...)
	b = append(b, s.ParentID...)
	b = binary.AppendUvarint(b, uint64(s.Timestamp))
	b = binary.AppendUvarint(b, uint64(s.Duration))
	b = w.append(w.append(b, s.TraceID), s.Name)
	for _, e := range [...]*zipkin.Endpoint{s.LocalEndpoint, s.RemoteEndpoint} {
		if e != nil {
			b = w.append(w.append(w.append(b, e.ServiceName), e.IPv4), e.IPv6)
			b = binary.AppendUvarint(b, uint64(e.Port))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(s.Tags)))
	for i := range s.Tags {
		b = w.append(w.append(b, s.Tags[i].Key), s.Tags[i].Value)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Annotations)))
	for _, a := range s.Annotations {
		b = w.append(binary.AppendVarint(b, a.Timestamp), a.Value)
	}
	w.buffer = b
	return packed(b)
}

func flagsOf(s *zipkin.Span) byte {
	flags := byte(max(slices.Index(kinds[:], s.Kind), 0))
	set := func(flag byte, is bool) {
		if is {
			flags |= flag
		}
	}
	set(hasDebug, s.Debug)
	set(hasShared, s.Shared)
	set(hasParent, s.ParentID != "")
	set(hasLocal, s.LocalEndpoint != nil)
	set(hasRemote, s.RemoteEndpoint != nil)
	return flags
}

// append appends a text.
func (w *words) append(b []byte, text string) []byte {
	if number, ok := w.use(text); ok {
		return binary.AppendUvarint(b, uint64(number)<<1|1)
	}
	return append(binary.AppendUvarint(b, uint64(len(text))<<1), text...)
}

// span returns a packed span as a new zipkin.Span.
func (w *words) span(p packed) *zipkin.Span {
	s := new(zipkin.Span)
	r := reader{rest: string(p), words: w}
	r.span(s, new([2]zipkin.Endpoint))
	return s
}

// spans returns packed spans as new ones.
func (w *words) spans(all []packed) []*zipkin.Span {
	spans := make([]*zipkin.Span, len(all))
	for i, p := range all {
		spans[i] = w.span(p)
	}
	return spans
}

// maxScratch bounds the spans that a scratch keeps memory for.
const maxScratch = 256

// scratch reads the spans of one trace after another into the same memory.
type scratch struct {
	spans     []*zipkin.Span
	endpoints []*[2]zipkin.Endpoint
}

// read returns packed spans, which are valid until the next call.
func (c *scratch) read(w *words, all []packed) []*zipkin.Span { return c.fill(w, all, false) }

// release is a read that ends the use of the spans' words: nothing reads these spans afterwards.
func (c *scratch) release(w *words, all []packed) []*zipkin.Span { return c.fill(w, all, true) }

func (c *scratch) fill(w *words, all []packed, drop bool) []*zipkin.Span {
	if len(all) > maxScratch {
		c = new(scratch)
	}
	for len(c.spans) < len(all) {
		c.spans, c.endpoints = append(c.spans, new(zipkin.Span)), append(c.endpoints, new([2]zipkin.Endpoint))
	}
	for i, p := range all {
		r := reader{rest: string(p), words: w, drop: drop}
		r.span(c.spans[i], c.endpoints[i])
	}
	return c.spans[:len(all)]
}

// reader reads a packed span from its beginning.
type reader struct {
	rest  string
	words *words
	drop  bool // ends the use of every word that it reads
}

// span fills a span. It reuses the memory of the span's lists, and of the endpoints.
func (r *reader) span(s *zipkin.Span, endpoints *[2]zipkin.Endpoint) {
	flags := r.rest[0]
	r.rest = r.rest[1:]
	*s = zipkin.Span{ID: r.digits(), Kind: kinds[flags&7], Debug: flags&hasDebug != 0, Shared: flags&hasShared != 0, Tags: s.Tags[:0], Annotations: s.Annotations[:0]}
	if flags&hasParent != 0 {
		s.ParentID = r.digits()
	}
	s.Timestamp, s.Duration = int64(r.number()), int64(r.number())
	s.TraceID, s.Name = r.text(), r.text()
	if flags&hasLocal != 0 {
		s.LocalEndpoint = r.endpoint(&endpoints[0])
	}
	if flags&hasRemote != 0 {
		s.RemoteEndpoint = r.endpoint(&endpoints[1])
	}
	n := int(r.number())
	s.Tags = slices.Grow(s.Tags, n)
	for range n {
		s.Tags = append(s.Tags, zipkin.Tag{Key: r.text(), Value: r.text()})
	}
	for range r.number() {
		s.Annotations = append(s.Annotations, zipkin.Annotation{Timestamp: r.signed(), Value: r.text()})
	}
}

func (r *reader) endpoint(e *zipkin.Endpoint) *zipkin.Endpoint {
	*e = zipkin.Endpoint{ServiceName: r.text(), IPv4: r.text(), IPv6: r.text(), Port: int(r.number())}
	return e
}

func (r *reader) digits() string { return r.take(idDigits) }

func (r *reader) take(n int) string {
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text
}

func (r *reader) text() string {
	n := r.number()
	if n&1 == 0 {
		return r.take(int(n >> 1))
	}
	text := r.words.list[n>>1].text
	if r.drop {
		r.words.drop(uint32(n >> 1))
	}
	return text
}

// number reads what binary.AppendUvarint wrote; encoding/binary reads bytes only.
func (r *reader) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		b := r.rest[0]
		r.rest = r.rest[1:]
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

// signed reads what binary.AppendVarint wrote.
func (r *reader) signed() int64 {
	n := r.number()
	return int64(n>>1) ^ -int64(n&1)
}
