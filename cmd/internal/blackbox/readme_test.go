package blackbox

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tradingengine/httpd/contract"
)

func readReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeHasAllFlags compares the reference in README with what -h prints.
func TestReadmeHasAllFlags(t *testing.T) {
	help, err := command(t.TempDir(), "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, flags, _ := strings.Cut(string(help), "\n\n  -")
	readme := readReadme(t)
	for _, line := range strings.Split("  -"+strings.TrimSpace(flags), "\n") {
		if !strings.Contains(readme, "\n"+line+"\n") {
			t.Errorf("README does not have the line %q of -h", line)
		}
	}
}

// TestReadmeHasAllVerbs looks for every verb in README, and for every flag of each. It was seen to
// find a flag that only -h told of.
func TestReadmeHasAllVerbs(t *testing.T) {
	dir, readme := t.TempDir(), readReadme(t)
	out, _ := runs(t, dir, "nonsense")
	_, list, found := strings.Cut(out, "; there are ")
	verbs := strings.Fields(list)
	if !found || len(verbs) < 8 {
		t.Fatalf("the verbs are %q", out)
	}
	flags := 0
	for _, verb := range append(verbs, "key create", "key list", "key revoke") {
		if !regexp.MustCompile("`(server |\\./server.exe )?" + verb + "\\b|server.exe " + verb + "\\b").MatchString(readme) {
			t.Errorf("README does not say server %s", verb)
		}
		help, _ := runs(t, dir, append(strings.Fields(verb), "-h")...)
		for _, m := range regexp.MustCompile(`(?m)^  (-[a-z-]+)\b`).FindAllStringSubmatch(help, -1) {
			flags++
			if !regexp.MustCompile(`(^|[\s\x60])` + m[1] + `\b`).MatchString(readme) {
				t.Errorf("README does not name the flag %s of server %s", m[1], verb)
			}
		}
	}
	if flags < 15 {
		t.Errorf("only %d flags of verbs were found", flags)
	}
}

// TestReadmeHasAllRoutes looks for the path of every route in README, on a line that has its method
// too. The routes are those of the description, which a test compares with the table. It was seen to
// find a route that was missing, and one whose method was.
func TestReadmeHasAllRoutes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), "httpd", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := contract.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(readReadme(t), "\n")
	braces := regexp.MustCompile(`\\\{[^}]*\\\}`)
	for _, o := range d.Operations() {
		path := braces.ReplaceAllString(regexp.QuoteMeta(o.Path), `\{[^}]*\}`)
		named := regexp.MustCompile(`[ \x60]` + path + `[\x60?]`)
		method := regexp.MustCompile(`\b` + o.Method + `\b`)
		found := false
		for _, line := range lines {
			found = found || named.MatchString(line) && method.MatchString(line)
		}
		if !found {
			t.Errorf("README does not have %s %s", o.Method, o.Path)
		}
	}
}

// readmeBlock returns the lines of the bash block of README that begins with a text.
func readmeBlock(t *testing.T, begin string) []string {
	t.Helper()
	_, block, found := strings.Cut(readReadme(t), "```bash\n"+begin)
	block, _, closed := strings.Cut(block, "\n```")
	if !found || !closed {
		t.Fatalf("README has no block that begins with %q", begin)
	}
	return strings.Split(begin+block, "\n")
}
