package core

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// The limits of a file that can be read at one sitting.
const (
	fileLinesMax   = 500
	functionLines  = 70
	tableLines     = 100 // A test may hold a long table.
	lineColumnsMax = 100
	tableColumns   = 120 // So that a case of a table stays on its line.
)

// The words are put together here, so that this file does not hold them.
var (
	bannedWords = []string{"TO" + "DO", "FIX" + "ME"}
	rawAtomic   = regexp.MustCompile(`\batomic\.(Add|Load|Store|Swap|CompareAndSwap|And|Or)` +
		`(Int32|Int64|Uint32|Uint64|Uintptr|Pointer)\(`)
)

// TestTidy reads every Go file of the module, room by room.
func TestTidy(t *testing.T) {
	root := repositoryRoot(t)
	rooms := map[string][]goFile{}
	for _, f := range goFiles(t) {
		rooms[f.room] = append(rooms[f.room], f)
	}
	for room, files := range rooms {
		t.Run(room, func(t *testing.T) {
			for _, f := range files {
				text, err := os.ReadFile(filepath.Join(root, f.path))
				if err != nil {
					t.Fatal(err)
				}
				for _, fault := range tidyFaults(f, string(text)) {
					t.Errorf("%s:%s", f.path, fault)
				}
			}
		})
	}
}

// TestNoBackupFiles looks for copies that somebody kept beside the files.
func TestNoBackupFiles(t *testing.T) {
	root := repositoryRoot(t)
	for _, pattern := range []string{"*", "*/*", "*/*/*", "*/*/*/*"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			switch filepath.Ext(file) {
			case ".bak", ".orig", ".rej", ".old":
				t.Errorf("%s is a kept copy", file)
			}
		}
	}
}

// tidyFaults returns what is wrong with a file, each with its line.
func tidyFaults(f goFile, text string) (faults []string) {
	fault := func(line int, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%d: ", line)+fmt.Sprintf(format, args...))
	}
	linesMax, columnsMax := functionLines, lineColumnsMax
	if strings.HasSuffix(f.path, "_test.go") {
		linesMax, columnsMax = tableLines, tableColumns
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > fileLinesMax {
		fault(fileLinesMax+1, "the file has %d lines; %d are the most", len(lines), fileLinesMax)
	}
	for i, line := range lines {
		if n := columns(line); n > columnsMax {
			fault(i+1, "%d columns; %d are the most", n, columnsMax)
		}
		for _, word := range bannedWords {
			if strings.Contains(line, word) {
				fault(i+1, "%s is for what was left undone", word)
			}
		}
		if rawAtomic.MatchString(line) {
			fault(i+1, "an atomic of a plain variable; use a typed one")
		}
	}
	for _, d := range f.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			first, last := f.set.Position(fn.Pos()).Line, f.set.Position(fn.End()).Line
			if n := last - first + 1; n > linesMax {
				fault(first, "%s has %d lines; %d are the most", fn.Name.Name, n, linesMax)
			}
		}
	}
	for _, group := range f.file.Comments {
		for _, c := range group.List {
			for i, line := range strings.Split(c.Text, "\n") {
				if isCode(line) {
					fault(f.set.Position(c.Pos()).Line+i, "a comment that is code: %s", line)
				}
			}
		}
	}
	return faults
}

// columns is the width of a line in characters; a tab is one.
func columns(line string) int { return utf8.RuneCountInString(line) }

// codeLine matches lines that Go has and sentences do not. In this order: assignments, calls,
// statements that open a block, cases, deferred and started calls, returns, ends of blocks, and
// lines that end in a semicolon.
var codeLine = regexp.MustCompile(`^(` +
	`[\w.\[\]]+(, [\w.\[\]]+)* (:= .*|[-+*/|&]?= (\S+|.*\)))` +
	`|[\w.]+\(.*\)` +
	`|(if|for|switch|select|func|defer|go|type|else|var|const|import|return)\b.*[{(]` +
	`|(case .*|default):` +
	`|(defer|go) [\w.]+\(.*\)` +
	`|return( [\w.]+,)* *(nil|err|true|false|[\w.]+\(.*\))` +
	`|\}.*\{|[})\]]+[;,)]*` +
	`|(\S+|.*\));` +
	`)$`)

