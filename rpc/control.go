package rpc

import (
	"time"
)

var controlMethods = []method{
	{name: "help", category: inControl, run: help,
		help:   "List all commands, or get help for a specified command.",
		args:   []arg{{name: "command", kind: text, optional: true, standard: "all commands", help: "The command to get help on"}},
		result: `"str" (string) The help text`},
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

func uptime(c *call) (any, error) { return int64(c.node.Now().Sub(c.node.Started) / time.Second), nil }
