package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"cheese/coin"
	"cheese/mempool"
	"cheese/node"
	"cheese/wallet"

	"rsc.io/qr"
)

// maxBody bounds an action's JSON in bytes.
const maxBody = 64 << 10

// problem is an answer that says what is wrong, and beside which field of a form.
type problem struct {
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

func (p *problem) Error() string { return p.Message }

func refuse(w http.ResponseWriter, status int, p problem) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]problem{"error": p}) // nobody is there to hear of a failed write
}

// answer turns a function into a handler that sends its value or its error as JSON.
func answer(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := do(r)
		if err != nil {
			p := explain(err)
			status := http.StatusBadRequest
			if p.Code == "not-found" {
				status = http.StatusNotFound
			}
			refuse(w, status, p)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
}

// explain finds the field of the form that an error is about.
func explain(err error) problem {
	var (
		said         *problem
		address      *wallet.AddressError
		amount       *wallet.AmountError
		rate         *wallet.FeeRateError
		insufficient *wallet.ErrInsufficient
		small        *wallet.ErrTooManyCoins
		refused      *mempool.RejectError
	)
	switch {
	case errors.As(err, &said):
		return *said
	case errors.As(err, &address):
		return problem{"recipient", "recipient", err.Error()}
	case errors.As(err, &amount):
		return problem{"amount", "amount", err.Error()}
	case errors.As(err, &insufficient), errors.As(err, &small):
		return problem{"insufficient", "amount", err.Error()}
	case errors.As(err, &rate):
		return problem{"fee-rate", "feeRate", err.Error()}
	case errors.As(err, &refused):
		return problem{"refused", "", err.Error()}
	case errors.Is(err, node.ErrNobody):
		return problem{"nobody", "recipient", err.Error()}
	case errors.Is(err, node.ErrNoTracker):
		return problem{"no-tracker", "", err.Error()}
	}
	return problem{"failed", "", err.Error()}
}

func (s *Server) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("GET /api/qr", s.qr)
	for pattern, do := range map[string]func(*http.Request) (any, error){
		"GET /api/state":          s.getState,
		"GET /api/stack":          s.getStack,
		"GET /api/block/{hash}":   s.getBlock,
		"GET /api/tx/{txid}":      s.getTx,
		"POST /api/peer-list":     s.peerList,
		"POST /api/connect-peers": s.connectPeers,
		"POST /api/connect":       s.connect,
		"POST /api/disconnect":    s.disconnect,
		"POST /api/transaction":   s.transaction,
		"POST /api/address":       s.newAddress,
		"POST /api/check-address": s.checkAddress,
		"POST /api/mining":        s.setMining,
	} {
		mux.HandleFunc(pattern, answer(do))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, problem{Code: "not-found", Message: fmt.Sprintf("there is no %s %s", r.Method, r.URL.Path)})
	})
}

// body decodes an action's JSON strictly.
func body[T any](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, &problem{Code: "json", Message: fmt.Sprintf("the request is not understood: %v", err)}
	}
	if d.More() {
		return v, &problem{Code: "json", Message: "the request is not understood: there is more than one value"}
	}
	return v, nil
}

func (s *Server) getState(*http.Request) (any, error) {
	state := map[string]any{}
	for _, k := range s.kinds() {
		state[k.name] = k.take()
	}
	return state, nil
}

type jsonListed struct {
	Addr      string `json:"addr"`
	Connected bool   `json:"connected"`
	Self      bool   `json:"self"`
	Name      string `json:"name"`
}

func (s *Server) peerList(r *http.Request) (any, error) {
	peers, err := s.node.PeerList(r.Context())
	if err != nil {
		return nil, err
	}
	list := []jsonListed{}
	for _, p := range peers {
		list = append(list, jsonListed{Addr: p.Addr.String(), Connected: p.Connected, Self: p.Self, Name: p.Name})
	}
	return map[string]any{"peers": list, "trackers": s.trackers()}, nil
}

type jsonConnected struct {
	Addr    string `json:"addr"`
	OK      bool   `json:"ok"`
	Already bool   `json:"already"`
	Error   string `json:"error"`
}

func (s *Server) connectPeers(r *http.Request) (any, error) {
	results, err := s.node.ConnectPeers(r.Context())
	if err != nil {
		return nil, err
	}
	list := []jsonConnected{}
	for _, c := range results {
		j := jsonConnected{Addr: c.Addr.String(), OK: c.Err == nil, Already: c.Already}
		if c.Err != nil {
			j.Error = c.Err.Error()
		}
		list = append(list, j)
	}
	return map[string]any{"results": list}, nil
}

