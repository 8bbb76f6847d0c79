package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const library = "lightweight-charts.js"

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What the page and its modules name must be among the files, or the page stays empty.
func TestEveryNamedFileIsThere(t *testing.T) {
	f := func(name, pattern string) {
		t.Helper()
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, name), -1)
		for _, match := range found {
			if _, err := fs.Stat(Files, match[1]); err != nil {
				t.Errorf("%s names %s: %v", name, match[1], err)
			}
		}
	}
	f("index.html", `(?:src|href)="/web/([^"]*)"`)
	modules, err := fs.Glob(Files, "*.js")
	if err != nil || len(modules) < 2 {
		t.Fatalf("modules: got %q, %v", modules, err)
	}
	for _, name := range modules {
		if name != library {
			f(name, `from "\./([^"]*)"`)
		}
	}
}

// The page works under "default-src 'self'", and shows what a server says as text only.
func TestNothingInlineNothingForeign(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"an inline script":     regexp.MustCompile(`<script[^>]*>[^<]|javascript:`),
		"an inline style":      regexp.MustCompile(`<style|\bstyle=|setAttribute\("style"|cssText`),
		"an inline handler":    regexp.MustCompile(`<[^>]*\son[a-z]+=`),
		"text read as HTML":    regexp.MustCompile(`(?:inn|out)erHTML|AdjacentHTML|document\.write`),
		"code made from text":  regexp.MustCompile(`\beval\(|new Function`),
		"a file of some other": regexp.MustCompile(`(?:src|@import|url\(|fetch\(|from)[\s=]*["']?https?:`),
	}
	names, err := fs.Glob(Files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == library || strings.HasSuffix(name, ".txt") {
			continue
		}
		text := read(t, name)
		for what, pattern := range forbidden {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s has %s: %q", name, what, found)
			}
		}
	}
}

// The licence asks for the notice on the page, a link to TradingView and a copy of the licence.
func TestLibraryIsTheOneOfTheNotice(t *testing.T) {
	sum := sha256.Sum256([]byte(read(t, library)))
	notice, page := read(t, "NOTICE.txt"), read(t, "index.html")
	if got := hex.EncodeToString(sum[:]); !strings.Contains(notice, got) {
		t.Errorf("sha256 of %s: got %s, which NOTICE.txt does not name", library, got)
	}
	for _, want := range []string{
		`href="https://www.tradingview.com/"`, "TradingView, Inc.", `href="/web/NOTICE.txt"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("index.html: got no %s", want)
		}
	}
	if text := read(t, "LICENSE-lightweight-charts.txt"); !strings.Contains(text, "Apache License") {
		t.Error("the licence of the library: got another text, want the Apache License")
	}
}

// TestAccountEvents runs what the page knows of an account's events and of its ticket, where there
// is an engine for JavaScript. It was seen to find a gap that did not show, and an order that was
// not answered and got another id.
func TestAccountEvents(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("ENGINE_TEST_STRICT") != "" {
			t.Fatal("the program node is missing")
		}
		t.Skip("the program node is missing")
	}
	dir := t.TempDir()
	test, err := os.ReadFile("testdata/events.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"events.mjs": read(t, "events.js"), "test.mjs": string(test),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("node", filepath.Join(dir, "test.mjs")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Every part of the page that a module asks for by its id is on the page.
func TestEveryIDIsOnThePage(t *testing.T) {
	page := read(t, "index.html")
	modules, err := fs.Glob(Files, "*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range modules {
		for _, match := range regexp.MustCompile(`byId\("([a-z-]+)"\)`).FindAllStringSubmatch(read(t, name), -1) {
			if !strings.Contains(page, `id="`+match[1]+`"`) {
				t.Errorf("%s asks for #%s, which is not on the page", name, match[1])
			}
		}
	}
}
