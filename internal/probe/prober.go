// Package probe asks the hosts of all stacks how they are, through their load balancers as users reach them, and wakes a
// stack when something changed that its pass would act on or tell.
package probe

import (
	"context"
	"crypto/x509"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"usermanagement.dev/stack/internal/health"
)

// Target is where and after whom to ask.
type Target struct {
	// Namespace and Name are the stack's.
	Namespace, Name string
	// Address is the load balancer's DNS name.
	Address string
	// Domain is the name under which people reach it by HTTPS on port 443; without one it is asked by HTTP on port 80.
	Domain string
	// Hosts are what those call themselves that should answer, sorted.
	Hosts []string
	// Hurry says that somebody waits for the answer.
	Hurry bool
}

// same says whether two targets ask the same of the same.
func (t Target) same(o Target) bool {
	return t.Address == o.Address && t.Domain == o.Domain && slices.Equal(t.Hosts, o.Hosts)
}

// Settings are what whoever starts the operator may choose.
type Settings struct {
	// Interval is the time between two rounds where all is well; a fifth of it where somebody waits.
	Interval time.Duration
	// Workers bounds the rounds that are under way at the same time.
	Workers int
	// Proxy is the HTTP proxy to ask through; nil takes the environment's.
	Proxy *url.URL
	// Roots are the authorities to trust; nil takes the system's.
	Roots *x509.CertPool
}

const (
	// DefaultInterval is the load balancer's own.
	DefaultInterval = 10 * time.Second
	// DefaultWorkers is enough for some thousand stacks.
	DefaultWorkers = 32
	// haste is how much sooner the next round comes where somebody waits.
	haste = 5
	// patience is after how long without news nobody waits so eagerly any more.
	patience = 5 * time.Minute
	// roundTimeout bounds a round.
	roundTimeout = 20 * time.Second
)

// Prober asks round after round. Its zero value is not usable: see New.
type Prober struct {
	// Wake is called with the name of a stack that has news. It must be set before Start.
	Wake func(context.Context, types.NamespacedName)

	settings Settings
	ask      func(context.Context, Target) health.Round

	mu     sync.Mutex
	stacks map[types.UID]*watched
	kick   chan struct{}
}

// watched is one stack under observation.
type watched struct {
	target   Target
	observed health.Observation
	due      time.Time
	news     time.Time // when something last changed
	busy     bool
}

// New makes a prober that asks nobody yet.
func New(settings Settings) *Prober {
	if settings.Interval <= 0 {
		settings.Interval = DefaultInterval
	}
	if settings.Workers <= 0 {
		settings.Workers = DefaultWorkers
	}
	proxy := http.ProxyFromEnvironment
	if settings.Proxy != nil {
		proxy = http.ProxyURL(settings.Proxy)
	}
	return &Prober{
		settings: settings, ask: asker{proxy: proxy, roots: settings.Roots}.round,
		stacks: map[types.UID]*watched{}, kick: make(chan struct{}, 1),
	}
}

// Look has a stack's hosts asked from now on, until Forget. Of hosts that were looked for before, what is known is kept.
func (p *Prober) Look(stack types.UID, target Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, known := p.stacks[stack]
	now := time.Now()
	if !known {
		// Stacks that an operator finds at its start are not all asked in the same moment.
		w = &watched{news: now, due: now.Add(rand.N(p.pause(true)))} //nolint:gosec // no secret
		p.stacks[stack] = w
		stacksProbed.Set(float64(len(p.stacks)))
	}
	if known && w.target.same(target) && w.target.Hurry == target.Hurry {
		return
	}
	if known {
		w.news = now
		w.due = earlier(w.due, now.Add(p.pause(target.Hurry)))
	}
	w.target = target
	p.poke()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Observed is what is known of the hosts of a stack; nothing if they are not asked.
func (p *Prober) Observed(stack types.UID) health.Observation {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w, known := p.stacks[stack]; known {
		return w.observed
	}
	return health.Observation{}
}

// Forget ends the questions of a stack, and what is known of it.
func (p *Prober) Forget(stack types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.stacks[stack]; known {
		delete(p.stacks, stack)
		stacksProbed.Set(float64(len(p.stacks)))
	}
}

// NeedLeaderElection is true: only the one that works asks.
func (p *Prober) NeedLeaderElection() bool { return true }

// Start asks until the context ends.
func (p *Prober) Start(ctx context.Context) error {
	var rounds sync.WaitGroup
	defer rounds.Wait()
	slots := make(chan struct{}, p.settings.Workers)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-p.kick:
		}
		due, next := p.due(time.Now(), p.settings.Workers-len(slots))
		for _, stack := range due {
			slots <- struct{}{}
			rounds.Go(func() {
				defer p.poke()
				defer func() { <-slots }()
				p.round(ctx, stack)
			})
		}
		timer.Reset(next)
	}
}

// due takes the stacks whose round is due, at most so many, the longest waiting first, and says when to look again.
func (p *Prober) due(now time.Time, most int) ([]types.UID, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []types.UID
	next := p.settings.Interval
	for uid, w := range p.stacks {
		switch wait := w.due.Sub(now); {
		case w.busy:
		case wait <= 0:
			due = append(due, uid)
		default:
			next = min(next, wait)
		}
	}
	slices.SortFunc(due, func(a, b types.UID) int { return p.stacks[a].due.Compare(p.stacks[b].due) })
	due = due[:min(len(due), max(most, 0))]
	for _, uid := range due {
		p.stacks[uid].busy = true
	}
	return due, next
}

// round asks the hosts of one stack and keeps what they say.
func (p *Prober) round(ctx context.Context, stack types.UID) {
	p.mu.Lock()
	w, known := p.stacks[stack]
	if !known {
		p.mu.Unlock()
		return
	}
	target := w.target
	p.mu.Unlock()

	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, roundTimeout)
	round := p.ask(bounded, target)
	cancel()
	roundSeconds.Observe(time.Since(began).Seconds())
	if ctx.Err() != nil {
		return // it was cut off and says nothing
	}
	if p.keep(w, target, round, time.Now()) {
		p.Wake(ctx, types.NamespacedName{Namespace: target.Namespace, Name: target.Name})
	}
}

// keep takes a round into what is known, and says whether there is news.
func (p *Prober) keep(w *watched, target Target, round health.Round, now time.Time) bool {
	count(round)
	p.mu.Lock()
	defer p.mu.Unlock()
	w.busy = false
	if !w.target.same(target) {
		w.due = now // it was asked after others: once more
		return false
	}
	before := w.observed
	w.observed = before.Next(round, target.Hosts)
	news := !before.Same(w.observed)
	if news {
		w.news = now
	}
	hurry := now.Sub(w.news) < patience && (target.Hurry || !w.observed.Calm())
	w.due = now.Add(p.pause(hurry))
	return news
}

// pause is the time until the next round.
func (p *Prober) pause(hurry bool) time.Duration {
	if hurry {
		return max(p.settings.Interval/haste, time.Millisecond)
	}
	return p.settings.Interval
}

// poke has the loop look again.
func (p *Prober) poke() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}
