package node

import (
	"sync/atomic"
	"time"
)

// Clock is a clock that can be set, as Bitcoin Core's setmocktime does on regtest. The zero value shows the machine's
// time until it is set. Timers do not follow it: what happens every second goes on happening every second. It is safe
// for concurrent use.
type Clock struct{ set atomic.Int64 }

// Now returns the time that was set, or the machine's.
func (c *Clock) Now() time.Time {
	if seconds := c.set.Load(); seconds != 0 {
		return time.Unix(seconds, 0)
	}
	return time.Now()
}

// Set stops the clock at that many seconds after 1970; with 0 it shows the machine's time again.
func (c *Clock) Set(seconds int64) { c.set.Store(seconds) }
