package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readConf adds what the configuration file says to s. The file may be absent, unless -conf names it. Unknown names are
// returned, for a warning, as in Core.
func (s *settings) readConf(datadir string) (unknown []string, err error) {
	path := s.text("conf")
	if !filepath.IsAbs(path) {
		path = filepath.Join(datadir, path)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !s.given("conf") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration file of -conf cannot be read: %w", err)
	}
	unknown, err = s.parseConf(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return unknown, nil
}

// parseConf reads name=value lines; those under [regtest] count before those under no section, those under others not
// at all, and # starts a comment.
func (s *settings) parseConf(b []byte) (unknown []string, err error) {
	section := ""
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(b, []byte("\ufeff"))) {
		number++
		text, _, commented := strings.Cut(string(line), "#")
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			continue
		case text[0] == '[' && text[len(text)-1] == ']':
			section = text[1 : len(text)-1]
			continue
		case text[0] == '-':
			return nil, fmt.Errorf("line %d: %s: here flags stand without leading dash", number, text)
		case !strings.Contains(text, "="):
			hint := ""
			if strings.HasPrefix(text, "no") {
				hint = ": to say no, write " + text + "=1"
			}
			return nil, fmt.Errorf("line %d: %s is not name=value%s", number, text, hint)
		case commented && strings.HasPrefix(text, "rpcpassword"):
			return nil, fmt.Errorf("line %d: # in a password is not clear: choose one without", number)
		}
		where, name := section, text
		if before, after, dotted := strings.Cut(text, "."); dotted && !strings.Contains(before, "=") {
			where, name = before, after
		}
		if err := s.addConf(where, name); err != nil {
			var nobody *FlagError
			if !errors.As(err, &nobody) {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			unknown = append(unknown, nobody.Flag)
		}
	}
	return unknown, nil
}

func (s *settings) addConf(section, text string) error {
	name, value, _ := strings.Cut(text, "=")
	f, v, err := parseSetting(strings.TrimSpace(name) + "=" + strings.TrimSpace(value))
	if err != nil {
		return err
	}
	switch section {
	case "":
		s.common.add(f, v)
	case "regtest":
		s.section.add(f, v)
	}
	return nil
}
