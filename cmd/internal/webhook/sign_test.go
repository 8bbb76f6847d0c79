package webhook

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestSign has the example with which Standard Webhooks' own libraries are tested.
func TestSign(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSecret(t *testing.T) {
	key := newSecret()
	text, ok := strings.CutPrefix(secretText(key), "whsec_")
	back, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || string(back) != string(key) || len(key) != secretBytes {
		t.Errorf("secret %q of %d bytes, %v", secretText(key), len(key), err)
	}
	if string(newSecret()) == string(key) {
		t.Error("two secrets are the same")
	}
}
