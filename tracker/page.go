package tracker

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// pagePolicy lets the browser run and apply exactly what is embedded here, and talk to nothing but this tracker.
var pagePolicy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; connect-src 'self'; "+
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'", sourceHash(pageJS), sourceHash(pageCSS))

func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Stats is what /stats.json tells.
type Stats struct {
	Now      time.Time      `json:"now"`
	Started  time.Time      `json:"started"`
	Swarms   int            `json:"swarms"`   // all of them
	Peers    int            `json:"peers"`    // all of them
	Networks []NetworkStats `json:"networks"` // at most MaxShownSwarms, largest first
	Log      []LogLine      `json:"log"`      // oldest first
}

// NetworkStats is one swarm with the label that people know it by.
type NetworkStats struct {
	Label string `json:"label"`
	SwarmInfo
}

// A big registry is looked at once for all the people who watch its page.
const (
	bigRegistry   = 1000 // peers
	shownStaysFor = time.Second
)

// shown is the latest look at the registry.
type shown struct {
	mu    sync.Mutex // also keeps looks from running side by side
	stats Stats
}

// Stats gives everything the page shows; of a big registry it may be a second old.
func (s *Server) Stats() Stats {
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	now := s.now()
	if last := &s.shown.stats; last.Peers >= bigRegistry && now.Sub(last.Now) < shownStaysFor {
		return *last
	}
	st := Stats{Now: now, Started: s.started, Networks: []NetworkStats{}, Log: s.log.Lines()}
	st.Swarms, st.Peers = s.registry.Count()
	for _, info := range s.registry.Snapshot(now) {
		st.Networks = append(st.Networks, NetworkStats{Label: s.label(info.Hash), SwarmInfo: info})
	}
	s.shown.stats = st
	return st
}

// Handler serves /announce and /scrape to peers, and the page, /stats.json and /peers.json to people.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /announce", s.serveAnnounce)
	mux.HandleFunc("GET /scrape", s.serveScrape)
	mux.HandleFunc("GET /stats.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Stats()) })
	mux.HandleFunc("GET /peers.json", s.servePeers)
	mux.HandleFunc("GET /{$}", s.servePage)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		mux.ServeHTTP(w, r)
	})
}

// servePeers tells of one swarm, given as info_hash in hex.
func (s *Server) servePeers(w http.ResponseWriter, r *http.Request) {
	hash, err := ParseInfoHash(r.URL.Query().Get("info_hash"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	info, ok := s.registry.Swarm(s.now(), hash)
	if !ok {
		http.Error(w, "no peers are known for this info hash", http.StatusNotFound)
		return
	}
	writeJSON(w, NetworkStats{Label: s.label(hash), SwarmInfo: info})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // an asker that has gone needs no answer
}

// page is what page.html shows.
type page struct {
	Stats
	CSS  template.CSS
	JS   template.JS
	Host string // as the browser knows this tracker
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	p := page{Stats: s.Stats(), CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Host: r.Host}
	p.Log = slices.Clone(p.Log) // others may be shown the same one
	slices.Reverse(p.Log)
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		s.logger.Error("page not made", "err", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Write(body.Bytes())
}

// Ago tells how long before the page was made t was.
func (p page) Ago(t time.Time) string {
	if p.Now.Sub(t) < 2*time.Second {
		return "now"
	}
	return p.Span(t) + " ago"
}

// Span tells how long it is since t.
func (p page) Span(t time.Time) string {
	switch d := p.Now.Sub(t); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	default:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
}

// Clock shows the time of day of a log line.
func (page) Clock(t time.Time) string { return t.Format(time.TimeOnly) }

// Hidden is the number of peers of a network that are not shown.
func (page) Hidden(n NetworkStats) int { return n.Total() - len(n.Peers) }

// HiddenNetworks is the number of networks that are not shown.
func (p page) HiddenNetworks() int { return p.Swarms - len(p.Networks) }
