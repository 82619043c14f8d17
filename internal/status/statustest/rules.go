// Package statustest checks that a stack's status keeps the rules that people and tools rely on: those of kstatus and Argo CD, and
// those that make a status stable and useful. It is meant to be called after every pass of every test.
package statustest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/ack"
)

// Check reports every rule that the stack's status breaks.
func Check(t testing.TB, stack *v1.UserManagementStack) {
	t.Helper()
	for _, violation := range Rules(stack) {
		t.Errorf("status of %s/%s at generation %d: %s", stack.Namespace, stack.Name, stack.Generation, violation)
	}
}

// Rules lists the rules that a stack's status breaks; none if all is well. A status that nobody has written yet, as a
// stack has it before its first pass and after a crash in that, breaks none.
func Rules(stack *v1.UserManagementStack) []string {
	if stack.Status.ObservedGeneration == 0 && len(stack.Status.Conditions) == 0 {
		return nil
	}
	c := &check{stack: stack}
	c.presence()
	c.progressIsSaid()
	c.generations()
	for _, condition := range stack.Status.Conditions {
		c.condition(condition)
	}
	c.deletion()
	c.blockers()
	c.counts()
	c.kstatus()
	c.argoCD()
	return c.violations
}

type check struct {
	stack      *v1.UserManagementStack
	violations []string
}

func (c *check) violated(format string, args ...any) {
	c.violations = append(c.violations, fmt.Sprintf(format, args...))
}

func (c *check) isTrue(kind string) bool {
	return meta.IsStatusConditionTrue(c.stack.Status.Conditions, kind)
}

func (c *check) has(kind string) bool {
	return meta.FindStatusCondition(c.stack.Status.Conditions, kind) != nil
}

func (c *check) deleting() bool { return c.stack.DeletionTimestamp != nil }

// abnormal are the conditions that are there only while they are True.
var abnormal = []string{
	v1.ConditionReconciling, v1.ConditionStalled, v1.ConditionSuspended, v1.ConditionDrifted, v1.ConditionRolloutNeeded,
	v1.ConditionDeletionBlocked,
}

func components() []string {
	var kinds []string
	for _, name := range v1.ComponentNames() {
		kinds = append(kinds, v1.ComponentCondition(name))
	}
	return kinds
}

// presence: the closed set of types, each once, the normal ones always, the abnormal ones only while True.
func (c *check) presence() {
	always := []string{v1.ConditionReady, v1.ConditionAvailable}
	if !c.deleting() {
		always = append(always, components()...)
	}
	for _, kind := range always {
		if !c.has(kind) {
			c.violated("the condition %s is missing", kind)
		}
	}
	known := slices.Concat(always, components(), abnormal)
	seen := map[string]bool{}
	for _, condition := range c.stack.Status.Conditions {
		if seen[condition.Type] {
			c.violated("the condition %s is there twice", condition.Type)
		}
		seen[condition.Type] = true
		if !slices.Contains(known, condition.Type) {
			c.violated("no condition is called %s", condition.Type)
		}
		if slices.Contains(abnormal, condition.Type) && condition.Status != metav1.ConditionTrue {
			c.violated("the abnormal condition %s is %s: it must be True or absent", condition.Type, condition.Status)
		}
	}
}

// progressIsSaid: whoever waits must learn whether waiting is any use.
func (c *check) progressIsSaid() {
	ready, reconciling := c.isTrue(v1.ConditionReady), c.has(v1.ConditionReconciling)
	stalled, suspended := c.has(v1.ConditionStalled), c.has(v1.ConditionSuspended)
	if reconciling && stalled {
		c.violated("Reconciling beside Stalled")
	}
	if suspended && (reconciling || stalled) {
		c.violated("Suspended beside Reconciling or Stalled: nothing is done and nothing is wrong")
	}
	switch others := reconciling || stalled; {
	case ready && others:
		c.violated("Ready beside Reconciling or Stalled")
	case !ready && !others && !suspended:
		c.violated("not Ready, and neither Reconciling, Stalled nor Suspended says what to expect")
	}
	if ready {
		c.nothingIsOpen(suspended)
	}
}