func (s *Server) connect(r *http.Request) (any, error) {
	want, err := body[struct{ Addr string }](r)
	if err != nil {
		return nil, err
	}
	addr := strings.TrimSpace(want.Addr)
	if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), strconv.Itoa(int(s.node.Params.P2PPort)))
	}
	if err := s.node.P2P.Connect(r.Context(), addr); err != nil {
		return nil, &problem{Code: "connect", Field: "addr", Message: err.Error()}
	}
	return map[string]bool{"ok": true}, nil
}

func (s *Server) disconnect(r *http.Request) (any, error) {
	want, err := body[struct{ ID int64 }](r)
	if err != nil {
		return nil, err
	}
	if err := s.node.P2P.Disconnect(want.ID); err != nil {
		return nil, err
	}
	return map[string]bool{"ok": true}, nil
}

type jsonSent struct {
	TxID          coin.Hash   `json:"txid"`
	Recipient     string      `json:"recipient"`
	RecipientName string      `json:"recipientName"`
	Amount        coin.Amount `json:"amount"`
	Fee           coin.Amount `json:"fee"`
}

// transaction makes the random payment of the exercise, or the one that the person typed.
func (s *Server) transaction(r *http.Request) (any, error) {
	want, err := body[struct {
		Random    bool
		Recipient string
		Amount    coin.Amount
		FeeRate   coin.Amount
	}](r)
	if err != nil {
		return nil, err
	}
	var sent node.Sent
	if want.Random {
		sent, err = s.node.RandomPayment(r.Context())
	} else {
		p := node.Payment{Amount: want.Amount, FeeRate: want.FeeRate}
		if p.Peer, p.To, err = s.recipient(want.Recipient); err != nil {
			return nil, err
		}
		sent, err = s.node.Pay(r.Context(), p)
	}
	if err != nil {
		return nil, err
	}
	return jsonSent{TxID: sent.Tx.ID(), Recipient: sent.Address, RecipientName: sent.RecipientName, Amount: sent.Amount, Fee: sent.Fee}, nil
}

// recipient reads an address, or "peer:7" for a connected peer that is to be asked for one.
func (s *Server) recipient(text string) (peer int64, script []byte, err error) {
	text = strings.TrimSpace(text)
	if id, ok := strings.CutPrefix(text, "peer:"); ok {
		if peer, err = strconv.ParseInt(id, 10, 64); err != nil {
			err = &problem{"recipient", "recipient", fmt.Sprintf("%q is not a connected peer", text)}
		}
		return peer, nil, err
	}
	if text == "" {
		return 0, nil, &problem{"recipient", "recipient", "say whom to pay: an address, or a connected peer"}
	}
	if script, err = s.node.Params.ParseAddress(text); err != nil {
		err = &problem{"recipient", "recipient", err.Error()}
	}
	return 0, script, err
}

func (s *Server) newAddress(*http.Request) (any, error) {
	address, err := s.node.Wallet.NewAddress()
	return map[string]string{"address": address}, err
}

func (s *Server) checkAddress(r *http.Request) (any, error) {
	want, err := body[struct{ Address string }](r)
	if err != nil {
		return nil, err
	}
	_, _, err = s.recipient(want.Address)
	return map[string]bool{"ok": true}, err
}

// maxThreads bounds the hashing threads that a window may ask for.
const maxThreads = 64

func (s *Server) setMining(r *http.Request) (any, error) {
	want, err := body[struct {
		On      *bool
		Limit   *float64
		Threads *int
	}](r)
	if err != nil {
		return nil, err
	}
	if want.Limit != nil && !(*want.Limit >= 0 && *want.Limit <= 1e15) {
		return nil, &problem{"limit", "limit", "a hash-rate limit is a number of hashes per second, 0 for none"}
	}
	if want.Threads != nil && (*want.Threads < 1 || *want.Threads > maxThreads) {
		return nil, &problem{"threads", "threads", fmt.Sprintf("from 1 to %d threads can hash", maxThreads)}
	}
	m := s.node.Miner
	if want.Limit != nil {
		m.SetLimit(*want.Limit)
	}
	if want.Threads != nil {
		m.SetThreads(*want.Threads)
	}
	if want.On != nil {
		m.SetOn(*want.On)
	}
	return s.mining(), nil
}

// maxQR bounds the text of a QR code in bytes.
const maxQR = 512

// qr draws a text as an SVG QR code with the quiet zone that scanners need.
func (s *Server) qr(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("text")
	if text == "" || len(text) > maxQR {
		refuse(w, http.StatusBadRequest, problem{Code: "text", Field: "text", Message: fmt.Sprintf("a QR code holds 1 to %d bytes of text", maxQR)})
		return
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		refuse(w, http.StatusBadRequest, problem{Code: "text", Field: "text", Message: err.Error()})
		return
	}
	const quiet = 4
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	side := code.Size + 2*quiet
	w.Header().Set("Content-Type", "image/svg+xml")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><rect width="100%%" height="100%%" fill="#fff"/><path d="%s" fill="#000"/></svg>`, side, side, path.String())
}
