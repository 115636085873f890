// Package zone converts times to any zone of the tz database, in the format of worldtimeapi.org.
//
// It reads no clock and no network: its input is a time, its output a [Reading].
package zone

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a scratch image has no zoneinfo
)

//go:generate go run names_generate.go

// names.txt is needed because the time package loads a zone by its name but has no list of names.
//
//go:embed names.txt
var embeddedNames string

// ErrUnknown is wrapped by the error of [Database.Zone] for a name that is not in the tz database.
var ErrUnknown = errors.New("unknown time zone")

// Database holds the zones of the tz database. It parses each on first use and keeps it. It only loads names of the database, so it cannot
// grow beyond them. Safe for concurrent use.
type Database struct {
	names []string
	zones map[string]func() (*Zone, error)
}

// Open returns a Database of every zone in Go's own tz database.
func Open() *Database {
	names := strings.Fields(embeddedNames)
	db := &Database{names: names, zones: make(map[string]func() (*Zone, error), len(names))}
	for _, name := range names {
		db.zones[name] = sync.OnceValues(func() (*Zone, error) {
			location, err := time.LoadLocation(name)
			if err != nil {
				return nil, fmt.Errorf("time zone %s: %w", name, err)
			}
			return &Zone{name: name, location: location}, nil
		})
	}
	return db
}

// Names returns the zones, sorted by byte, including links such as US/Pacific. The slice is shared: do not change it.
func (db *Database) Names() []string { return db.names }

// Zone returns a zone by its exact name. Any name that is not one of Names gives ErrUnknown and never reaches the file system.
func (db *Database) Zone(name string) (*Zone, error) {
	load, ok := db.zones[name]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknown, name)
	}
	return load()
}

// Zone is one zone of the tz database.
type Zone struct {
	name     string
	location *time.Location
}

// Name returns the zone's name in the tz database.
func (z *Zone) Name() string { return z.name }
