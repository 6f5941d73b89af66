package recipe_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"saltmine/seeder/recipe"
)

const example = "../../configs/recipes/generic.toml"

func TestLoadRecipe(t *testing.T) {
	t.Parallel()
	r, err := recipe.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	if r.Customer.Table != "customers" || r.Customer.Segment["country"] != "country" || r.Ticket.Number != "number" {
		t.Errorf("recipe %+v", r)
	}
	if _, err := recipe.Load("none.toml"); !errors.Is(err, recipe.ErrRecipe) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestParseRecipeFaults(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	for name, c := range map[string]struct{ find, put, want string }{
		"unknown key":     {`email      = "email"`, `e_mail     = "email"`, `line 10: unknown key "customer.e_mail"; did you mean "email"?`},
		"unknown table":   {"[ticket]", "[tickets]", `unknown key "tickets"; did you mean "ticket"?`},
		"syntax":          {`table    = "tickets"`, `table    = tickets`, "line 30: "},
		"wrong type":      {`status   = "status"`, `status   = 7`, "ticket.status"},
		"missing":         {`number   = "number"`, ``, "ticket.number is missing"},
		"missing name":    {`first_name = "first_name"`, ``, "customer.first_name and customer.last_name, is missing"},
		"missing created": {`created    = "created_at"`, ``, "customer.created is missing"},
	} {
		text := strings.Replace(good, c.find, c.put, 1)
		if text == good {
			t.Fatalf("%s: the example has no %q", name, c.find)
		}
		if _, err := recipe.Parse([]byte(text)); !errors.Is(err, recipe.ErrRecipe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := recipe.Parse(make([]byte, 2<<20)); !errors.Is(err, recipe.ErrRecipe) {
		t.Errorf("two megabytes: %v", err)
	}
}

func FuzzParseRecipe(f *testing.F) {
	b, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("[customer]\nx.y = 1\n\"\" = 2\n[[ticket]]\n"))
	f.Add([]byte("a = [\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := recipe.Parse(text)
		if err == nil && (r.Customer.Table == "" || r.Ticket.Number == "") {
			t.Error("half a recipe was taken")
		}
	})
}
