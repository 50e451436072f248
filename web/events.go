package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cheese/node"
)

const (
	logsAtOnce     = 500                    // log lines sent to a window that has none
	coalesce       = 250 * time.Millisecond // least time between two snapshots of one kind
	heartbeat      = 15 * time.Second
	rateEvery      = time.Second // how often what changes without a bell (hash rate, ping) is looked at
	streamWriteMax = 10 * time.Second
)

// stream is one window's event stream (server-sent events).
type stream struct {
	s    *Server
	out  *http.ResponseController
	w    http.ResponseWriter
	sent map[string][]byte // what the window has of each kind
	seq  uint64            // the newest log line it has
}

// events sends snapshots when they change and log lines as they come. A window that comes back says by Last-Event-ID
// what it has, as "epoch:seq", and misses nothing that the journal still remembers.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		refuse(w, http.StatusServiceUnavailable, problem{Code: "busy", Message: fmt.Sprintf("%d windows are open: close one", maxStreams)})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	st := &stream{s: s, out: http.NewResponseController(w), w: w, sent: map[string][]byte{}}
	if epoch, seq, ok := strings.Cut(r.Header.Get("Last-Event-ID"), ":"); ok && epoch == s.epoch {
		st.seq, _ = strconv.ParseUint(seq, 10, 64)
	}
	if st.write("hello", "", map[string]string{"epoch": s.epoch}) == nil {
		st.run(r.Context())
	}
}

// run ends with the request, with the server, or when the window does not read.
func (st *stream) run(ctx context.Context) {
	n := st.s.node
	rate, beat := time.NewTicker(rateEvery), time.NewTicker(heartbeat)
	defer rate.Stop()
	defer beat.Stop()
	for {
		chain, pool, wallet := n.Chain.Changed(), n.Pool.Changed(), n.Wallet.Changed()
		peers, miner, lines := n.P2P.Changed(), n.Miner.Changed(), n.Journal.Changed()
		if st.lines() != nil || st.snapshots() != nil || st.out.Flush() != nil {
			return
		}
		if !pause(ctx, coalesce) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if st.raw("heartbeat", "", []byte("{}")) != nil {
				return
			}
		case <-rate.C:
		case <-chain:
		case <-pool:
		case <-wallet:
		case <-peers:
		case <-miner:
		case <-lines:
		}
	}
}

// pause waits for d and tells whether ctx still stands.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (st *stream) lines() error {
	lines, missed := st.s.node.Journal.Since(st.seq, logsAtOnce)
	if missed > 0 && st.seq > 0 {
		if err := st.write("gap", "", map[string]uint64{"missed": missed}); err != nil {
			return err
		}
	}
	for _, l := range lines {
		if err := st.write("log", fmt.Sprintf("%s:%d", st.s.epoch, l.Seq), logLine(l)); err != nil {
			return err
		}
		st.seq = l.Seq
	}
	return nil
}

func (st *stream) snapshots() error {
	for _, kind := range st.s.kinds() {
		if err := st.snapshot(kind.name, kind.take()); err != nil {
			return err
		}
	}
	return nil
}

// snapshot sends v unless the window already has the same.
func (st *stream) snapshot(kind string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if bytes.Equal(b, st.sent[kind]) {
		return nil
	}
	st.sent[kind] = b
	return st.raw(kind, "", b)
}

func (st *stream) write(event, id string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return st.raw(event, id, b)
}

func (st *stream) raw(event, id string, data []byte) error {
	if err := st.out.SetWriteDeadline(time.Now().Add(streamWriteMax)); err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	_, err := fmt.Fprintf(st.w, "event: %s\n%sdata: %s\n\n", event, id, data)
	return err
}

type jsonLine struct {
	Seq   uint64      `json:"seq"`
	Time  float64     `json:"time"` // milliseconds since 1970
	Level string      `json:"level"`
	Text  string      `json:"msg"`
	Kind  string      `json:"kind"`
	Attrs [][2]string `json:"attrs"`
}

func logLine(l node.Line) jsonLine {
	return jsonLine{Seq: l.Seq, Time: float64(l.Time.UnixMicro()) / 1000, Level: levelName(l.Level), Text: l.Text, Kind: kindOf(l), Attrs: orEmpty(l.Attrs)}
}

func levelName(l slog.Level) string { return strings.ToLower(l.String()) }

// kindOf sorts a line for the window's filter by the words it starts with.
func kindOf(l node.Line) string {
	for _, k := range []struct{ start, kind string }{
		{node.SayMined, "mined"}, {node.SayAdded, "added"}, {node.SayLost, "lost"}, {node.SayReorg, "reorg"}, {node.SayCatchingUp, "sync"},
		{"transaction", "tx"}, {"payment", "tx"}, {"peer list", "tracker"}, {"tracker", "tracker"}, {"announce", "tracker"}, {"peer", "peer"}, {"cannot connect", "peer"},
	} {
		if strings.HasPrefix(l.Text, k.start) {
			return k.kind
		}
	}
	return "other"
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
