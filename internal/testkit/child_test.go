package testkit_test

import (
	"context"
	"fmt"
	"os"

	"saltmine/internal/testkit"
)

// child is this test binary run again, to be killed: it starts a server, says
// where, and waits for an end that never comes.
func child() int {
	server, stop, err := testkit.StartMariaDB(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	fmt.Println(server.Addr())
	select {}
}
