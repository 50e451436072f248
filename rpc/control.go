package rpc

import (
	"time"
)

var controlMethods = []method{
	{name: "help", category: inControl, run: help,
		help:   "List all commands, or get help for a specified command.",
		args:   []arg{{name: "command", kind: text, optional: true, standard: "all commands", help: "The command to get help on"}},
		result: `"str" (string) The help text`},
	{name: "setmocktime", category: hidden, run: setMockTime,
		help:   "Set the local time to given timestamp (-regtest only)",
		args:   []arg{{name: "timestamp", kind: number, help: "UNIX epoch time. Pass 0 to go back to using the system time."}},
		result: "null"},
	{name: "stop", category: inControl, run: stop,
		help:   "Request a graceful shutdown of this peer.",
		args:   []arg{{name: "wait", kind: number, optional: true, hidden: true, help: "how long to wait in ms"}},
		result: `"str" (string) "` + stopping + `"`},
	{name: "uptime", category: inControl, run: uptime,
		help:   "Returns the total uptime of the server.",
		result: "n (numeric) The number of seconds that the server has been running"},
}

const stopping = "cheese stopping"

// maxStopWait bounds the hidden argument of stop.
const maxStopWait = 10 * time.Second

// stop ends the peer once the caller has the answer, which wait holds back.
func stop(c *call) (any, error) {
	wait := time.Duration(c.integer(0, 0)) * time.Millisecond
	if c.err != nil {
		return nil, c.err
	}
	if wait > 0 {
		select {
		case <-time.After(min(wait, maxStopWait)):
		case <-c.ctx.Done():
		}
	}
	c.after = c.node.Stop
	return stopping, nil
}

// maxMockTime is the last second that Core's clock, which counts nanoseconds, can show.
const maxMockTime = 9_223_372_036

func setMockTime(c *call) (any, error) {
	seconds := c.long(0, 0)
	if c.err != nil {
		return nil, c.err
	}
	clock := c.node.Clock()
	if clock == nil {
		return nil, errorf(codeMisc, "setmocktime is for regression testing (-regtest mode) only")
	}
	if seconds < 0 || seconds > maxMockTime {
		return nil, errorf(codeParameter, "Mocktime must be in the range [0, %d], not %d.", int64(maxMockTime), seconds)
	}
	clock.Set(seconds)
	return nil, nil
}

func uptime(c *call) (any, error) { return int64(c.node.Now().Sub(c.node.Started) / time.Second), nil }
