package rpc

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
)

// Credentials are what a caller must show. Without a password nobody gets in.
type Credentials struct{ User, Password string }

// Salted is a user and the salted hash of a password, which itself nobody keeps, as bitcoind's -rpcauth has it.
type Salted struct {
	User string
	salt string
	hash []byte // HMAC-SHA256 of the password, by the salt as text
}

// ErrSalted says that a text is not what ParseSalted reads.
var ErrSalted = errors.New("not of the form USER:SALT$HASH with 64 hexadecimal digits of hash")

// ParseSalted reads USER:SALT$HASH, as Core's rpcauth.py prints it. The error is ErrSalted.
func ParseSalted(s string) (Salted, error) {
	user, rest, ok := strings.Cut(s, ":")
	salt, digits, also := strings.Cut(rest, "$")
	hash, err := hex.DecodeString(digits)
	if !ok || !also || err != nil || len(hash) != sha256.Size {
		return Salted{}, ErrSalted
	}
	return Salted{User: user, salt: salt, hash: hash}, nil
}

// matches compares in a time that does not tell how much of the password is right.
func (a Salted) matches(user, password string) bool {
	mac := hmac.New(sha256.New, []byte(a.salt))
	mac.Write([]byte(password))
	return subtle.ConstantTimeCompare([]byte(user), []byte(a.User))&subtle.ConstantTimeCompare(mac.Sum(nil), a.hash) == 1
}

// Admit lets in those who show one of these too. It is called before the server serves.
func (s *Server) Admit(also ...Salted) { s.salted = append(s.salted, also...) }

// authorized compares in constant time; the hashes make lengths equal.
func (s *Server) authorized(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	if !ok {
		return false
	}
	given, want := sha256.Sum256([]byte(user+":"+password)), sha256.Sum256([]byte(s.auth.User+":"+s.auth.Password))
	in := subtle.ConstantTimeCompare(given[:], want[:]) == 1 && s.auth.Password != ""
	for _, a := range s.salted {
		in = a.matches(user, password) || in
	}
	return in
}
