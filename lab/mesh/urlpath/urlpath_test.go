package urlpath

import "testing"

// The expected values are the responses of Envoy 1.40, configured by Istio 1.31.
func TestNormalizePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/a": "/a", "/a/../b": "/b", "/a/./b": "/a/b", "/a/..": "/", "/a/.": "/a/", "/..": "/", "/../a": "/a", "/a//b": "/a//b", "//a": "//a",
		"/a/b/../../c": "/c", "/a%2e%2e/b": "/a../b", "/%2e%2e/b": "/b", "/a/%2e%2e/b": "/b", "/a/%2E./b": "/b", "/a%2fb": "/a%2fb", "/a%2Fb": "/a%2Fb",
		"/a%5cb": "/a%5cb", `/a\b`: "/a/b", `/a\..\b`: "/b", "/a%41b": "/aAb", "/a%7eb": "/a~b", "/a%7Eb": "/a~b", "/a%20b": "/a%20b",
		"/a%7f": "/a%7f", "/a%80": "/a%80", "/%E4%BD%A0": "/%E4%BD%A0", "/a?x=/../b": "/a?x=/../b", "/a/../b?x=%41": "/b?x=%41",
		"/a%3Fb": "/a%3Fb", "/a%23b": "/a%23b", "/a;b": "/a;b", "/a:b": "/a:b", "/a@b": "/a@b", `/a"b`: "/a%22b", "/a<b": "/a%3Cb",
		"/a^b": "/a%5Eb", "/a{b}": "/a%7Bb%7D", "/a|b": "/a%7Cb", "/a`b": "/a%60b", "/a[b]": "/a[b]", "/a/...": "/a/...", "/a/..b": "/a/..b",
		"/a/.b/": "/a/.b/", "/a/b/..": "/a/", "/a/b/../": "/a/", "/./a": "/a", "/a/%2e/b": "/a/b", "/a%c0%ae": "/a%c0%ae",
		"/a%2D%2d%5F%2e%30": "/a--_.0", "/a%21%27%28%29%2a": "/a%21%27%28%29%2a", "/a%26%3d%2b%24%2c%3a%40": "/a%26%3d%2b%24%2c%3a%40",
		"/a/b/../../../c": "/c", `/a\\b`: "/a//b", "/%5c": "/%5c", "/a+b": "/a+b", "/a/%2e%2e%2fb": "/a/..%2fb", "/a..;/b": "/a..;/b", "/a/;/b": "/a/;/b",
		"/a//../b": "/a/b", "//..": "/", "//../a": "/a", "/a/..//b": "//b", "/.": "/", "/..?": "/?",
	} {
		if got, ok := Normalize(path); got != want || !ok {
			t.Errorf("Normalize(%q) = %q, %v, want %q", path, got, ok, want)
		}
	}
	for _, path := range []string{"/a%zz", "/a%", "/a%4", "/a%00b", "/a#frag", "/a?x#frag", "/é", "/a b", "a", "*", ""} {
		if got, ok := Normalize(path); ok {
			t.Errorf("Normalize(%q) = %q, want it refused", path, got)
		}
	}
}

func FuzzNormalizePath(f *testing.F) {
	for _, path := range []string{"/a/../b", "/%2e%2e/%41", `/a\b`, "/a//..", "/?", "/%"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once, ok := Normalize(path)
		if !ok {
			return
		}
		if once == "" || once[0] != '/' {
			t.Fatalf("Normalize(%q) = %q does not begin with a slash", path, once)
		}
		if twice, ok := Normalize(once); !ok || twice != once {
			t.Fatalf("Normalize(%q) = %q, and of that %q, %v", path, once, twice, ok)
		}
	})
}
