package conf

// Life says when canaries arrive that are planted over a span, and when those
// that stand live on.
type Life struct {
	// Schedule is a cron text of five fields, read in UTC: when replies, new
	// tickets and the like come to canaries. Default "*/10 * * * *"; empty is
	// never, and canaries stay as they were planted.
	Schedule string `json:"schedule"`
	// Arrivals is a cron text like it: when canaries of batches over a span are
	// inserted whose time has come. Default "*/5 * * * *"; empty leaves that to
	// "plant --batch NAME".
	Arrivals string `json:"arrivals"`
}

func defaultLife() Life { return Life{Schedule: "*/10 * * * *", Arrivals: "*/5 * * * *"} }

func (l *Life) decode(t *table) {
	if t == nil {
		return
	}
	t.perhaps("schedule", &l.Schedule)
	t.perhaps("arrivals", &l.Arrivals)
	t.finish()
}

func (c *Config) checkLife(k *checks) {
	k.schedule("life.schedule", c.Life.Schedule)
	k.schedule("life.arrivals", c.Life.Arrivals)
}

func (p printer) life(c *Config) {
	p.value("life.schedule", c.Life.Schedule)
	p.value("life.arrivals", c.Life.Arrivals)
}
