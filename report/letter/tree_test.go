package letter

import (
	"net/mail"

	"relay/report/letter/mimetree"
)

// read is a message as a mail program reads it.
func read(t interface{ Fatal(...any) }, content []byte) (mail.Header, mimetree.Node) {
	h, n, err := mimetree.Read(content)
	if err != nil {
		t.Fatal(err)
	}
	return h, n
}
