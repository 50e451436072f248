package p2p

import (
	"log/slog"
	"time"
)

// Log lines that strangers can cause are bounded.
const (
	linesBurst = 20              // lines of one kind at once
	linesRate  = 3.0             // and a second after that
	countAfter = 5 * time.Second // from the first line that is left out to the one that says how many there were
)

// lines bounds one kind of log lines. The zero value is ready.
type lines struct {
	tokens  bucket
	leftOut int
	since   time.Time // of the first that is left out
}

// chatter is the bounded log lines by what they are about. Strangers' coming and going does not drown what we do ourselves.
type chatter struct{ inbound, outbound, trouble lines }

// about returns the bound on lines about p's coming and going.
func (c *chatter) about(p *peer) *lines {
	if p.inbound {
		return &c.inbound
	}
	return &c.outbound
}

// logBounded logs a line, or counts it where there have been too many of its kind.
func (m *machine) logBounded(l *lines, level slog.Level, text string, args ...any) {
	if l.tokens.take(m.now, linesRate, linesBurst) {
		m.log(level, text, args...)
		return
	}
	if l.leftOut++; l.leftOut == 1 {
		l.since = m.now
	}
}

// countLines says how many lines were left out.
func (m *machine) countLines() {
	m.count(&m.inbound, slog.LevelInfo, "more connections of others came and went")
	m.count(&m.outbound, slog.LevelInfo, "more connections of ours came and went")
	m.count(&m.trouble, slog.LevelWarn, "more requests could not be answered")
}

func (m *machine) count(l *lines, level slog.Level, text string) {
	if gone := m.now.Sub(l.since); l.leftOut == 0 || 0 <= gone && gone < countAfter { // less than 0: the clock was set
		return
	}
	m.log(level, text, "lines", l.leftOut)
	l.leftOut = 0
}