// nothingIsOpen: what is Ready has all its parts, and nothing to do.
func (c *check) nothingIsOpen(suspended bool) {
	for _, kind := range append(components(), v1.ConditionAvailable) {
		if !suspended && !c.isTrue(kind) {
			c.violated("Ready although %s is not True", kind)
		}
	}
	for _, kind := range []string{v1.ConditionDrifted, v1.ConditionRolloutNeeded, v1.ConditionDeletionBlocked} {
		if c.has(kind) {
			c.violated("Ready beside %s", kind)
		}
	}
}

// generations: a status speaks of the generation that it says it speaks of.
func (c *check) generations() {
	observed := c.stack.Status.ObservedGeneration
	if observed > c.stack.Generation {
		c.violated("observedGeneration %d is ahead of the stack's %d", observed, c.stack.Generation)
	}
	ready := c.isTrue(v1.ConditionReady)
	for _, condition := range c.stack.Status.Conditions {
		if condition.ObservedGeneration > observed {
			c.violated("%s speaks of generation %d, the status of %d", condition.Type, condition.ObservedGeneration, observed)
		}
		if ready && condition.ObservedGeneration != observed {
			c.violated("Ready, and %s speaks of generation %d instead of %d", condition.Type, condition.ObservedGeneration, observed)
		}
	}
}

// reasons is the closed set of reasons.
var reasons = []string{
	v1.ReasonSucceeded, v1.ReasonProgressing, v1.ReasonDependencyNotReady, v1.ReasonInvalidSpec, v1.ReasonTerminalError,
	v1.ReasonRecoverableError, v1.ReasonForeignObject, v1.ReasonRejected, v1.ReasonCRDMissing, v1.ReasonControllerMissing,
	v1.ReasonSecretMissing, v1.ReasonCertificateFailed, v1.ReasonGatewayFailed, v1.ReasonInstanceTerminated,
	v1.ReasonDatabaseFailed, v1.ReasonReplacementNeeded, v1.ReasonDeletedOutside, v1.ReasonSuspended, v1.ReasonDriftDetected,
	v1.ReasonRolloutNeeded, v1.ReasonRollingOut, v1.ReasonRolloutPaused, v1.ReasonRolloutFailed, v1.ReasonHostUnhealthy,
	v1.ReasonHostNotAnswering, v1.ReasonBalancerUnreached, v1.ReasonNoDomain, v1.ReasonNotServing,
	v1.ReasonDeleting, v1.ReasonWaitingForDeletion,
	v1.ReasonDeletionProtected, v1.ReasonAPIRequestFailed,
}

func (c *check) condition(condition metav1.Condition) {
	if !slices.Contains(reasons, condition.Reason) {
		c.violated("%s has the reason %q, which is not in the set", condition.Type, condition.Reason)
	}
	if condition.LastTransitionTime.IsZero() {
		c.violated("%s has no lastTransitionTime", condition.Type)
	}
	c.text(condition.Type, condition.Message)
}

const (
	maxMessage = 1024
	maxNames   = 5
)

var (
	requestID = regexp.MustCompile(`(?i)\brequest[ -]?id\s*[:=]\s*[0-9a-z]`)
	timestamp = regexp.MustCompile(`\d{4}-\d{2}-\d{2}|\b\d{8}T\d{6}Z`)
)

// text: a message is short, and the same as long as it means the same.
func (c *check) text(where, message string) {
	if len(message) > maxMessage {
		c.violated("the message of %s has %d bytes", where, len(message))
	}
	if requestID.MatchString(message) {
		c.violated("the message of %s has a request id: %s", where, message)
	}
	if timestamp.MatchString(message) {
		c.violated("the message of %s has a time: %s", where, message)
	}
	if message != strings.TrimSpace(message) || strings.ContainsAny(message, "\n\t") {
		c.violated("the message of %s is not one line: %q", where, message)
	}
	for _, list := range objectLists.FindAllString(message, -1) {
		names := strings.Split(list, ", ")
		if len(names) > maxNames || !slices.IsSorted(names) {
			c.violated("the message of %s names %q: at most %d, sorted", where, list, maxNames)
		}
	}
}

