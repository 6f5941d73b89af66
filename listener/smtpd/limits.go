package smtpd

import (
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// Limits bound what one stranger, and all of them together, can use up. A zero
// field has the default that its comment names.
type Limits struct {
	Idle       time.Duration // silence before the connection is closed; 5 min
	Stress     time.Duration // the same while more than three quarters of Connections are open, when one error is enough, too; 10 s
	Session    time.Duration // life of a connection; 30 min
	Slow       time.Duration // how often the rate of a message is judged; 2 min
	Rate       int           // least bytes per second of a message, over Slow; 500
	Commands   int           // commands on a connection; 200
	Errors     int           // negative answers since the last mail was taken; 20
	Recipients int           // accepted recipients of a transaction; 100
	Line       int           // bytes of a command line; 4096. Lines of a message have no bound of their own
	Message    int64         // bytes of a message; 30 MiB
	Held       int64         // bytes of messages in memory, all connections together; 512 MiB

	Connections int // at one time; 1000
	PerAddress  int // of them from one IPv4 address or one IPv6 /64; 50

	Proxy time.Duration // for the header of a trusted proxy; 5 s
	Drain time.Duration // for open transactions when the ear stops; 5 s
	Store time.Duration // for one call of Hear; 30 s
}

// Bounds that hold whatever the configuration says.
const (
	mostTargets = 1000      // of a transaction, refused ones included (a contact holds no more)
	mostPath    = 512       // bytes of an address (token.SplitEmail takes no more)
	mostPrelude = 64 << 10  // bytes kept of what was said outside transactions
	mostTalk    = 4 << 20   // bytes kept of the commands and replies of a transaction
	mostHelo    = 512       // bytes kept of the client's name among the facts
	mostMessage = 48 << 20  // so that a contact stays under canary.MaxRaw
	lingerBytes = 256 << 10 // read and forgotten while a refused client hangs up
)

func (l Limits) filled() (Limits, error) {
	fill(&l.Idle, 5*time.Minute)
	fill(&l.Stress, 10*time.Second)
	fill(&l.Session, 30*time.Minute)
	fill(&l.Slow, 2*time.Minute)
	fill(&l.Rate, 500)
	fill(&l.Commands, 200)
	fill(&l.Errors, 20)
	fill(&l.Recipients, 100)
	fill(&l.Line, 4096)
	fill(&l.Message, 30<<20)
	fill(&l.Held, 512<<20)
	fill(&l.Connections, 1000)
	fill(&l.PerAddress, 50)
	fill(&l.Proxy, 5*time.Second)
	fill(&l.Drain, 5*time.Second)
	fill(&l.Store, 30*time.Second)
	for _, n := range []int64{
		int64(l.Idle), int64(l.Stress), int64(l.Session), int64(l.Slow), int64(l.Rate), int64(l.Commands), int64(l.Errors),
		int64(l.Recipients), l.Message, l.Held, int64(l.Connections), int64(l.PerAddress), int64(l.Proxy), int64(l.Drain), int64(l.Store),
	} {
		if n < 0 {
			return l, errors.New("a limit is negative")
		}
	}
	switch {
	case l.Line < 512 || l.Line > 64<<10:
		return l, fmt.Errorf("command line of %d bytes: want 512 to 65536 (RFC 5321 §4.5.3.1.4)", l.Line)
	case l.Message > mostMessage:
		return l, fmt.Errorf("message of %d bytes: at most %d, so that a contact stays under %d", l.Message, mostMessage, canary.MaxRaw)
	case l.Recipients > mostTargets:
		return l, fmt.Errorf("%d recipients: at most %d", l.Recipients, mostTargets)
	}
	return l, nil
}

func fill[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
