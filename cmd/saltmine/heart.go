package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/heartbeat"
)

// well reports why serve could not do what it is for.
func (s *server) well(ctx context.Context) error {
	if s.spool.Stats().Broken {
		return errors.New("the spool takes no contacts")
	}
	return s.reg.Ping(ctx)
}

// watchdog is how often systemd wants to hear of us; 0 is never (sd_watchdog_enabled(3)).
func watchdog() time.Duration {
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID")
	if err != nil || micros <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(micros) * time.Microsecond
}

// tell says a state to systemd, where it asked for it.
func (s *server) tell(ctx context.Context, state string) {
	if err := heartbeat.Notify(ctx, os.Getenv("NOTIFY_SOCKET"), state); err != nil {
		s.log.Warn("systemd was not told", "state", state, "err", err)
	}
}

// beat tells systemd that serve is well, twice in the time that it is given.
func (s *server) beat(ctx context.Context) error {
	defer s.tell(context.WithoutCancel(ctx), heartbeat.Stopping)
	every := watchdog()
	if every == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(max(every/2, time.Millisecond))
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, every/4)
		err := s.well(look)
		cancel()
		if err == nil {
			s.tell(ctx, heartbeat.Watchdog)
		} else if ctx.Err() == nil {
			s.log.Error("serve is not well, and systemd is not told that it is", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

func levelOf(bad bool) slog.Level {
	if bad {
		return slog.LevelError
	}
	return slog.LevelInfo
}