// objectLists finds several objects of ACK's kinds in a row.
var objectLists = func() *regexp.Regexp {
	var kinds []string
	for _, kind := range ack.Kinds() {
		kinds = append(kinds, kind.Name)
	}
	object := `\b(` + strings.Join(kinds, "|") + `)/[a-z0-9][-a-z0-9.]*`
	return regexp.MustCompile(object + `(, ` + object + `)+`)
}()

func (c *check) deletion() {
	if c.has(v1.ConditionDeletionBlocked) && !c.deleting() {
		c.violated("DeletionBlocked, and nobody deletes the stack")
	}
	// A deletion counts as a generation: what was said of the one before is old, and kstatus knows that it is.
	current := c.stack.Status.ObservedGeneration == c.stack.Generation
	if c.deleting() && current && c.isTrue(v1.ConditionReady) && !c.has(v1.ConditionSuspended) {
		c.violated("Ready while being deleted")
	}
}

const maxBlockers = 10

// blockers: each says which object, why, since when, and what to do.
func (c *check) blockers() {
	list := c.stack.Status.Blockers
	if len(list) > maxBlockers {
		c.violated("%d blockers", len(list))
	}
	for _, b := range list {
		where := "the blocker " + b.Kind + "/" + b.Name
		if b.Node == "" || b.Kind == "" {
			c.violated("%s does not name its object: %+v", where, b)
		}
		if b.Hint == "" {
			c.violated("%s does not say what to do", where)
		}
		if b.Since.IsZero() {
			c.violated("%s does not say since when", where)
		}
		if !slices.Contains(reasons, b.Reason) {
			c.violated("%s has the reason %q, which is not in the set", where, b.Reason)
		}
		c.text(where, b.Message)
	}
	if len(list) > 0 && c.isTrue(v1.ConditionReady) {
		c.violated("Ready with %d blockers", len(list))
	}
}

// counts: the numbers agree with each other and with the conditions.
func (c *check) counts() {
	p := c.stack.Status.Progress
	if p.Ready < 0 || p.Ready > p.Total || p.Summary != "" && p.Summary != fmt.Sprintf("%d/%d", p.Ready, p.Total) {
		c.violated("progress %+v", p)
	}
	var ready, total int32
	for _, component := range c.stack.Status.Components {
		ready, total = ready+component.Ready, total+component.Total
	}
	if len(c.stack.Status.Components) > 0 && (ready != p.Ready || total != p.Total) {
		c.violated("the components have %d of %d ready, the stack %d of %d", ready, total, p.Ready, p.Total)
	}
	if c.isTrue(v1.ConditionReady) && p.Ready != p.Total {
		c.violated("Ready with progress %s", p.Summary)
	}
	c.hosts()
}

// hosts: there are more than asked for only while some replace others, and a Ready stack has just those, all healthy.
func (c *check) hosts() {
	h, ready := c.stack.Status.Hosts, c.isTrue(v1.ConditionReady)
	complete := h.Ready == h.Total && int(h.Total) == len(h.Items) && h.RolloutNeeded == 0
	if h.Ready > h.Total || ready && !complete {
		c.violated("hosts %+v", h)
	}
	if ready && c.stack.Status.Rollout != nil {
		c.violated("Ready beside a rollout: %+v", *c.stack.Status.Rollout)
	}
	for _, host := range h.Items {
		c.text("the host "+host.Name, host.Message)
		c.text("the host "+host.Name, host.Health.Reason)
		if host.Health.State == "" || host.Health.Since.IsZero() {
			c.violated("nothing is said of the health of the host %s", host.Name)
		}
	}
	if r := c.stack.Status.Rollout; r != nil {
		c.text("the rollout", r.Message)
		if r.Step == "" || r.Since.IsZero() || r.Message == "" {
			c.violated("the rollout does not say what it does since when: %+v", *r)
		}
	}
}
