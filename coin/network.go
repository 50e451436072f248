package coin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// NetworkFile is the JSON form of a network of one's own. Everything in it but the nonce is chosen by a person; Mine
// finds the nonce.
type NetworkFile struct {
	Name            string `json:"name"`                   // 1 to 32 lower-case letters, digits and hyphens; also names data directories
	Message         string `json:"message"`                // in the genesis coinbase, 1 to 80 bytes
	Time            uint32 `json:"time"`                   // of the genesis block, Unix seconds
	Spacing         uint32 `json:"spacing_seconds"`        // wanted between blocks; at least 5 unless the difficulty is fixed
	FirstBits       string `json:"first_bits,omitempty"`   // first target in compact form, eight hexadecimal digits; or
	FirstHashes     uint64 `json:"first_hashes,omitempty"` // how many hashes the first blocks take on average
	FixedDifficulty bool   `json:"fixed_difficulty"`       // the first target stays for ever
	Subsidy         string `json:"subsidy"`                // of the first blocks, in coins: "10.00000000"
	HalvingInterval int32  `json:"halving_interval"`       // blocks
	Maturity        int32  `json:"maturity"`               // blocks before a coinbase may be spent
	Prefix          string `json:"prefix"`                 // of bech32 addresses, 1 to 83 lower-case letters
	P2PPort         uint16 `json:"p2p_port"`
	HTTPPort        uint16 `json:"http_port"`
	TrackerPort     uint16 `json:"tracker_port"`
	Nonce           uint32 `json:"nonce"` // makes the genesis block meet the first target
}

// Limits of a network file.
const (
	maxNetworkFile = 64 << 10 // bytes
	maxNetworkName = 32
	maxMessage     = 80 // bytes; the coinbase script around it may have 100
	maxPrefix      = 83 // BIP 173
	minSpacing     = 5  // seconds, unless the difficulty is fixed: peers' clocks and links need that much
	maxSpacing     = 24 * 60 * 60
	maxMaturity    = 1_000_000
)

// FieldError says which field of a network file is wrong.
type FieldError struct {
	Field string // its JSON name; empty where the file as a whole is
	Text  string
}

// Error returns field and text.
func (e *FieldError) Error() string {
	if e.Field == "" {
		return "network file: " + e.Text
	}
	return fmt.Sprintf("network file: field %q: %s", e.Field, e.Text)
}

func badField(field, text string, args ...any) error {
	return &FieldError{Field: field, Text: fmt.Sprintf(text, args...)}
}

// LoadNetwork reads a network file and checks it whole. Every error is or wraps a *FieldError.
func LoadNetwork(b []byte) (*Params, error) {
	f, err := ParseNetworkFile(b)
	if err != nil {
		return nil, err
	}
	return f.Params()
}

// ParseNetworkFile reads the JSON form without judging the values. Fields that do not exist, that are missing, or
// that come twice are refused by name.
func ParseNetworkFile(b []byte) (*NetworkFile, error) {
	if len(b) > maxNetworkFile {
		return nil, badField("", "%d bytes are too many; the limit is %d", len(b), maxNetworkFile)
	}
	if err := checkFields(b); err != nil {
		return nil, err
	}
	var f NetworkFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, jsonError(err)
	}
	return &f, nil
}

// mayLack are the fields that a file may do without.
var mayLack = []string{"first_bits", "first_hashes", "fixed_difficulty"}

// fields are the JSON names of NetworkFile's fields, in order.
var fields = func() (names []string) {
	for f := range reflect.TypeFor[NetworkFile]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}()

// checkFields walks the top level of the JSON text, since encoding/json forgives spelling, repetition and absence.
func checkFields(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil {
		return jsonError(err)
	} else if t != json.Delim('{') {
		return badField("", "it is not a JSON object")
	}
	seen := make(map[string]bool)
	for d.More() {
		name, err := field(d)
		switch {
		case err != nil:
			return err
		case !slices.Contains(fields, name):
			return badField(name, "there is no such field")
		case seen[name]:
			return badField(name, "it comes twice")
		}
		seen[name] = true
	}
	if _, err := d.Token(); err != nil {
		return jsonError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badField("", "something follows the JSON object")
	}
	for _, name := range fields {
		if !seen[name] && !slices.Contains(mayLack, name) {
			return badField(name, "it is missing")
		}
	}
	return nil
}

