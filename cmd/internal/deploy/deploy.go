package deploy

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// The dashboard lies packed in the binary, which its size would show in; whoever changes it runs go
// generate.
//
//go:generate gzip -9nkf dashboard.json
//go:embed alerts.yml dashboard.json.gz trading-engine.service task.xml
var files embed.FS

const packed = ".gz"

// Place is where the binary runs.
type Place struct {
	Binary string // Absolute path of the binary. Its folder is where server.log lies.
	User   string // Who runs it.
}

var names = map[string]string{
	"alerts": "alerts.yml", "dashboard": "dashboard.json" + packed,
	"systemd": "trading-engine.service",
	"task":    "task.xml",
}

// Kinds are what Print knows, in the order in which a person should read of them.
var Kinds = []string{"alerts", "dashboard", "systemd", "task"}

// Print writes a file for a place.
func Print(w io.Writer, kind string, p Place) error {
	name, ok := names[kind]
	if !ok {
		return fmt.Errorf("there is no %q; there are %s", kind, strings.Join(Kinds, " "))
	}
	text, err := read(name)
	if err != nil {
		return err
	}
	escape := escapes[kind].Replace
	_, err = strings.NewReplacer(
		"@BINARY@", escape(p.Binary), "@DIR@", escape(filepath.Dir(p.Binary)), "@USER@", escape(p.User),
	).WriteString(w, string(text))
	return err
}

// read returns a file, unpacked.
func read(name string) ([]byte, error) {
	text, err := files.ReadFile(name)
	if err != nil || !strings.HasSuffix(name, packed) {
		return text, err
	}
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// escapes are how a path or a name stands in each kind of file.
var escapes = map[string]*strings.Replacer{
	"alerts": strings.NewReplacer(), "dashboard": strings.NewReplacer(),
	"systemd": strings.NewReplacer("%", "%%"), // Else it begins a specifier.
	"task":    strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;"),
}
