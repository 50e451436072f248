package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// request is one call as it came over the wire.
type request struct {
	v2     bool            // JSON-RPC 2.0; otherwise 1.0 or 1.1
	id     json.RawMessage // nil: none was given
	method string
	params json.RawMessage
}

// quiet tells whether the caller wants no answer: a notification (JSON-RPC 2.0, section 4.1).
func (r *request) quiet() bool { return r.v2 && r.id == nil }

// parseRequest reads a request object. Where it is malformed, as much of it as was read so far is returned with the
// error, so that the answer has the right version and id.
func parseRequest(b json.RawMessage) (r request, err error) {
	if typeName(b) != "object" {
		r.id = json.RawMessage("null")
		return r, errorf(codeInvalidRequest, "Invalid Request object")
	}
	fields, err := members(b)
	if err != nil {
		return r, errorf(codeParse, "Parse error")
	}
	find := func(name string) json.RawMessage {
		for _, f := range fields {
			if f.name == name {
				return f.value
			}
		}
		return nil
	}
	r.id = find("id")
	if r.v2, err = parseVersion(find("jsonrpc")); err != nil {
		return r, err
	}
	switch name := find("method"); {
	case !isSet(name):
		return r, errorf(codeInvalidRequest, "Missing method")
	case json.Unmarshal(name, &r.method) != nil:
		return r, errorf(codeInvalidRequest, "Method must be a string")
	}
	r.params = find("params")
	if t := typeName(r.params); t != "array" && t != "object" && t != "null" {
		return r, errorf(codeInvalidRequest, "Params must be an array or object")
	}
	return r, nil
}

// parseVersion reads the "jsonrpc" field, which 2.0 has introduced and some 1.0 callers send.
func parseVersion(field json.RawMessage) (v2 bool, err error) {
	var version string
	switch {
	case !isSet(field):
		return false, nil
	case json.Unmarshal(field, &version) != nil:
		return false, errorf(codeInvalidRequest, "jsonrpc field must be a string")
	case version != "1.0" && version != "2.0":
		return false, errorf(codeInvalidRequest, "JSON-RPC version not supported")
	}
	return version == "2.0", nil
}

// reply appends the answer to r: the result, or the error where there is one. Version 1 has both fields, version 2
// the one that says something.
func (r *request) reply(b *bytes.Buffer, result any, err error) {
	encoded := json.RawMessage("null")
	if err == nil {
		encoded, err = encode(result)
	}
	b.WriteByte('{')
	if r.v2 {
		b.WriteString(`"jsonrpc":"2.0",`)
	}
	switch {
	case err != nil:
		failure, _ := encode(asError(err)) // a number and a string
		if !r.v2 {
			b.WriteString(`"result":null,`)
		}
		b.WriteString(`"error":`)
		b.Write(failure)
	default:
		b.WriteString(`"result":`)
		b.Write(encoded)
		if !r.v2 {
			b.WriteString(`,"error":null`)
		}
	}
	if r.id != nil {
		b.WriteString(`,"id":`)
		b.Write(r.id)
	}
	b.WriteByte('}')
}

// encode is json.Marshal that leaves <, > and & as they are.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, internal(fmt.Errorf("encode the result: %w", err))
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// answer is an HTTP answer and what to do once it is sent.
type answer struct {
	status int
	body   []byte // empty: none
	after  []func()
}

// answer answers the body of an HTTP request: one call or a batch.
func (s *Server) answer(ctx context.Context, body []byte) answer {
	body = bytes.TrimSpace(body)
	switch {
	case !json.Valid(body):
		return refuse(request{id: json.RawMessage("null")}, errorf(codeParse, "Parse error"))
	case body[0] == '[':
		return s.answerBatch(ctx, body)
	case body[0] != '{':
		return refuse(request{id: json.RawMessage("null")}, errorf(codeParse, "Top-level object parse error"))
	}
	r, err := parseRequest(body)
	if err != nil {
		return refuse(r, err)
	}
	result, after, err := s.execute(ctx, r.method, r.params)
	if err != nil && !r.v2 {
		return refuse(r, err)
	}
	a := answer{status: http.StatusOK}
	if after != nil {
		a.after = append(a.after, after)
	}
	if r.quiet() {
		a.status = http.StatusNoContent
		return a
	}
	var b bytes.Buffer
	r.reply(&b, result, err)
	b.WriteByte('\n')
	a.body = b.Bytes()
	return a
}

// refuse answers a call that failed with the HTTP status that Core gives to its code.
func refuse(r request, err error) answer {
	status := http.StatusInternalServerError
	switch asError(err).Code {
	case codeInvalidRequest:
		status = http.StatusBadRequest
	case codeNoMethod:
		status = http.StatusNotFound
	}
	var b bytes.Buffer
	r.reply(&b, nil, err)
	b.WriteByte('\n')
	return answer{status: status, body: b.Bytes()}
}

// answerBatch runs the calls of a batch one after another. Its status is 200 whatever becomes of them; where all are
// notifications there is no answer, but an empty batch is answered with an empty one.
func (s *Server) answerBatch(ctx context.Context, body []byte) answer {
	var calls []json.RawMessage
	if err := json.Unmarshal(body, &calls); err != nil {
		return refuse(request{id: json.RawMessage("null")}, errorf(codeParse, "Parse error"))
	}
	if len(calls) > maxBatch {
		err := errorf(codeInvalidRequest, "a batch has at most %d calls, not %d", maxBatch, len(calls))
		return refuse(request{id: json.RawMessage("null")}, err)
	}
	a := answer{status: http.StatusOK}
	var b bytes.Buffer
	b.WriteByte('[')
	for _, c := range calls {
		r, err := parseRequest(c)
		var result any
		if err == nil {
			var after func()
			if result, after, err = s.execute(ctx, r.method, r.params); after != nil {
				a.after = append(a.after, after)
			}
		}
		if r.quiet() {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		r.reply(&b, result, err)
	}
	if b.Len() == 1 && len(calls) > 0 {
		a.status = http.StatusNoContent
		return a
	}
	b.WriteString("]\n")
	a.body = b.Bytes()
	return a
}
