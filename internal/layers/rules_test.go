package layers_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The sizes of the house.
const (
	maxFile    = 400 // lines of a file
	maxTest    = 600 // lines of a test file
	minComment = 5   // lines of a package comment
	maxComment = 40
)

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		checkLines(t, p, p.GoFiles, maxFile)
		checkLines(t, p, slices.Concat(p.TestGoFiles, p.XTestGoFiles), maxTest)
	}
}

func checkLines(t *testing.T, p pkg, files []string, limit int) {
	t.Helper()
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > limit {
			t.Errorf("%s/%s has %d lines, %d allowed", p.room(), name, n, limit)
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		var comments []string
		for _, file := range parse(t, p) {
			if file.Doc != nil {
				comments = append(comments, file.Doc.Text())
			}
		}
		if len(comments) != 1 {
			t.Errorf("%s has %d package comments, 1 wanted", p.room(), len(comments))
			continue
		}
		if n := strings.Count(comments[0], "\n"); n < minComment || n > maxComment {
			t.Errorf("%s: the package comment has %d lines, %d to %d wanted", p.room(), n, minComment, maxComment)
		}
		if want := "Package " + p.Name + " "; p.Name != "main" && !strings.HasPrefix(comments[0], want) {
			t.Errorf("%s: the package comment does not begin with %q", p.room(), want)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, file := range parse(t, p) {
			for _, name := range undocumented(file) {
				t.Errorf("%s: %s has no comment", p.room(), name)
			}
		}
	}
}

func parse(t *testing.T, p pkg) []*ast.File {
	t.Helper()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func undocumented(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && onExported(d) {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				names = append(names, undocumentedIn(d, spec)...)
			}
		}
	}
	return names
}

// onExported tells functions and methods of exported types from methods that
// nobody outside can name.
func onExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	return ok && name.IsExported()
}

func undocumentedIn(d *ast.GenDecl, spec ast.Spec) (names []string) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			names = append(names, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// TestRulesSeeFaults shows that the check of comments finds what it is for.
func TestRulesSeeFaults(t *testing.T) {
	t.Parallel()
	const source = `// Package x is here.
package x

type Bare struct{}

// Told is documented.
type Told struct{}

func (*Bare) Method() {}

func Free() {}

func (*hidden) Fine() {}

const (
	A = 1
	B = 2 // documented
)

var C = 1
`
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := undocumented(file), []string{"Bare", "Method", "Free", "A", "C"}; !slices.Equal(got, want) {
		t.Errorf("undocumented: %q, want %q", got, want)
	}
}
