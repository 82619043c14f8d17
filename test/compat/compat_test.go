// Package compat runs two releases of the web app on one database, as a rollout does: the first host of the new release has
// migrated the schema, while hosts of the release before still serve; and a release may be withdrawn, after which the one
// before goes on, on the new schema. `make app-compat` builds the two and runs this.
package compat

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"usermanagement.dev/stack/internal/hostcontract"
)

// TestARolloutAndItsWithdrawal is the whole story on one database. Whatever a visitor, a program or the load is answered
// with, anywhere in it, must not be an error of the host's.
func TestARolloutAndItsWithdrawal(t *testing.T) {
	s := newStage(t)
	old := s.start(t, s.previous, "previous")
	l := settle(old)
	l.walk(old)
	s.holds(t, s.previous, "before there is another release")
	written := s.entries(t)

	load := l.underLoad(t, old)
	defer load.stop()
	load.goesOn(t, 20)
	next := s.start(t, s.new, "new")
	load.add(next)
	load.goesOn(t, 40)
	for _, pair := range [][2]*host{{old, next}, {next, old}} {
		l.exchange(pair[0], pair[1])
	}
	l.walk(old)
	l.walk(next)
	if missing := looks(old, next); len(missing) > 0 {
		t.Errorf("a page of the previous release asks the new one in vain for %v", missing)
	}
	t.Logf("a page of the new release asks the previous one in vain for %v", looks(next, old))
	l.useWhatIsNew(old, next)
	s.holds(t, s.new, "with both releases writing")
	s.previousVouches(t, written)

	load.withdraw(next)
	load.goesOn(t, 20)
	l.walk(old)
	again := s.start(t, s.previous, "previous, started on the new schema")
	load.add(again)
	load.withdraw(old)
	l.exchange(again, again)
	l.purges(again)
	s.previousVouches(t, written)
	s.holds(t, s.new, "after the new release was withdrawn and the one before went on")

	last := s.start(t, s.new, "new, started again")
	load.add(last)
	l.exchange(again, last)
	load.withdraw(again)
	l.walk(last)
	load.goesOn(t, 20)
	load.stop()
	s.holds(t, s.new, "at the end")
}

// TestAMigrationThatHasToWaitHoldsNobodyUp has somebody read a table for long, as a report or a backup does. A change of that
// table waits for the reader, and whoever wants the table after that waits for the change. The release before must not stand
// still for so long.
func TestAMigrationThatHasToWaitHoldsNobodyUp(t *testing.T) {
	s := newStage(t)
	old := s.start(t, s.previous, "previous")
	if len(s.pending(t)) == 0 {
		t.Skip("skipped: both releases have the same schema, so that there is nothing to migrate")
	}
	l := settle(old)
	goOn := s.readsForLong(t)
	next := s.launch(t, s.new, "new")
	load := l.underLoad(t, old)
	defer load.stop()
	await(t, "the new release gives up a migration to try it again", func() bool {
		return strings.Count(next.log.String(), "the database is not ready; trying again") >= 2
	})
	load.goesOn(t, 20)
	if got := next.health(); got == hostcontract.StatusOK {
		t.Error("the new release serves without its schema")
	}
	goOn()
	next.becomes(hostcontract.StatusOK)
	load.add(next)
	load.goesOn(t, 20)
}

// withdraw takes a host away as a rollout does: it says that it drains, the load balancer goes elsewhere, the host ends.
func (l *load) withdraw(h *host) {
	h.t.Helper()
	h.terminate()
	h.becomes(hostcontract.StatusDraining)
	l.remove(h)
	h.ended()
}

// useWhatIsNew uses what the first release that this was written for did not have, and has the release before look at what
// came of it.
func (l *life) useWhatIsNew(old, next *host) {
	next.t.Helper()
	p := l.newPerson(old, next)
	at, end := path("/api/users", p.id), "2124-01-31T18:00:00Z"
	l.program.onto(next).api(http.StatusOK, http.MethodPatch, at, `{"expires_at":"`+end+`"}`, "If-Match", "*")
	l.program.onto(old).api(http.StatusOK, http.MethodPatch, at, `{"display_name":"Temporary"}`, "If-Match", "*")
	got := l.program.onto(next).api(http.StatusOK, http.MethodGet, at, "")
	if got.ExpiresAt == nil || *got.ExpiresAt != end || got.Name != "Temporary" {
		next.t.Errorf("after a change at the previous release, temporary access is %+v", got)
	}
	admin := l.root.onto(next)
	admin.opens("/users/views")
	admin.does("/users?", "/users/views", url.Values{"name": {"Mine"}, "status": {"active"}, "shared": {"yes"}})
	admin.does(path("/users", p.id), path("/users", p.id), url.Values{
		"username": {p.name}, "email": {p.name + "@example.org"}, "role": {"user"}, "status": {"active"}, "expires_at": {"2024-01-31"},
		"version": {etag(got)[1 : len(etag(got))-1]},
	})
	if res := p.get("/account"); res.status == http.StatusOK {
		next.t.Error("access that has ended goes on at the new release")
	}
	next.t.Logf("access that has ended at the new release leads at the previous one to %q", old.visitor().signIn(p.name))
	admin.opens("/users")
	admin.does("/users", "/users/bulk/apply", url.Values{"action": {"disable"}, "id": {strconv.FormatInt(p.id, 10)}})
	if to := old.visitor().signIn(p.name); to != "" {
		old.t.Errorf("deactivated at the new release, somebody whose access has ended gets to %q at the previous one", to)
	}
	l.purges(next)
	l.walk(old)
}

// purges removes somebody for good in whose life both releases had a part.
func (l *life) purges(h *host) {
	h.t.Helper()
	p := l.newPerson(h, h)
	admin := l.root.onto(h)
	admin.opens(path("/users", p.id))
	admin.does("/users", path("/users", p.id)+"/delete", url.Values{})
	admin.does("/users", path("/users", p.id)+"/purge", url.Values{"sure": {"yes"}})
}
