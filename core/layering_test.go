package core

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module     = "tradingengine"
	faultyDisk = module + "/persist/faultvfs"
	contract   = module + "/httpd/contract"
)

// mayImport says which rooms of the module the packages of a room may import, beside packages of
// their own room. A room is a folder with all below it, but for the longer names of other rooms.
var mayImport = map[string][]string{
	"core":         {},
	"core/feed":    {"core"},
	"core/alert":   {"core"},
	"core/trading": {"core"},
	"core/desk":    {"core", "core/trading", "core/alert"},
	"persist":      {"core", "core/trading", "core/alert"},
	"httpd": {
		"core", "core/trading", "core/desk", "core/alert", "httpd/contract",
	},
	"httpd/contract": {},
	"bench":          {},
	"cmd": {
		"core", "core/feed", "core/alert", "core/trading", "core/desk", "persist", "httpd",
		"httpd/contract",
	},
}

// guarded are the packages from outside that are used at all, by prefix, and the only rooms that
// may name them.
var guarded = map[string][]string{
	"database/sql":                  {"persist"},
	"modernc.org/":                  {"persist"},
	"github.com/valyala/":           {"httpd", "bench"},
	"github.com/fasthttp/":          {"httpd", "bench"},
	"github.com/puzpuzpuz/xsync/":   {"core"},
	"github.com/HdrHistogram/":      {"bench"},
	"github.com/gofrs/flock":        {"persist", "cmd"},
	"github.com/klauspost/compress": {"httpd", "bench", "cmd", "core/feed"},
	"gopkg.in/natefinch/lumberjack": {"cmd"},
	"github.com/santhosh-tekuri/":   {"httpd/contract"},
}

// goFile is a source file of the module. Its room is "" when its folder is none.
type goFile struct {
	path string // Slashes, from the root of the module.
	room string
	file *ast.File
	set  *token.FileSet
}

// goFiles parses every Go file of the module.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	root := repositoryRoot(t)
	var files []goFile
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == "testdata" || path != root && name[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		f := goFile{set: token.NewFileSet()}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f.path = filepath.ToSlash(relative)
		f.room = roomOf(filepath.ToSlash(filepath.Dir(relative)))
		f.file, err = parser.ParseFile(f.set, path, nil, parser.ParseComments)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 {
		t.Fatalf("only %d Go files found", len(files))
	}
	return files
}

// roomOf finds the room of a package by its longest name.
func roomOf(folder string) (room string) {
	for name := range mayImport {
		if (folder == name || strings.HasPrefix(folder, name+"/")) && len(name) > len(room) {
			room = name
		}
	}
	return room
}

// TestImportsFollowTheArrows reads the imports of every file, tests included.
func TestImportsFollowTheArrows(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.room == "" {
			t.Errorf("%s lies in no room", f.path)
			continue
		}
		for _, spec := range f.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if fault := wrongImport(f.room, path); fault != "" {
				t.Errorf("%s imports %s: %s", f.path, path, fault)
			}
			if (path == faultyDisk || path == contract) && !strings.HasSuffix(f.path, "_test.go") {
				t.Errorf("%s imports %s: only tests may", f.path, path)
			}
		}
	}
}

// wrongImport says why a package of a room must not import path, or "".
func wrongImport(room, path string) string {
	if ours, ok := strings.CutPrefix(path, module+"/"); ok {
		target := roomOf(ours)
		if target != room && !slices.Contains(mayImport[room], target) {
			return room + " must not know " + target
		}
		return ""
	}
	for prefix, rooms := range guarded {
		if strings.HasPrefix(path, prefix) {
			if !slices.Contains(rooms, room) {
				return "only " + strings.Join(rooms, " and ") + " may"
			}
			return ""
		}
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return "no room may"
	}
	return ""
}

