package core

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// pureRooms are the packages that are deterministic: what they do follows from their inputs alone.
var pureRooms = []string{"trading", "alert", "heap"}

// allowed are the packages that a deterministic state machine may use. Of time it may use what has
// no clock, which impure checks by name.
var allowed = map[string]bool{
	module + "/core": true, module + "/core/heap": true, "bytes": true, "cmp": true,
	"crypto/sha256": true, "encoding/binary": true, "encoding/hex": true, "encoding/json": true,
	"errors": true, "fmt": true, "hash": true, "math": true, "math/bits": true, "slices": true,
	"strconv": true, "strings": true, "time": true, "unicode/utf8": true,
}

// importing reads the packages that are imported, each once.
var importing = func() (shared struct {
	set      *token.FileSet
	importer types.Importer
},
) {
	shared.set = token.NewFileSet()
	shared.importer = importer.ForCompiler(shared.set, "source", nil)
	return shared
}()

// impure returns what in the files a deterministic state machine must not have: clocks, files,
// goroutines, channels, locks, random numbers, floating point and iteration over maps.
func impure(t *testing.T, names []string, sources []any) (faults []string) {
	t.Helper()
	set := importing.set
	var files []*ast.File
	for i, name := range names {
		file, err := parser.ParseFile(set, name, sources[i], 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importing.importer}
	if _, err := config.Check("pure", set, files, info); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, spec := range file.Imports {
			if path, _ := strconv.Unquote(spec.Path.Value); !allowed[path] {
				faults = append(faults, "imports "+path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if fault := impureNode(n, info); fault != "" {
				faults = append(faults, set.Position(n.Pos()).String()+": "+fault)
			}
			return true
		})
	}
	return faults
}

func impureNode(n ast.Node, info *types.Info) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a goroutine"
	case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		return "a channel"
	case *ast.RangeStmt:
		if _, isMap := info.TypeOf(n.X).Underlying().(*types.Map); isMap {
			return "iteration over a map"
		}
	case *ast.SelectorExpr:
		if id, ok := n.X.(*ast.Ident); ok {
			switch id.Name + "." + n.Sel.Name {
			case "time.Now", "time.Since", "time.Until", "time.After", "time.Sleep",
				"time.NewTimer", "time.NewTicker", "time.Tick", "core.Now":
				return "a clock"
			}
		}
	}
	if x, ok := n.(ast.Expr); ok {
		if tv, ok := info.Types[x]; ok {
			if b, ok := tv.Type.Underlying().(*types.Basic); ok && b.Info()&types.IsFloat != 0 {
				return "floating point"
			}
		}
	}
	return ""
}

// TestMachinesAreDeterministic reads the source of the packages.
func TestMachinesAreDeterministic(t *testing.T) {
	for _, room := range pureRooms {
		t.Run(room, func(t *testing.T) {
			paths, err := filepath.Glob(room + "/*.go")
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			var sources []any
			for _, path := range paths {
				if strings.HasSuffix(path, "_test.go") {
					continue
				}
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				names, sources = append(names, path), append(sources, text)
			}
			if len(names) < 2 {
				t.Fatalf("only %d files found", len(names))
			}
			for _, fault := range impure(t, names, sources) {
				t.Error(fault)
			}
		})
	}
}

// TestImpure is the test of the test: each forbidden thing is found.
func TestImpure(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		faults := impure(t, []string{"x.go"}, []any{"package x\n" + body})
		if got := strings.Join(faults, "; "); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q; want %q", body, got, want)
		}
	}
	f("func f(m map[int]int) { for range m {} }", "iteration over a map")
	f("type set map[int]int\nfunc f(m set) { for k := range m { _ = k } }", "iteration over a map")
	f("func f(m []int) { for range m {} }", "")
	f("func f() { go f() }", "a goroutine")
	f("func f(c chan int) {}", "a channel")
	f("func f(x int) int { return int(float64(x) * 1.5) }", "floating point")
	f("const c = 1.5", "floating point")
	f("import \"time\"\nvar t = time.Now()", "a clock")
	f("import \"time\"\nconst d = time.Sunday", "")
	f("import \"sync\"\nvar l sync.Mutex", "imports sync")
	f("import \"math/rand/v2\"\nvar n = rand.Int()", "imports math/rand/v2")
	f("import \"os\"\nvar _ = os.Args", "imports os")
}
