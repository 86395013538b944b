package trace

import (
	"testing"

	"relay/store/room"
	"relay/store/room/roomtest"
)

func TestEvent_WriteFields(t *testing.T) {
	roomtest.Written(t, func() room.Writer { return &Event{} })
}
