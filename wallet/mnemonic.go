package wallet

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// entropyBytes makes twelve words.
const entropyBytes = 16

// NewMnemonic returns twelve BIP 39 words from 128 bits of entropy.
func NewMnemonic(entropy io.Reader) (string, error) {
	var b [entropyBytes]byte
	if _, err := io.ReadFull(entropy, b[:]); err != nil {
		return "", fmt.Errorf("read entropy for recovery words: %w", err)
	}
	words, err := bip39.NewMnemonic(b[:])
	if err != nil {
		return "", fmt.Errorf("make recovery words: %w", err)
	}
	return words, nil
}

// CheckMnemonic returns nil or a *MnemonicError that says what is wrong with BIP 39 recovery words. Letter case and
// the space between words do not matter.
func CheckMnemonic(s string) error {
	words := strings.Fields(strings.ToLower(s))
	if !slices.Contains([]int{12, 15, 18, 21, 24}, len(words)) {
		return &MnemonicError{Reason: fmt.Sprintf("there are 12, 15, 18, 21 or 24 of them, not %d", len(words))}
	}
	for i, w := range words {
		if _, known := bip39.GetWordIndex(w); !known {
			return &MnemonicError{Reason: fmt.Sprintf("word %d, %q, is not in the English list of BIP 39", i+1, w)}
		}
	}
	if _, err := bip39.EntropyFromMnemonic(strings.Join(words, " ")); err != nil {
		return &MnemonicError{Reason: "the checksum does not match: a word is wrong, or they are in another order"}
	}
	return nil
}

// normalize returns recovery words in the one form that seeds are derived from.
func normalize(mnemonic string) string {
	return strings.Join(strings.Fields(strings.ToLower(mnemonic)), " ")
}
