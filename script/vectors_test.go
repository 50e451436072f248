package script

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cheese/coin"
)

// vectorDir is where Bitcoin Core's and the BIPs' test vectors lie, beside the repository.
const vectorDir = "../../shared/vectors"

// vector reads a vector file, or skips the test and says so where there is none.
func vector(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorDir, name))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED: no test vectors at %s", filepath.Join(vectorDir, name))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jsonVector[T any](t *testing.T, name string) (v T) {
	t.Helper()
	if err := json.Unmarshal(vector(t, name), &v); err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
	return v
}

func csvVector(t *testing.T, name string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(vector(t, name))).ReadAll()
	if err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
	return rows
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// assemble reads the script notation of Core's vectors: numbers, 0x raw bytes, 'text', operations with or without OP_.
func assemble(t testing.TB, text string) (script []byte) {
	t.Helper()
	for _, word := range strings.Fields(text) {
		n, err := strconv.ParseInt(word, 10, 64)
		switch {
		case err == nil:
			script = append(script, PushInt(n)...)
		case strings.HasPrefix(word, "0x"):
			script = append(script, unhex(t, word[2:])...)
		case word[0] == '\'':
			script = append(script, directPush([]byte(word[1:len(word)-1]))...)
		default:
			script = append(script, opByName(t, word))
		}
	}
	return script
}

func opByName(t testing.TB, name string) byte {
	t.Helper()
	op := slices.Index(opNames[:], "OP_"+strings.TrimPrefix(name, "OP_"))
	if op < 0 {
		t.Fatalf("no operation is named %q", name)
	}
	return byte(op)
}

// coreFlags are Core's names of the flags, in the order of their bits.
var coreFlags = []string{"P2SH", "STRICTENC", "DERSIG", "LOW_S", "NULLDUMMY", "SIGPUSHONLY", "MINIMALDATA",
	"DISCOURAGE_UPGRADABLE_NOPS", "CLEANSTACK", "CHECKLOCKTIMEVERIFY", "CHECKSEQUENCEVERIFY", "WITNESS",
	"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "MINIMALIF", "NULLFAIL", "WITNESS_PUBKEYTYPE", "CONST_SCRIPTCODE", "TAPROOT",
	"DISCOURAGE_UPGRADABLE_TAPROOT_VERSION", "DISCOURAGE_OP_SUCCESS", "DISCOURAGE_UPGRADABLE_PUBKEYTYPE"}

const allFlags = Flags(1)<<21 - 1

func parseFlags(t testing.TB, text string) (f Flags) {
	t.Helper()
	if text == "" || text == "NONE" {
		return 0
	}
	for name := range strings.SplitSeq(text, ",") {
		bit := slices.Index(coreFlags, name)
		if bit < 0 {
			t.Fatalf("no flag is named %q", name)
		}
		f |= 1 << bit
	}
	return f
}

// coreWords are Core's names of the script errors that its vectors expect.
var coreWords = map[string]verdict{
	"OK": valid, "UNKNOWN_ERROR": unknownError, "EVAL_FALSE": evalFalse, "OP_RETURN": returned,
	"SCRIPT_SIZE": scriptSize, "PUSH_SIZE": pushSize, "OP_COUNT": opCount, "STACK_SIZE": stackSize,
	"SIG_COUNT": sigCount, "PUBKEY_COUNT": keyCount, "VERIFY": failedVerify, "EQUALVERIFY": equalVerify,
	"CHECKMULTISIGVERIFY": multiVerify, "CHECKSIGVERIFY": sigVerify, "NUMEQUALVERIFY": numVerify,
	"BAD_OPCODE": badOpcode, "DISABLED_OPCODE": disabledOp, "INVALID_STACK_OPERATION": badStack,
	"INVALID_ALTSTACK_OPERATION": badAltStack, "UNBALANCED_CONDITIONAL": unbalanced,
	"NEGATIVE_LOCKTIME": negativeLock, "UNSATISFIED_LOCKTIME": unmetLock, "SIG_HASHTYPE": sigHashType,
	"SIG_DER": sigDER, "MINIMALDATA": notMinimal, "SIG_PUSHONLY": sigPushOnly, "SIG_HIGH_S": sigHighS,
	"SIG_NULLDUMMY": nullDummy, "PUBKEYTYPE": badKeyType, "CLEANSTACK": cleanStack, "MINIMALIF": minimalIf,
	"NULLFAIL": nullFail, "DISCOURAGE_UPGRADABLE_NOPS": newNop,
	"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM": newWitness, "WITNESS_PROGRAM_WRONG_LENGTH": programLength,
	"WITNESS_PROGRAM_WITNESS_EMPTY": programEmpty, "WITNESS_PROGRAM_MISMATCH": programHash,
	"WITNESS_MALLEATED": malleated, "WITNESS_MALLEATED_P2SH": malleatedP2SH, "WITNESS_UNEXPECTED": unexpected,
	"WITNESS_PUBKEYTYPE": witnessKey, "OP_CODESEPARATOR": codeSeparator, "SIG_FINDANDDELETE": sigInCode,
}

// creditAndSpend builds the pair of transactions that Core's script vectors are run on: one pays amount to the
// script, the other spends it.
func creditAndSpend(input []byte, witness [][]byte, output []byte, amount coin.Amount) *Spend {
	out := coin.TxOut{Value: amount, Script: output}
	credit := &coin.Tx{Version: 1, Out: []coin.TxOut{out},
		In: []coin.TxIn{{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: []byte{0, 0}, Sequence: coin.SequenceFinal}}}
	spend := &coin.Tx{Version: 1, Out: []coin.TxOut{{Value: amount}},
		In: []coin.TxIn{{Prev: coin.OutPoint{Hash: credit.ID()}, Script: input, Witness: witness, Sequence: coin.SequenceFinal}}}
	return NewSpend(spend, []coin.TxOut{out})
}

// scriptVector is one line of script_tests.json.
type scriptVector struct {
	index         int
	witness       [][]byte
	amount        coin.Amount
	input, output string
	flags, want   string
}

func scriptVectors(t *testing.T) (vectors []scriptVector) {
	for i, line := range jsonVector[[][]any](t, "script_tests.json") {
		if len(line) < 4 {
			continue // a remark
		}
		v := scriptVector{index: i}
		if witness, ok := line[0].([]any); ok {
			last := len(witness) - 1
			v.amount = coin.Amount(witness[last].(float64)*1e8 + 0.5)
			for _, item := range witness[:last] {
				v.witness = append(v.witness, unhex(t, item.(string)))
			}
			line = line[1:]
		}
		v.input, v.output = line[0].(string), line[1].(string)
		v.flags, v.want = line[2].(string), line[3].(string)
		vectors = append(vectors, v)
	}
	return vectors
}

func TestScriptVectors(t *testing.T) {
	v := NewVerifier(0, 1)
	for _, test := range scriptVectors(t) {
		spend := creditAndSpend(assemble(t, test.input), test.witness, assemble(t, test.output), test.amount)
		flags := parseFlags(t, test.flags)
		if flags.has(CleanStack) {
			flags |= P2SH | Witness
		}
		want, ok := coreWords[test.want]
		if !ok {
			t.Fatalf("line %d expects %q, which is not in the table", test.index, test.want)
		}
		if got := v.check(&Check{Spend: spend, Flags: flags}); got != want {
			t.Errorf("line %d: %q | %q under %s: got %q, want %q", test.index, test.input, test.output, test.flags, got, want)
		}
	}
}
