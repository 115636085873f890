package zipkin

import (
	"bytes"
	"errors"
	"fmt"
	"unique"
)

// Decode reads the body of POST /api/v2/spans, a JSON list of spans, and normalizes each. An error names the span and the field, as in
// "spans[3].parentId is not …"; it then returns no span. Like Zipkin's own reader it requires the list to begin with the first byte,
// ignores unknown keys and what follows the list, and treats null as an absent value.
func Decode(data []byte) ([]*Span, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if data[0] != '[' {
		return nil, errors.New("want a list of spans in JSON, beginning with [")
	}
	if bytes.Contains(data, []byte(`yAnnotations"`)) {
		return nil, errors.New("want a list of spans in the format v2, got v1: it has binaryAnnotations")
	}
	d := decoder{scanner{data: data}}
	spans := make([]*Span, 0, min(bytes.Count(data, []byte(`"traceId"`)), 1<<16))
	err := d.list(func(i int) error {
		span := new(Span)
		if err := d.span(span); err != nil {
			return fmt.Errorf("spans[%d]: %w", i, err)
		}
		spans = append(spans, span)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return spans, nil
}

type decoder struct{ scanner }

// known returns the keys of the format without allocating, and copies others.
func known(key []byte) string {
	switch string(key) { // does not allocate
	case "traceId":
		return "traceId"
	case "parentId":
		return "parentId"
	case "id":
		return "id"
	case "kind":
		return "kind"
	case "name":
		return "name"
	case "timestamp":
		return "timestamp"
	case "duration":
		return "duration"
	case "localEndpoint":
		return "localEndpoint"
	case "remoteEndpoint":
		return "remoteEndpoint"
	case "annotations":
		return "annotations"
	case "tags":
		return "tags"
	case "serviceName":
		return "serviceName"
	case "value":
		return "value"
	}
	return shared(key)
}

// shared returns one string for all that are equal: names and tag keys repeat in every span, and are kept for long.
func shared[T string | []byte](s T) string {
	if len(s) > 64 {
		return string(s)
	}
	return unique.Make(string(s)).Value()
}

func (d *decoder) span(s *Span) error {
	if err := d.object(func(key string) error { return in(key, d.member(s, key)) }); err != nil {
		return err
	}
	if s.TraceID == "" {
		return errors.New("traceId is missing")
	}
	if s.ID == "" {
		return errors.New("id is missing")
	}
	return s.Normalize()
}

// in prefixes an error about a value with its key.
func in(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%.64s: %w", key, err)
}

// member reads the value of one key of a span.
func (d *decoder) member(s *Span, key string) (err error) {
	switch key {
	case "traceId":
		s.TraceID, err = d.id()
		return err
	case "id":
		s.ID, err = d.id()
		return err
	}
	if d.null() {
		return nil
	}
	switch key {
	case "parentId":
		s.ParentID, err = d.id()
	case "kind":
		s.Kind, err = d.kind()
	case "name":
		s.Name, err = d.name()
	case "timestamp":
		s.Timestamp, err = d.integer()
	case "duration":
		s.Duration, err = d.integer()
	case "localEndpoint":
		s.LocalEndpoint, err = d.endpoint()
	case "remoteEndpoint":
		s.RemoteEndpoint, err = d.endpoint()
	case "annotations":
		s.Annotations, err = d.annotations()
	case "tags":
		s.Tags, err = d.tags()
	case "debug":
		s.Debug, err = d.flag(s.Debug)
	case "shared":
		s.Shared, err = d.flag(s.Shared)
	default:
		err = d.skip(0)
	}
	return err
}

// id reads an id, which must not be empty. Normalize reports anything else that is invalid.
func (d *decoder) id() (string, error) {
	id, err := d.text()
	if err == nil && id == "" {
		err = errors.New("is empty")
	}
	return id, err
}

// flag reads a boolean; once true it stays so.
func (d *decoder) flag(already bool) (bool, error) {
	value, err := d.boolean()
	return value || already, err
}

// name reads a string that many spans have in common.
func (d *decoder) name() (string, error) {
	raw, err := d.scalar("a string")
	return shared(raw), err
}

func (d *decoder) kind() (Kind, error) {
	text, err := d.name()
	if err != nil {
		return "", err
	}
	switch kind := Kind(text); kind {
	case Client, Server, Producer, Consumer:
		return kind, nil
	}
	return "", fmt.Errorf("want CLIENT, SERVER, PRODUCER or CONSUMER, got %.40q", text)
}

func (d *decoder) endpoint() (*Endpoint, error) {
	e := new(Endpoint)
	err := d.object(func(key string) (err error) {
		if d.null() {
			return nil
		}
		switch key {
		case "serviceName":
			e.ServiceName, err = d.name()
		case "ipv4", "ipv6":
			var ip string
			if ip, err = d.name(); err == nil {
				e.setIP(ip)
			}
		case "port":
			var port int64
			if port, err = d.integer(); err == nil {
				e.Port = int(max(min(port, 1<<16), 0)) // Normalize rejects a greater value
			}
		default:
			err = d.skip(0)
		}
		return in(key, err)
	})
	return e, err
}

func (d *decoder) annotations() ([]Annotation, error) {
	var annotations []Annotation
	err := d.list(func(i int) error {
		var a Annotation
		var timed, valued bool
		err := d.object(func(key string) (err error) {
			switch key {
			case "timestamp":
				timed = true
				a.Timestamp, err = d.integer()
			case "value":
				valued = true
				a.Value, err = d.text()
			default:
				err = d.skip(0)
			}
			return in(key, err)
		})
		if err == nil && !(timed && valued) {
			err = errors.New("want a timestamp and a value")
		}
		if err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
		annotations = append(annotations, a)
		return nil
	})
	return annotations, err
}

func (d *decoder) tags() (Tags, error) {
	var tags Tags
	err := d.object(func(key string) error {
		value, err := d.text()
		if err != nil {
			return in(key, err)
		}
		if tags == nil {
			tags = make(Tags, 0, 16)
		}
		tags = append(tags, Tag{key, value})
		return nil
	})
	return tags, err
}
