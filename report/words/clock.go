package words

import (
	"fmt"
	"time"
)

// ClockStands says that the books stand still at a time, because the clock showed
// another one that was plainly wrong.
func ClockStands(stands, wall time.Time, zone *time.Location) string {
	return fmt.Sprintf("the clock was plainly wrong (%s), the books stand still at %s", Stamp(wall, zone), Stamp(stands, zone))
}
