package workload

import (
	"net"
	"regexp"
	"strconv"
	"strings"
)

// localPorts rewrites what a manifest states about the ports of its pod to ports of this machine: in a cluster every pod has an address of its
// own, and here all share one.
type localPorts struct {
	host  string
	ports map[int]int // of this machine, by container port
	own   [][]int     // container ports of a given program; empty for others, which read PORT
}

// localAddress matches an address of the pod itself: localhost:8080, or one that a program listens on.
var localAddress = regexp.MustCompile(`(^|[^\w.:\-\]])(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):(\d{1,5})\b`)

// text rewrites the addresses of the pod itself in a text.
func (l localPorts) text(s string) string {
	return localAddress.ReplaceAllStringFunc(s, func(match string) string {
		parts := localAddress.FindStringSubmatch(match)
		port, _ := strconv.Atoi(parts[2]) // digits
		if l.ports[port] == 0 {
			return match
		}
		return parts[1] + net.JoinHostPort(l.host, strconv.Itoa(l.ports[port]))
	})
}

// word rewrites a word of a command line. Of a given program it also rewrites its own ports where they are the whole word or follow the first =:
// 8080, :8080, --port=8080, --listen=:8080.
func (l localPorts) word(s string) string {
	flag, value, isFlag := strings.Cut(s, "=")
	if !isFlag || !strings.HasPrefix(s, "-") {
		flag, value = "", s
	} else {
		flag += "="
	}
	if port := l.ownPort(strings.TrimPrefix(value, ":")); port != 0 {
		if strings.HasPrefix(value, ":") {
			return flag + net.JoinHostPort(l.host, strconv.Itoa(port))
		}
		return flag + strconv.Itoa(port)
	}
	return l.text(s)
}

// variable rewrites the value of a variable. Of a given program it also rewrites its own ports: 8080 if the variable's name ends with PORT, and
// :8080.
func (l localPorts) variable(name, value string) string {
	if strings.HasPrefix(value, ":") || strings.HasSuffix(strings.ToUpper(name), "PORT") {
		return l.word(value)
	}
	return l.text(value)
}

// ownPort returns the port of this machine for a container port of the program itself; 0 for anything else.
func (l localPorts) ownPort(text string) int {
	for _, listens := range l.own {
		if text == strconv.Itoa(listens[0]) {
			return l.ports[listens[0]]
		}
	}
	return 0
}