// field reads the next key of an object and skips its value.
func field(d *json.Decoder) (string, error) {
	t, err := d.Token()
	if err != nil {
		return "", jsonError(err)
	}
	name, _ := t.(string) // the decoder lets nothing else be a key
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return "", jsonError(err)
	}
	if string(value) == "null" {
		return "", badField(name, "it is null")
	}
	return name, nil
}

// jsonError puts encoding/json's errors in words for the person who wrote the file.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return badField(kind.Field, "it cannot hold a JSON %s", kind.Value)
	case errors.As(err, &syntax):
		return badField("", "not JSON: %v (at byte %d)", syntax, syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return badField("", "not JSON: it ends too early")
	}
	return badField("", "not JSON: %v", err)
}

// Params checks the file and returns the network it describes.
func (f *NetworkFile) Params() (*Params, error) {
	p, bits, err := f.unsealed()
	if err != nil {
		return nil, err
	}
	genesis := f.genesis(p, bits)
	if !MeetsTarget(genesis.Hash(), Target(bits)) {
		return nil, badField("nonce", "the genesis block does not meet the first target with it; a field was changed after the nonce was found")
	}
	p.seal(genesis)
	return p, nil
}

// Mine finds the nonce that makes the genesis block meet the first target, moving Time on where all nonces fail. It
// returns ctx's error when ctx ends first.
func (f *NetworkFile) Mine(ctx context.Context) error {
	p, bits, err := f.unsealed()
	if err != nil {
		return err
	}
	target := Target(bits)
	h := f.genesis(p, bits).Header
	for {
		if MeetsTarget(h.Hash(), target) {
			f.Nonce, f.Time = h.Nonce, h.Time
			return nil
		}
		if h.Nonce++; h.Nonce == f.Nonce {
			h.Time++
		}
		if h.Nonce%(1<<14) == 0 && ctx.Err() != nil {
			return fmt.Errorf("find the genesis nonce: %w", ctx.Err())
		}
	}
}

func (f *NetworkFile) genesis(p *Params, bits uint32) *Block {
	return GenesisBlock(f.Message, f.Time, bits, f.Nonce, p.Subsidy)
}

// unsealed checks all but the nonce and returns the network without its genesis block, and the first bits.
func (f *NetworkFile) unsealed() (*Params, uint32, error) {
	if err := f.checkWords(); err != nil {
		return nil, 0, err
	}
	if err := f.checkNumbers(); err != nil {
		return nil, 0, err
	}
	bits, err := f.firstBits()
	if err != nil {
		return nil, 0, err
	}
	subsidy, err := f.subsidy()
	if err != nil {
		return nil, 0, err
	}
	p := sandbox(time.Duration(f.Spacing) * time.Second)
	p.Name, p.HRP = f.Name, f.Prefix
	p.P2PPort, p.HTTPPort, p.TrackerPort = f.P2PPort, f.HTTPPort, f.TrackerPort
	p.Subsidy, p.HalvingInterval, p.Maturity = subsidy, f.HalvingInterval, f.Maturity
	p.PowLimit = Target(bits)
	if f.FixedDifficulty {
		p.Retarget = RetargetNone
	} else if p.PowLimit.Cmp(easiest) < 0 {
		p.PowLimit = easiest
	}
	return p, bits, nil
}

// takenNames are the networks that come with the program or with Bitcoin.
var takenNames = map[string]bool{"cheese": true, "regtest": true, "main": true, "test": true, "testnet3": true, "testnet4": true, "signet": true}

