package zipkin

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Normalize converts a span to the form that Zipkin stores, and returns an error that names an invalid field. Every collector calls it on
// the spans it receives; it follows Zipkin's Java library (zipkin2.Span.Builder):
//
//   - ids are lower-case hex and padded with zeros to 16 digits, or 32 for a trace id longer than 16; they are not all zeros
//     (Zipkin accepts shorter ids of zeros, but rejects the padded form when it receives them again);
//   - service and span names are lower-case, and empty ones are absent;
//   - negative times are absent, annotations are sorted and unique, and so are tags by their keys;
//   - a span is not its own parent, and a client's half of a span is not shared.
func (s *Span) Normalize() error {
	var err error
	if s.TraceID, err = TraceID(s.TraceID); err != nil {
		return err
	}
	if s.ID, err = spanID("id", s.ID); err != nil {
		return err
	}
	if s.ParentID != "" {
		if s.ParentID, err = parentID(s.ParentID); err != nil {
			return err
		}
		if s.ParentID == s.ID {
			s.ParentID = ""
		}
	}
	if s.Shared && s.Kind == Client {
		s.Shared = false
	}
	s.Name = lower(s.Name)
	s.Timestamp, s.Duration = max(s.Timestamp, 0), max(s.Duration, 0)
	s.Annotations = sortedOnce(s.Annotations)
	s.Tags = s.Tags.normal()
	if s.LocalEndpoint, err = s.LocalEndpoint.normal("localEndpoint"); err != nil {
		return err
	}
	s.RemoteEndpoint, err = s.RemoteEndpoint.normal("remoteEndpoint")
	return err
}

// TraceID returns a trace id in the form in which spans carry it: 16 hex digits, or 32 when one of the first 16 of them is not zero.
func TraceID(id string) (string, error) {
	if err := hex("traceId", id, 32); err != nil {
		return "", err
	}
	switch n := len(id); {
	case n < 16:
		id = zeros[n:16] + id
	case n > 16:
		id = zeros[n:] + id
		if id[:16] == zeros[:16] {
			id = id[16:]
		}
	}
	if strings.Trim(id, "0") == "" {
		return "", errors.New("traceId is all zeros")
	}
	return id, nil
}

const zeros = "00000000000000000000000000000000"

func spanID(field, id string) (string, error) {
	if err := hex(field, id, 16); err != nil {
		return "", err
	}
	id = zeros[len(id):16] + id
	if id == zeros[:16] {
		return "", fmt.Errorf("%s is all zeros", field)
	}
	return id, nil
}

// parentID works like spanID, but all zeros mean that there is no parent.
func parentID(id string) (string, error) {
	if id != "" && len(id) <= 16 && strings.Trim(id, "0") == "" {
		return "", nil
	}
	return spanID("parentId", id)
}

// hex returns an error for an id that is not 1 to longest lower-case hex digits.
func hex(field, id string, longest int) error {
	if id == "" {
		return fmt.Errorf("%s is empty", field)
	}
	if len(id) > longest {
		return fmt.Errorf("%s has %d characters, more than %d", field, len(id), longest)
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("%s %q is not lower-case hex", field, id)
		}
	}
	return nil
}

// lower is strings.ToLower, optimized for names that are already in lower case.
func lower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c >= 'A' && c <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

func sortedOnce(annotations []Annotation) []Annotation {
	if len(annotations) == 0 {
		return nil
	}
	slices.SortStableFunc(annotations, func(a, b Annotation) int {
		return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), strings.Compare(a.Value, b.Value))
	})
	return slices.Compact(annotations)
}

// normal returns nil for an empty endpoint.
func (e *Endpoint) normal(field string) (*Endpoint, error) {
	if e == nil {
		return nil, nil
	}
	if e.Port > 0xffff {
		return nil, fmt.Errorf("%s.port %d is more than 65535", field, e.Port)
	}
	normal := *e
	normal.ServiceName, normal.Port = lower(e.ServiceName), max(e.Port, 0)
	switch normal {
	case Endpoint{}:
		return nil, nil
	case *e: // not modified: the spans of the mesh share their endpoints
		return e, nil
	}
	return &normal, nil
}

// setIP sets an address of either family under its own key, whichever key it was sent under. It ignores an invalid address.
func (e *Endpoint) setIP(text string) {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return
	}
	if dotted := text[strings.LastIndexByte(text, ':')+1:]; strings.IndexByte(dotted, '.') < 0 {
		e.IPv6 = formatIPv6(address.As16())
	} else if prefix := text[:len(text)-len(dotted)]; prefix == "" || prefix == "::" || strings.EqualFold(prefix, "::ffff:") {
		e.IPv4 = dotted // an IPv4 address, or one mapped to IPv6
	}
}

// formatIPv6 formats an address as Zipkin does, which differs from RFC 5952: a single group of zeros is shortened too, and zeros at the end
// only if there are none before.
func formatIPv6(address [16]byte) string {
	var groups [8]uint64
	for i := range groups {
		groups[i] = uint64(address[2*i])<<8 | uint64(address[2*i+1])
	}
	begin, length := zeroRun(groups)
	out := make([]byte, 0, 40)
	for i := 0; i < len(groups); i++ {
		if i == begin {
			out = append(out, "::"...)
			i += length - 1
			continue
		}
		if i > 0 && i != begin+length {
			out = append(out, ':')
		}
		out = strconv.AppendUint(out, groups[i], 16)
	}
	return string(out)
}

// zeroRun returns the groups to shorten.
func zeroRun(groups [8]uint64) (begin, length int) {
	begin = -1
	for i := 0; i < len(groups); {
		end := i
		for end < len(groups) && groups[end] == 0 {
			end++
		}
		if end > i && end-i > length && (end < len(groups) || begin < 0) {
			begin, length = i, end-i
		}
		i = max(end, i+1)
	}
	return begin, length
}
