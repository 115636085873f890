package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// silence is how long a server may leave every request without a response.
const silence = 5 * time.Second

// client sends requests over several connections from one thread, by epoll: at thousands of requests a second Go's scheduler would take
// longer to read the responses than the servers take to respond.
type client struct {
	target
	address     unix.Sockaddr
	path        string
	poll, timer int                 // descriptors: of epoll, and of the timer for the next request that is due
	connections map[int]*connection // by descriptor
	free        []*connection
	request     []byte
	host        int // the next of the hosts
	pressed
	trouble error
}

// connection is one keep-alive connection, with one request at a time.
type connection struct {
	fd     int
	since  time.Time // when its request was due
	answer []byte    // what has arrived of its response
}

// load sends requests over a number of connections by the schedule, and waits for every response.
func (t target) load(connections int, plan schedule) (pressed, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := newClient(t, connections, int(max(plan.rate, 50_000)*plan.duration.Seconds()))
	if err != nil {
		return pressed{}, err
	}
	defer c.close()
	begin := time.Now()
	err = c.run(begin, plan)
	c.elapsed = time.Since(begin)
	slices.Sort(c.latency)
	if err == nil && c.failures > 0 {
		err = fmt.Errorf("%d of %d requests failed, one: %w", c.failures, c.requests, c.trouble)
	}
	return c.pressed, err
}

func newClient(t target, connections, expected int) (*client, error) {
	u, err := url.Parse(t.url)
	if err != nil {
		return nil, err
	}
	at, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		return nil, fmt.Errorf("%s: want an address and a port: %w", t.url, err)
	}
	c := &client{target: t, address: &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}, path: u.RequestURI(),
		poll: -1, timer: -1, connections: map[int]*connection{}}
	if len(c.hosts) == 0 {
		c.hosts = []string{u.Host}
	}
	c.latency = make([]time.Duration, 0, expected)
	if err := c.open(connections); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// open opens the connections, the epoll instance and the timer.
func (c *client) open(connections int) (err error) {
	if c.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if c.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	if err := c.watch(c.timer); err != nil {
		return err
	}
	for range connections {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		one := &connection{fd: fd}
		c.connections[fd] = one
		c.free = append(c.free, one)
		err = errors.Join(unix.Connect(fd, c.address), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.SetNonblock(fd, true), c.watch(fd))
		if err != nil {
			return fmt.Errorf("%s: %w", c.url, err)
		}
	}
	return nil
}

func (c *client) watch(fd int) error {
	return unix.EpollCtl(c.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (c *client) close() {
	for fd := range c.connections {
		unix.Close(fd)
	}
	unix.Close(c.timer)
	unix.Close(c.poll)
}

// run sends due requests while connections are free, and reads responses, until all have arrived.
func (c *client) run(begin time.Time, plan schedule) error {
	events := make([]unix.EpollEvent, len(c.connections)+1)
	for sent, more := 0, true; more || len(c.free) < len(c.connections); {
		for more && len(c.free) > 0 {
			var due time.Time
			if due, more = plan.due(begin, sent); !more {
				break
			}
			if wait := time.Until(due); wait > 0 {
				next := unix.ItimerSpec{Value: unix.NsecToTimespec(wait.Nanoseconds())}
				if err := unix.TimerfdSettime(c.timer, 0, &next, nil); err != nil {
					return err
				}
				break
			}
			if err := c.send(due); err != nil {
				return err
			}
			sent++
		}
		if !more && len(c.free) == len(c.connections) {
			break
		}
		n, err := unix.EpollWait(c.poll, events, int(silence.Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("%s: no response for %v", c.url, silence)
		}
		if err := c.came(events[:n]); err != nil {
			return err
		}
	}
	return nil
}

// came handles epoll events.
func (c *client) came(events []unix.EpollEvent) error {
	for _, e := range events {
		if int(e.Fd) == c.timer {
			var count [8]byte
			unix.Read(c.timer, count[:]) // the read only clears the event
			continue
		}
		if err := c.read(c.connections[int(e.Fd)]); err != nil {
			return fmt.Errorf("%s: %w", c.url, err)
		}
	}
	return nil
}

// send writes a request, which was due at the given time, to a free connection.
func (c *client) send(due time.Time) error {
	one := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	one.since, one.answer = due, one.answer[:0]
	c.request = fmt.Appendf(c.request[:0], "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n\r\n", c.path, c.hosts[c.host])
	c.host = (c.host + 7919) % len(c.hosts) // a prime: every host gets its turn
	n, err := unix.Write(one.fd, c.request)
	if err == nil && n < len(c.request) {
		err = errors.New("a request of a few bytes does not fit into an idle connection")
	}
	return err
}

// read reads what has arrived on a connection. After the whole response the connection is free.
func (c *client) read(one *connection) error {
	one.answer = slices.Grow(one.answer, 16<<10)
	n, err := unix.Read(one.fd, one.answer[len(one.answer):cap(one.answer)])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return err
	case n == 0:
		return errors.New("the server has closed a kept connection")
	}
	one.answer = one.answer[:len(one.answer)+n]
	status, whole, err := answered(one.answer)
	if err != nil || !whole {
		return err
	}
	c.requests++
	c.latency = append(c.latency, time.Since(one.since))
	if status != 200 {
		c.failures++
		c.trouble = fmt.Errorf("%s responded with %d: %.400s", c.url, status, one.answer)
	}
	c.free = append(c.free, one)
	return nil
}

// answered reports whether a response is complete, and its status. The response must state its length.
func answered(answer []byte) (status int, whole bool, err error) {
	head, body, complete := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !complete {
		return 0, false, nil
	}
	first, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(first) < len("HTTP/1.1 200") {
		return 0, false, fmt.Errorf("want a status line of HTTP/1.1, got %q", first)
	}
	if status, err = strconv.Atoi(string(first[len("HTTP/1.1 "):len("HTTP/1.1 200")])); err != nil {
		return 0, false, fmt.Errorf("want a status line of HTTP/1.1, got %q", first)
	}
	for line := range bytes.SplitSeq(rest, []byte("\r\n")) {
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			length, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			return status, len(body) >= length, err
		}
	}
	return 0, false, fmt.Errorf("want a response with Content-Length, got %q", head)
}