// TestWrongImport is the test of the test: arrows that must be refused are.
func TestWrongImport(t *testing.T) {
	f := func(room, path string, wrong bool) {
		t.Helper()
		if got := wrongImport(room, path); (got != "") != wrong {
			t.Errorf("%s imports %s: %q; want a fault: %v", room, path, got, wrong)
		}
	}
	f("core", "strings", false)
	f("core", "github.com/puzpuzpuz/xsync/v3", false)
	f("core", "tradingengine/core/feed", true)
	f("core", "github.com/valyala/fasthttp", true)
	f("core/feed", "tradingengine/core", false)
	f("core/feed", "tradingengine/core/trading", true)
	f("core/trading", "tradingengine/core/desk", true)
	f("core/desk", "tradingengine/core/trading", false)
	f("persist", "tradingengine/core/alert", false)
	f("persist", "tradingengine/core/feed", true)
	f("persist", "tradingengine/httpd", true)
	f("persist", "database/sql", false)
	f("httpd", "database/sql", true)
	f("httpd", "tradingengine/persist", true)
	f("httpd", "tradingengine/httpd/web", false)
	f("httpd", "github.com/fasthttp/websocket", false)
	f("cmd", "tradingengine/persist", false)
	f("cmd", "github.com/valyala/fasthttp", true)
	f("cmd", "modernc.org/sqlite", true)
	f("bench", "tradingengine/core", true)
	f("bench", "github.com/sirupsen/logrus", true)
	if got := roomOf("core/feed/deeper"); got != "core/feed" {
		t.Errorf("core/feed/deeper lies in %s", got)
	}
	if got := roomOf("corex"); got != "" {
		t.Errorf("corex lies in %s", got)
	}
}

// TestQueueStaysInside finds xsync in anything that core exports.
func TestQueueStaysInside(t *testing.T) {
	named := 0
	for _, f := range goFiles(t) {
		if f.room != "core" {
			continue
		}
		for _, found := range exportedUses(f.file, "xsync") {
			t.Errorf("%s: %s shows xsync", f.path, found)
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && isPackage(s.X, "xsync") {
				named++
			}
			return true
		})
	}
	if named == 0 {
		t.Error("xsync is named nowhere, so this test looks at the wrong files")
	}
}

func isPackage(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}

// exportedUses names the exported declarations of a file whose types mention a package: functions
// and methods by their signatures, types by their exported fields, variables by their types.
func exportedUses(file *ast.File, pkg string) (found []string) {
	mentions := func(n ast.Node) (yes bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && len(field.Names) > 0 {
				if !slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
					return false
				}
			}
			s, ok := n.(*ast.SelectorExpr)
			yes = yes || ok && isPackage(s.X, pkg)
			return true
		})
		return yes
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			signature := &ast.FuncType{Params: exportedParams(d.Type.Params)}
			signature.Results = exportedParams(d.Type.Results)
			if d.Name.IsExported() && mentions(signature) {
				found = append(found, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.IsExported() && mentions(spec.Type) {
						found = append(found, spec.Name.Name)
					}
				case *ast.ValueSpec:
					if spec.Names[0].IsExported() && mentions(spec) {
						found = append(found, spec.Names[0].Name)
					}
				}
			}
		}
	}
	return found
}

// exportedParams drops the names of parameters, which matter to nobody outside.
func exportedParams(list *ast.FieldList) *ast.FieldList {
	bare := &ast.FieldList{}
	if list != nil {
		for _, field := range list.List {
			bare.List = append(bare.List, &ast.Field{Type: field.Type})
		}
	}
	return bare
}

// TestExportedUses is the test of the test.
func TestExportedUses(t *testing.T) {
	f := func(decl string, want bool) {
		t.Helper()
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+decl, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := exportedUses(file, "xsync"); (len(got) > 0) != want {
			t.Errorf("%s: found %v; want a find: %v", decl, got, want)
		}
	}
	f("func F(q *xsync.Q) {}", true)
	f("func F() []xsync.Q { return nil }", true)
	f("func (r *R) F(f func(xsync.Q)) {}", true)
	f("func f(q *xsync.Q) {}", false)
	f("func F() { xsync.New() }", false)
	f("type T struct { Q *xsync.Q }", true)
	f("type T struct { q *xsync.Q }", false)
	f("type T struct { *xsync.Q }", true)
	f("type t struct { Q *xsync.Q }", false)
	f("type T map[string]xsync.Q", true)
	f("var V xsync.Q", true)
	f("var v = xsync.New()", false)
	f("var V = xsync.New()", true)
}
