package conf

// Gate says how canaries are judged before they are planted.
type Gate struct {
	// Off plants without judging: for test rigs. Every report says so.
	Off bool `json:"off"`
	// Rows is how many customers canaries are compared with at most, and as many
	// again are counted in. Default 20,000.
	Rows int `json:"rows"`
	// MaxAUC is what a classifier may reach, in [0.5, 1]; .5 is chance. Default .55.
	MaxAUC float64 `json:"max_auc"`
}

func (g *Gate) decode(t *table) {
	if t == nil {
		return
	}
	t.truth("off", &g.Off)
	t.whole("rows", &g.Rows)
	t.number("max_auc", &g.MaxAUC)
	t.finish()
}

func (c *Config) checkGate(k *checks) {
	if n := c.Gate.Rows; n < 1000 || n > 250_000 {
		k.bad("gate.rows", "%d is not between 1000 and 250000", n)
	}
	if m := c.Gate.MaxAUC; !(m >= 0.5 && m <= 1) { // also refuses NaN
		k.bad("gate.max_auc", "%v is not between 0.5 and 1", m)
	}
}
