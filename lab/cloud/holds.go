package cloud

// holdTable keeps outcomes back (hold) and calls waiting (block).
type holdTable struct {
	held map[Op]*hold
	gate map[Op]chan struct{}
}

type hold struct {
	waiting []func(*tx)
}

func newHoldTable() holdTable {
	return holdTable{held: map[Op]*hold{}, gate: map[Op]chan struct{}{}}
}

// keep stores fn if op is held.
func (h *holdTable) keep(op Op, fn func(*tx)) bool {
	held, ok := h.held[op]
	if ok {
		held.waiting = append(held.waiting, fn)
	}
	return ok
}

func (h *holdTable) blocked(op Op) <-chan struct{} {
	if gate, ok := h.gate[op]; ok {
		return gate
	}
	return nil
}

// Hold keeps back what calls of op start: a NAT gateway stays pending, an instance stays shutting-down. Release lets all
// of it happen at once. Holding an op twice is the same as once.
func (c *Cloud) Hold(op Op) (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held, ok := c.holds.held[op]
	if !ok {
		held = &hold{}
		c.holds.held[op] = held
	}
	return func() {
		c.change(func(t *tx) {
			if c.holds.held[op] != held {
				return
			}
			delete(c.holds.held, op)
			for _, fn := range held.waiting {
				fn(t)
			}
		})
	}
}

// Block makes calls of op wait until release or until their context ends, as when AWS does not answer.
func (c *Cloud) Block(op Op) (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gate, ok := c.holds.gate[op]
	if !ok {
		gate = make(chan struct{})
		c.holds.gate[op] = gate
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.holds.gate[op] == gate {
			delete(c.holds.gate, op)
			close(gate)
		}
	}
}
