package child

import (
	"bytes"
	"strings"
)

// maxLine bounds the bytes of one line. The rest of a longer one is dropped.
const maxLine = 16 << 10

// splitter is the writer for a process's output. It splits the output into lines of at most maxLine bytes.
type splitter struct {
	emit    func(text string)
	partial []byte
	cut     bool // the line is longer than maxLine; its rest is being dropped
}

// Write never returns an error: output must not stop a process.
func (s *splitter) Write(data []byte) (int, error) {
	n := len(data)
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			s.keep(data)
			return n, nil
		}
		s.keep(data[:end])
		s.flush()
		data = data[end+1:]
	}
}

func (s *splitter) keep(data []byte) {
	if room := maxLine - len(s.partial); len(data) > room {
		data, s.cut = data[:room], true
	}
	s.partial = append(s.partial, data...)
}

// flush emits the current partial line.
func (s *splitter) flush() {
	text := strings.TrimSuffix(string(s.partial), "\r")
	if s.cut {
		text += " … (cut)"
	}
	s.partial, s.cut = s.partial[:0], false
	if text != "" {
		s.emit(text)
	}
}
