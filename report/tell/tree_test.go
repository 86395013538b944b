package tell

import (
	"maps"
	"mime"
	"net/mail"
	"slices"
	"testing"

	"relay/report/letter/mimetree"
)

var decoder mime.WordDecoder

// read is a message as a mail program reads it.
func read(t *testing.T, content []byte) (mail.Header, mimetree.Node) {
	t.Helper()
	h, n, err := mimetree.Read(content)
	if err != nil {
		t.Fatal(err)
	}
	return h, n
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
