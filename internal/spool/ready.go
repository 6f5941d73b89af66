package spool

// aheadBytes is how much room is made ready at a time. More makes the one slow
// sync in so many rarer and longer, and the file larger that a quiet edge keeps.
const aheadBytes = 1 << 20

// A batch of more than smallBatch bytes is followed by no room: it pays for its
// journal commit by itself, and zeros would be written at half the disk's speed.
const smallBatch = 32 << 10

// makeReady writes zeros behind the batch of size bytes at start when no room is left
// there that has them. The batches that come then go into blocks that the file
// has already, and their sync writes nothing but them: where a file grows, or
// has room that was never written to, each sync waits for the file system's
// journal too, which makes it three times as slow. The zeros become durable with
// the sync of the batch that they follow. A disk that refuses them is no fault:
// the next batch makes the file grow.
func (s *Spool) makeReady(start, size int64) {
	end := start + size
	if end < s.readied {
		return
	}
	s.readied = end
	if size > smallBatch {
		return
	}
	bytes, _, err := s.room()
	if err != nil {
		return
	}
	bytes -= size // the batch is not under way yet
	until := min(end+aheadBytes, s.cfg.SegmentBytes, end+bytes)
	zeros := make([]byte, min(max(until-end, 0), 64<<10))
	for s.readied < until {
		n := min(until-s.readied, int64(len(zeros)))
		if s.write(s.files[0], zeros[:n], s.readied) != nil {
			return
		}
		s.readied += n
	}
}

// dropReady gives back the room that is not used, when the active segment ends.
// Should that fail, zeros stay behind its end.
func (s *Spool) dropReady() {
	if s.active == nil || s.readied <= s.active.size {
		return
	}
	if err := s.cfg.Hooks.Truncate(s.files[0], s.active.size); err != nil {
		s.cfg.Log.Info("unused room of a segment stays", "segment", s.active.name, "bytes", s.readied-s.active.size, "error", err)
	}
	s.readied = 0
}
