package tracker

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	logLines       = 200 // kept for the page
	linesPerSecond = 50  // strangers can cause lines; more are counted, not written
)

// LogLine is one line of the log as the page shows it.
type LogLine struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// Log keeps the latest lines for people. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	lines []LogLine // oldest first

	second  time.Time // the one that is being counted
	written int       // lines in it
	dropped int       // since the latest written line
}

// admit says whether one more line may be written now, and how many had to be dropped before it.
func (l *Log) admit(now time.Time) (ok bool, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Truncate(time.Second); !second.Equal(l.second) {
		l.second, l.written = second, 0
	}
	if l.written == linesPerSecond {
		l.dropped++
		return false, 0
	}
	l.written++
	dropped, l.dropped = l.dropped, 0
	return true, dropped
}

func (l *Log) add(line LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == logLines {
		l.lines = slices.Delete(l.lines, 0, 1)
	}
	l.lines = append(l.lines, line)
}

// Lines gives the kept lines, oldest first.
func (l *Log) Lines() []LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// note writes one Info line to the log that was handed in and keeps the same line for the page.
func (s *Server) note(ctx context.Context, line string, attrs ...slog.Attr) {
	ok, dropped := s.log.admit(s.now())
	if !ok {
		return
	}
	if dropped > 0 {
		s.write(ctx, "too much happened to show all of it", slog.Int("lines", dropped))
	}
	s.write(ctx, line, attrs...)
}

func (s *Server) write(ctx context.Context, line string, attrs ...slog.Attr) {
	s.logger.LogAttrs(ctx, slog.LevelInfo, line, attrs...)
	s.log.add(LogLine{Time: s.now(), Text: lineText(line, attrs)})
}

func lineText(line string, attrs []slog.Attr) string {
	var b strings.Builder
	b.WriteString(line)
	for _, a := range attrs {
		v := a.Value.String()
		if strings.ContainsAny(v, ` "=`) || v == "" {
			v = strconv.Quote(v)
		}
		b.WriteString(" " + a.Key + "=" + v)
	}
	return b.String()
}

// about gives the attributes of a line about one peer; a name that is not known yet is left out.
func (s *Server) about(hash InfoHash, who PeerInfo, more ...slog.Attr) []slog.Attr {
	var attrs []slog.Attr
	if who.Name != "" {
		attrs = append(attrs, slog.String("name", who.Name))
	}
	attrs = append(attrs, slog.String("addr", who.Addr.String()), slog.String("network", s.label(hash)))
	return append(attrs, more...)
}
