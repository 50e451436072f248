package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// journalLines bounds the lines a journal remembers; older ones are forgotten and counted.
const journalLines = 2000

// Line is one log line as a window shows it.
type Line struct {
	Seq   uint64 // from 1, without holes
	Time  time.Time
	Level slog.Level
	Text  string
	Attrs [][2]string // key and value, in the order they were logged
}

// Journal remembers the newest log lines of one peer, so that a window can show what the terminal printed. It is fed
// by the handler that Handler returns and read by cursor.
type Journal struct {
	mu      sync.Mutex
	lines   []Line // the newest, oldest first
	next    uint64
	changed chan struct{}
}

// NewJournal returns an empty journal.
func NewJournal() *Journal { return &Journal{next: 1, changed: make(chan struct{})} }

// Changed returns a channel that is closed at the next line.
func (j *Journal) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// Since returns the lines after the one numbered seq, at most limit (the newest ones), and how many that came
// between were forgotten or left out.
func (j *Journal) Since(seq uint64, limit int) (lines []Line, missed uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if seq+1 >= j.next {
		return nil, 0
	}
	want := j.next - 1 - seq
	have := min(want, uint64(len(j.lines)), uint64(limit))
	return append(lines, j.lines[uint64(len(j.lines))-have:]...), want - have
}

func (j *Journal) add(l Line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	l.Seq = j.next
	j.next++
	if len(j.lines) == journalLines {
		j.lines = append(j.lines[:0], j.lines[journalLines/10:]...)
	}
	j.lines = append(j.lines, l)
	close(j.changed)
	j.changed = make(chan struct{})
}

// Handler returns a handler that writes every line at Info and above to the journal and passes all lines on to next.
func (j *Journal) Handler(next slog.Handler) slog.Handler {
	return &journalHandler{journal: j, next: next}
}

type journalHandler struct {
	journal *Journal
	next    slog.Handler
	attrs   [][2]string
	prefix  string
}

func (h *journalHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || h.next.Enabled(ctx, l)
}

func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		line := Line{Time: r.Time, Level: r.Level, Text: r.Message, Attrs: append([][2]string(nil), h.attrs...)}
		r.Attrs(func(a slog.Attr) bool {
			line.Attrs = append(line.Attrs, h.pair(a))
			return true
		})
		h.journal.add(line)
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (h *journalHandler) pair(a slog.Attr) [2]string {
	return [2]string{h.prefix + a.Key, fmt.Sprint(a.Value.Resolve().Any())}
}

func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next = h.next.WithAttrs(attrs)
	c.attrs = append([][2]string(nil), h.attrs...)
	for _, a := range attrs {
		c.attrs = append(c.attrs, h.pair(a))
	}
	return &c
}

func (h *journalHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.next = h.next.WithGroup(name)
	c.prefix = h.prefix + name + "."
	return &c
}
