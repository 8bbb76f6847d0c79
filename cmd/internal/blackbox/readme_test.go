package blackbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeHasAllFlags compares the reference in README with what -h prints.
func TestReadmeHasAllFlags(t *testing.T) {
	help, err := command(t.TempDir(), "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, flags, _ := strings.Cut(string(help), "\n\n  -")
	readme, err := os.ReadFile(filepath.Join(root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split("  -"+strings.TrimSpace(flags), "\n") {
		if !strings.Contains(string(readme), "\n"+line+"\n") {
			t.Errorf("README does not have the line %q of -h", line)
		}
	}
}
