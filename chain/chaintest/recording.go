package chaintest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
)

// EachStep reads a recording, gzipped JSON lines, and hands each line to f with its number from 0.
func EachStep[S any](t TB, path string, f func(number int, s *S)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zip, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(zip)
	for number := 0; ; number++ {
		var s S
		if err := lines.Decode(&s); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("step %d: %v", number, err)
		}
		f(number, &s)
	}
}
