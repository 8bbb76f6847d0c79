package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
)

// secretBytes is how long a key is, as Standard Webhooks recommends.
const secretBytes = 32

func newSecret() []byte {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // It never fails.
	return key
}

// secretText is how a key is given to the receiver.
func secretText(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// sign returns the header webhook-signature of a message sent at a second since 1970.
func sign(key []byte, id string, second int64, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(second, 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
