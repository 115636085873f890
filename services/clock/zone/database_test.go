package zone

import (
	"archive/zip"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestNamesAreThoseOfGosTimeZoneDatabase(t *testing.T) {
	t.Parallel()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("no go command whose tz database can be read: %v", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	names := Open().Names()
	for _, file := range archive.File {
		if _, found := slices.BinarySearch(names, file.Name); !found && !strings.HasSuffix(file.Name, "/") {
			t.Errorf("%s is not in names.txt: run go generate ./zone", file.Name)
		}
	}
}

func TestEveryNameLoads(t *testing.T) {
	t.Parallel()
	db := Open()
	if !slices.IsSorted(db.Names()) || len(db.Names()) < 590 {
		t.Fatalf("want at least 590 sorted names, got %d, sorted: %t", len(db.Names()), slices.IsSorted(db.Names()))
	}
	for _, name := range db.Names() {
		zone, err := db.Zone(name)
		if err != nil {
			t.Error(err)
		} else if zone.Name() != name {
			t.Errorf("requested %s, got %s", name, zone.Name())
		}
		if segments := strings.Count(name, "/") + 1; segments > 3 {
			t.Errorf("%s has %d segments; the routes have at most three", name, segments)
		}
	}
}

func TestWhatIsNoNameIsUnknown(t *testing.T) {
	t.Parallel()
	db := Open()
	for _, name := range []string{
		"", ".", "/", "Mars/Base", "europe/berlin", "Europe", "Europe/", "/Europe/Berlin", "Europe//Berlin", "Europe/Berlin/",
		"Local", "../../etc/passwd", "Europe/../../../etc/passwd", "/etc/localtime", `Europe\Berlin`, "Europe/Berlin\x00", "UTC\n",
		"posix/Europe/Berlin", "right/UTC", "localtime", "zone.tab", strings.Repeat("Europe/", 10_000),
	} {
		if zone, err := db.Zone(name); !errors.Is(err, ErrUnknown) || zone != nil {
			t.Errorf("%.40q: got %v, %v; want ErrUnknown", name, zone, err)
		}
	}
}

func TestZoneIsParsedOnceAndShared(t *testing.T) {
	t.Parallel()
	db := Open()
	zones := make([]*Zone, 16)
	var wg sync.WaitGroup
	for i := range zones {
		wg.Go(func() { zones[i], _ = db.Zone("Pacific/Auckland") })
	}
	wg.Wait()
	for _, zone := range zones {
		if zone == nil || zone != zones[0] {
			t.Fatalf("got %p and %p for one name", zone, zones[0])
		}
	}
}