func (f *NetworkFile) checkWords() error {
	const nameSet, letters = "abcdefghijklmnopqrstuvwxyz0123456789-", "abcdefghijklmnopqrstuvwxyz"
	switch {
	case len(f.Name) == 0 || len(f.Name) > maxNetworkName || strings.Trim(f.Name, nameSet) != "" || f.Name[0] == '-':
		return badField("name", "%.40q is not 1 to %d lower-case letters, digits and hyphens", f.Name, maxNetworkName)
	case takenNames[f.Name]:
		return badField("name", "%q is the name of a network that there is already", f.Name)
	case f.Message == "" || len(f.Message) > maxMessage:
		return badField("message", "it has %d bytes, not 1 to %d", len(f.Message), maxMessage)
	case !utf8.ValidString(f.Message) || strings.ContainsFunc(f.Message, unicode.IsControl):
		return badField("message", "it has characters that cannot be shown")
	case len(f.Prefix) == 0 || len(f.Prefix) > maxPrefix || strings.Trim(f.Prefix, letters) != "":
		return badField("prefix", "%.90q is not 1 to %d lower-case letters", f.Prefix, maxPrefix)
	case bitcoinPrefixes[f.Prefix] != "":
		return badField("prefix", "%q belongs to %s: addresses would be mistaken for real ones", f.Prefix, bitcoinPrefixes[f.Prefix])
	}
	return nil
}

func (f *NetworkFile) checkNumbers() error {
	ports := []struct {
		field string
		port  uint16
	}{{"p2p_port", f.P2PPort}, {"http_port", f.HTTPPort}, {"tracker_port", f.TrackerPort}}
	for i, a := range ports {
		if a.port == 0 {
			return badField(a.field, "a port is a number from 1 to 65535")
		}
		for _, b := range ports[:i] {
			if a.port == b.port {
				return badField(a.field, "port %d is %s's already", a.port, b.field)
			}
		}
	}
	switch {
	case f.Spacing == 0 || f.Spacing > maxSpacing:
		return badField("spacing_seconds", "%d is not from 1 to %d", f.Spacing, maxSpacing)
	case f.Spacing < minSpacing && !f.FixedDifficulty:
		return badField("spacing_seconds", "%d is under %d, which only a network of fixed difficulty may be", f.Spacing, minSpacing)
	case f.HalvingInterval < 1:
		return badField("halving_interval", "%d is not at least 1", f.HalvingInterval)
	case f.Maturity < 1 || f.Maturity > maxMaturity:
		return badField("maturity", "%d is not from 1 to %d", f.Maturity, maxMaturity)
	case f.Time == 0:
		return badField("time", "it is not a time in Unix seconds")
	}
	return nil
}

// firstBits returns the first target in compact form, from whichever of the two fields the file has.
func (f *NetworkFile) firstBits() (uint32, error) {
	switch {
	case f.FirstBits != "" && f.FirstHashes != 0:
		return 0, badField("first_hashes", "the file has first_bits too; one of them is enough")
	case f.FirstBits == "" && f.FirstHashes == 0:
		return 0, badField("first_hashes", "the file has neither this (at least 1) nor first_bits")
	case f.FirstHashes != 0:
		most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
		return Compact(most.Div(most, new(big.Int).SetUint64(f.FirstHashes))), nil
	}
	n, err := strconv.ParseUint(f.FirstBits, 16, 32)
	if err != nil || len(f.FirstBits) != 8 {
		return 0, badField("first_bits", "%.20q is not eight hexadecimal digits", f.FirstBits)
	}
	target := Target(uint32(n))
	if target == nil || Compact(target) != uint32(n) {
		return 0, badField("first_bits", "%s is not the compact form of a target", f.FirstBits)
	}
	return uint32(n), nil
}

// subsidy returns the first blocks' subsidy, having added up all that will ever be.
func (f *NetworkFile) subsidy() (Amount, error) {
	first, err := ParseAmount(f.Subsidy)
	switch {
	case err != nil:
		return 0, badField("subsidy", "%v", err)
	case first == 0:
		return 0, badField("subsidy", "it is nothing, so that nobody would ever have a coin")
	}
	interval, supply := Amount(f.HalvingInterval), Amount(0)
	for era := first; era > 0; era >>= 1 {
		if era > (MaxMoney-supply)/interval {
			return 0, badField("subsidy", "%v halved every %d blocks makes more than %d coins in all, the most there may be", first, interval, MaxMoney/Coin)
		}
		supply += era * interval
	}
	return first, nil
}
