package mail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"relay/report/api/act"
	"relay/store"
)

// Content is the request for the content of a message.
type Content struct {
	ID   string `path:"id"`
	Part string `query:"part" enum:"all,headers" doc:"headers: only what stands before the first empty line. Default all."`
}

// MessageContent answers with the content of a message as it is stored: what was handed
// over, with the fields that the relay added or took out.
var MessageContent = act.NewFile(act.Spec{Name: "queue content", Route: "GET /v1/queue/{id}/content", Summary: "The content of a message of the queue, as it is stored", May: act.Operator}, content)

func content(_ context.Context, s *act.Service, in *Content, to *act.Sink) error {
	m, err := message(s, in.ID)
	if err != nil {
		return err
	}
	body := s.Store.Bodies.Open(m.ID)
	defer body.Close()
	if in.Part == "headers" {
		err = copyHeaders(to, body)
	} else {
		_, err = io.Copy(to, body)
	}
	if errors.Is(err, store.ErrNotFound) {
		if _, gone := message(s, in.ID); gone != nil {
			return gone // delivered meanwhile
		}
		return act.Fail(act.Refused, "see what else is missing: {check --store}", "the content of message %s is gone", m.ID)
	}
	return err
}

// copyHeaders writes the header section, without the empty line that ends it, piece by
// piece: a line may be of any length.
func copyHeaders(w io.Writer, r io.Reader) error {
	in := bufio.NewReader(r)
	for begins := true; ; {
		piece, err := in.ReadSlice('\n')
		if begins && err == nil && len(bytes.TrimRight(piece, "\r\n")) == 0 {
			return nil
		}
		if _, failed := w.Write(piece); failed != nil {
			return failed
		}
		if begins = err == nil; err == io.EOF {
			return nil
		} else if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
