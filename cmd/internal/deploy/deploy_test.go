package deploy

import (
	"bytes"
	"os"
	"testing"
)

// TestPacked compares what is packed with the file. It was seen to find one that was changed and not
// packed.
func TestPacked(t *testing.T) {
	want, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(names["dashboard"])
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("dashboard.json.gz is not what dashboard.json is (%v): run go generate ./cmd/internal/deploy",
			err)
	}
}
