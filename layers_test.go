package cheese

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// layers lists the rooms from the bottom up. A package may import packages of its own room and of lower layers; rooms
// that share a line are siblings and never import each other.
var layers = [][]string{
	{"coin", "tracker"},
	{"script"},
	{"consensus"},
	{"chain"},
	{"mempool"},
	{"wallet", "miner", "p2p"},
	{"node"},
	{"rpc", "web"},
	{"lab"},
	{"cmd"},
}

func layerOf(t *testing.T, room string) int {
	for i, rooms := range layers {
		for _, r := range rooms {
			if r == room {
				return i
			}
		}
	}
	t.Fatalf("package %q has no layer: add its room to layers", room)
	return -1
}

// eachFile parses every Go file of the module.
func eachFile(t *testing.T, visit func(path, room string, f *ast.File)) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" || filepath.Dir(path) == "." {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(path, strings.Split(filepath.ToSlash(path), "/")[0], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsPointDown(t *testing.T) {
	eachFile(t, func(path, room string, f *ast.File) {
		for _, imp := range f.Imports {
			target, _ := strconv.Unquote(imp.Path.Value)
			target, ours := strings.CutPrefix(target, "cheese/")
			if !ours {
				continue
			}
			other := strings.Split(target, "/")[0]
			if room == other || layerOf(t, other) < layerOf(t, room) {
				continue
			}
			t.Errorf("%s imports %s, which is not below it", path, target)
		}
	})
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	eachFile(t, func(path, _ string, f *ast.File) {
		if dir := filepath.Dir(path); !strings.HasSuffix(path, "_test.go") {
			said[dir] = said[dir] || f.Doc != nil
		}
	})
	for dir, ok := range said {
		if !ok {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}
