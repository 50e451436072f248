package rpc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxReply bounds an answer in bytes. A full block with its transactions spelled out takes some tens of millions.
const maxReply = 256 << 20

// Why a Client got no answer, for errors.Is.
var (
	ErrUnreachable = errors.New("nobody answers")
	ErrCredentials = errors.New("wrong RPC user or password")
	ErrNoRPC       = errors.New("that is no JSON-RPC server")
)

// Client calls a server over HTTP.
type Client struct {
	URL            string // such as "http://127.0.0.1:8451/"
	User, Password string
	HTTP           *http.Client // nil: http.DefaultClient
}

// Call calls a method and returns its result as JSON. params is an array, an object of named arguments, or nil. The
// error is an *Error where the server answered with one, and otherwise says in plain words what is the matter.
func (c *Client) Call(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error) {
	if len(params) == 0 {
		params = json.RawMessage("[]")
	}
	body, err := encode(struct {
		Version string          `json:"jsonrpc"`
		ID      int             `json:"id"`
		Method  string          `json:"method"`
		Params  json.RawMessage `json:"params"`
	}{"2.0", 1, method, params})
	if err != nil {
		return nil, fmt.Errorf("params are not JSON: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("RPC address %q: %w", c.URL, err)
	}
	req.SetBasicAuth(c.User, c.Password)
	req.Header.Set("Content-Type", "application/json")
	res, err := cmp.Or(c.HTTP, http.DefaultClient).Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	return c.read(res)
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w at %s: is the peer running there? (%w)", ErrUnreachable, c.URL, err)
}

// read takes the result or the error out of an HTTP answer.
func (c *Client) read(res *http.Response) (json.RawMessage, error) {
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("%w for %s", ErrCredentials, c.URL)
	case http.StatusServiceUnavailable:
		return nil, fmt.Errorf("the peer at %s is too busy: too many calls wait already", c.URL)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of %s broke off: %w", c.URL, err)
	case len(body) > maxReply:
		return nil, fmt.Errorf("the answer of %s is over %d bytes", c.URL, maxReply)
	}
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  *Error          `json:"error"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, fmt.Errorf("%s: %w (it answers HTTP status %s)", c.URL, ErrNoRPC, res.Status)
	}
	switch {
	case reply.Error != nil:
		return nil, reply.Error
	case reply.Result == nil:
		return nil, fmt.Errorf("%s: %w (its answer has neither result nor error)", c.URL, ErrNoRPC)
	}
	return reply.Result, nil
}
