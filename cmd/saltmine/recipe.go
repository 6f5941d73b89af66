package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"saltmine/configs"
	"saltmine/seeder/recipe"
	"saltmine/seeder/supportdb"
)

// recipeCmd shows, lists and checks recipes.
func (a *app) recipeCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recipe",
		Short: "list, show and check recipes for help desks",
		Long: `A recipe says which tables and columns of a support database make a customer with
tickets. Recipes for well-known help desks are built in; 'inspect' proposes one
for any other schema, and one can be written by hand in an hour: start from the
built-in recipe that is nearest ('recipe show NAME'), change it, and let
'recipe check FILE' compare it with your database. Nothing is written there.`,
		Example: "  saltmine recipe list\n  saltmine recipe show generic\n  saltmine recipe check mine.toml",
	}
	var name string
	check := &cobra.Command{
		Use:     "check RECIPE",
		Short:   "compare a recipe with the support database and copy one customer on paper",
		Example: "  saltmine recipe check generic\n  saltmine recipe check mine.toml",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.recipeCheck(cmd.Context(), name, args[0]) },
	}
	check.Flags().StringVar(&name, "support", "", "`NAME` of the support database, when there are several")
	cmd.AddCommand(check, &cobra.Command{
		Use: "list", Short: "name the built-in recipes", Example: "  saltmine recipe list", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.recipeList() },
	}, &cobra.Command{
		Use: "show NAME", Short: "print a built-in recipe", Example: "  saltmine recipe show generic", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := builtIn(args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.stdout, text)
			return err
		},
	})
	return cmd
}

// recipeNames lists the built-in recipes.
func recipeNames() ([]string, error) {
	entries, err := configs.Recipes.ReadDir("recipes")
	if err != nil {
		return nil, fmt.Errorf("built-in recipes: %w", err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	slices.Sort(names)
	return names, nil
}

// builtIn gives the text of a built-in recipe.
func builtIn(name string) (string, error) {
	names, err := recipeNames()
	if err != nil {
		return "", err
	}
	if !slices.Contains(names, name) {
		more := ""
		if near := recipe.Nearest(name, names); near != "" {
			more = fmt.Sprintf("; did you mean %q?", near)
		}
		return "", usage("there is no built-in recipe %q%s (there are: %s; the name of a file ends in .toml)", name, more, strings.Join(names, ", "))
	}
	text, err := configs.Recipes.ReadFile(path.Join("recipes", name+".toml"))
	return string(text), err
}

// loadRecipe reads a recipe: a file, or a built-in one by its name.
func loadRecipe(name string) (recipe.Recipe, error) {
	if strings.HasSuffix(name, ".toml") {
		return recipe.Load(name)
	}
	text, err := builtIn(name)
	if err != nil {
		return recipe.Recipe{}, err
	}
	return recipe.Parse([]byte(text))
}

func (a *app) recipeList() error {
	names, err := recipeNames()
	if err != nil {
		return err
	}
	type line struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}
	var list []line
	for _, n := range names {
		r, err := loadRecipe(n)
		if err != nil {
			return fmt.Errorf("built-in recipe %s: %w", n, err)
		}
		list = append(list, line{n, r.Name})
	}
	return a.print(list, func(w io.Writer) error {
		for _, l := range list {
			if _, err := fmt.Fprintf(w, "%-12s %s\n", l.Name, l.Title); err != nil {
				return err
			}
		}
		return nil
	})
}

// recipeChecked is what recipe check prints.
type recipeChecked struct {
	Recipe string          `json:"recipe"`
	Tables []supportdb.Fit `json:"tables"`
	Notes  []string        `json:"notes,omitempty"`
}

func (a *app) recipeCheck(ctx context.Context, name, file string) (err error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	r, err := loadRecipe(file)
	if err != nil {
		return err
	}
	name, sc, err := chooseSupport(cfg, name)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, sc, nil)
	if err != nil {
		return fmt.Errorf("[support.%s]: %w", name, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	desk, err := db.Use(ctx, r)
	if err != nil {
		return err
	}
	fits, notes, err := desk.Try(ctx)
	if err != nil {
		return err
	}
	return a.print(recipeChecked{r.Name, fits, notes}, func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, "%s fits. One customer was read and copied on paper; nothing was written.\n", r.Name); err != nil {
			return err
		}
		for _, f := range fits {
			if _, err := fmt.Fprintf(w, "  %-20s %-28s %3d rows, %d columns that tie them together\n", f.Part, f.Table, f.Rows, f.Tied); err != nil {
				return err
			}
		}
		return lines(w, notes)
	})
}