// isCode reports whether one line of a comment is commented-out code. Indented lines are the
// examples and drawings of doc comments, and directives have no space.
func isCode(line string) bool {
	line = strings.TrimSpace(line)
	text, ok := strings.CutPrefix(line, "//")
	if !ok {
		text = " " + strings.TrimSuffix(strings.TrimPrefix(line, "/*"), "*/")
	}
	if strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "  ") {
		return false
	}
	return codeLine.MatchString(strings.TrimSpace(text))
}

// TestIsCode is the test of the test.
func TestIsCode(t *testing.T) {
	f := func(line string, want bool) {
		t.Helper()
		if got := isCode(line); got != want {
			t.Errorf("%q: code %v; want %v", line, got, want)
		}
	}
	f("// x := f(y)", true)
	f("//x = 5", true)
	f("// s.count, err = read(r)", true)
	f("// s.publish()", true)
	f("// fmt.Println(a, b)", true)
	f("// if x > 5 {", true)
	f("// for i := range n {", true)
	f("// } else {", true)
	f("// }", true)
	f("// })", true)
	f("// return nil", true)
	f("// return x, err", true)
	f("// defer f.Close()", true)
	f("// go run()", true)
	f("// func (r *ring) put(words []int64) {", true)
	f("// case 5:", true)
	f("// i++;", true)
	f("// s.count = 5", true)
	f("// n += f(x)", true)
	f("// var x = []int{", true)
	f("", false)
	f("//", false)
	f("// A sentence about x and y.", false)
	f("// Returns are made in order (first come, first served).", false)
	f("// received = stored + throttled + rejected.", false)
	f("// if the inbox is full, the sender waits", false)
	f("// for one goroutine, is only ever", false)
	f("// go on with the next", false)
	f("// received = stored + throttled can be checked while quotes flow", false)
	f("// the sender waits; it blocks;", false)
	f("// return to the sender what it gave (see above)", false)
	f("//\tx := f(y)", false)
	f("//\tif x {", false)
	f("//go:build !race", false)
	f("//go:embed data.txt", false)
	f("//nolint:errcheck", false)
}

// TestTidyFaults is the test of the test: each limit is found at its line.
func TestTidyFaults(t *testing.T) {
	f := func(name, text string, want ...string) {
		t.Helper()
		file := goFile{set: token.NewFileSet()}
		var err error
		file.file, err = parser.ParseFile(file.set, "x.go", text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		got := tidyFaults(file, text)
		if len(got) != len(want) {
			t.Fatalf("%s: faults %q; want %q", name, got, want)
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%s: fault %q; want %q", name, got[i], want[i])
			}
		}
	}
	const head = "package x\n"
	f("clean", head+"// A word.\nvar x = 1\n")
	f("word", head+"// "+bannedWords[0]+": later.\n", "2: "+bannedWords[0])
	f("atomic", head+"func f() { atomic."+"AddInt64(&x, 1) }\n", "2: an atomic")
	f("code", head+"var x = 1\n\n// x = 2\n", "4: a comment that is code")
	f("100 columns", head+"// "+strings.Repeat("é", 97)+"\n")
	f("101 columns", head+"// "+strings.Repeat("é", 98)+"\n", "2: 101 columns")
	f("tabs", head+"\t\t\t// "+strings.Repeat("x", 95)+"\n", "2: 101 columns")
	f("70 lines", head+"func f() {\n"+strings.Repeat("\tg()\n", 68)+"}\n")
	f("71 lines", head+"func f() {\n"+strings.Repeat("\tg()\n", 69)+"}\n", "2: f has 71 lines")
	f("500 lines", head+strings.Repeat("\n", 499))
	f("501 lines", head+strings.Repeat("\n", 500), "501: the file has 501 lines")
}
