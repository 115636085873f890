package lesson

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPatch(t *testing.T) {
	t.Parallel()
	const text = "a\nb # kept\nc\nd\nb\n"
	for _, c := range []struct{ name, patch, want, wrong string }{
		{"a line", "--- f\n-c\n+C", "a\nb # kept\nC\nd\nb\n", ""},
		{"with context", "--- f\n d\n-b\n+B", "a\nb # kept\nc\nd\nB\n", ""},
		{"two places", "--- f\n-a\n+A\n@@\n-c\n+C\n+C2", "A\nb # kept\nC\nC2\nd\nb\n", ""},
		{"not there", "--- f\n-x\n+y", text, "want these lines once, got them 0 times:\nx"},
		{"twice", "--- f\n-b\n+B\n", "a\nb # kept\nc\nd\nB\n", ""},
		{"outside", "--- ../f\n-a\n+A", text, "escapes"},
		{"only added", "--- f\n+x", text, "want these lines once"},
		{"a file that is not there", "--- g\n-a\n+A", text, "no such file"},
		{"no file", "-a\n+A", text, "want --- FILE before the changes"},
		{"no sign", "--- f\na", text, "want a line that begins with a blank, +, - or @@"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = root.Close() }()
			p := &player{root: root}
			part := Part{Lines: strings.Split(c.patch, "\n")}
			err = p.change(part)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("error %v, want %q", err, c.wrong)
			}
			got, readErr := os.ReadFile(filepath.Join(dir, "f"))
			if readErr != nil || string(got) != c.want {
				t.Errorf("got %q, %v, want %q", got, readErr, c.want)
			}
			if p.changed(part) != (err == nil) {
				t.Errorf("changed reports %v after the error %v", p.changed(part), err)
			}
			if err == nil && p.change(part) != nil {
				t.Error("the same change again fails: a learner may have made it by hand")
			}
		})
	}
}

func TestPatchMakesAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	p, part := &player{root: root}, Part{Lines: []string{"--- overlays/mine/a.yaml", "+a:", "+  b", "--- c.yaml", "+d"}}
	if p.changed(part) {
		t.Error("the change counts as made before it is")
	}
	for range 2 {
		if err := p.change(part); err != nil || !p.changed(part) {
			t.Fatalf("changed %v, error %v", p.changed(part), err)
		}
	}
	for name, want := range map[string]string{"overlays/mine/a.yaml": "a:\n  b\n", "c.yaml": "d\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}

// A change that only removes lines is not there before it is applied, with context or without.
func TestRemovalIsApplied(t *testing.T) {
	t.Parallel()
	for _, diff := range [][]string{{"--- f", "-b", "-c"}, {"--- f", " a", "-b", "-c"}, {"--- f", "-b", "-c", " d"}} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte("a\nb\nc\nd\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		patches, err := parsePatch(diff)
		if err != nil {
			t.Fatal(err)
		}
		if patches[0].applied(root) {
			t.Errorf("%q is there before it is applied", diff)
		}
		if err := patches[0].apply(root); err != nil {
			t.Fatal(err)
		}
		if text, err := root.ReadFile("f"); err != nil || string(text) != "a\nd\n" || !patches[0].applied(root) {
			t.Errorf("%q gives %q (%v), applied %t", diff, text, err, patches[0].applied(root))
		}
		_ = root.Close()
	}
}
