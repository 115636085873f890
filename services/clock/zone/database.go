// Package zone tells the time in any zone of the tz database, in the words of worldtimeapi.org.
//
// It reads no clock and no network: a time goes in, a [Reading] comes out.
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

// names.txt is needed because the time package loads a zone by its name but never says which there are.
//
//go:embed names.txt
var embeddedNames string

// ErrUnknown is what [Database.Zone] wraps for a name that is not in the tz database.
var ErrUnknown = errors.New("unknown time zone")

// Database holds the zones of the tz database. Each is parsed when first asked for and kept; since only the names of the
// database are ever loaded, it cannot grow beyond them. Safe for concurrent use.
type Database struct {
	names []string
	zones map[string]func() (*Zone, error)
}

// Open makes a Database of every zone that Go's own tz database has.
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

// Names lists the zones, sorted by byte, links such as US/Pacific included. The slice is shared: do not change it.
func (db *Database) Names() []string { return db.names }

// Zone finds a zone by its exact name. Whatever is not one of Names is ErrUnknown and never reaches the file system.
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

// Name is the zone's name in the tz database.
func (z *Zone) Name() string { return z.name }
