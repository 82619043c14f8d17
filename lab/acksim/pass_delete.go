package acksim

import (
	"context"
	"errors"
)

// delete removes the AWS object and then the finalizer. The object leaves Kubernetes when AWS has accepted the deletion,
// which is not when AWS is done. Conditions are not wiped: those of the last sync stay beside a new Recoverable.
func (p *pass) delete(ctx context.Context, o *object) (*object, error) {
	if !o.managed(p.kind) {
		return o, nil
	}
	if p.policy != policyDelete || o.readOnly() {
		return p.release(ctx, o)
	}
	resolved, _, _ := p.kind.resolve(o, p.find)
	observed, err := p.readOne(ctx, resolved)
	if errors.Is(err, errNotFound) {
		return p.release(ctx, o)
	}
	if err != nil {
		return observed, err
	}
	err = p.kind.remove(ctx, p, observed)
	if _, err := p.noted(observed, err); err != nil {
		return observed, err
	}
	return p.release(ctx, o)
}

// release takes the finalizer off; nothing is left to be written after that.
func (p *pass) release(ctx context.Context, o *object) (*object, error) {
	o.unmanage(p.kind)
	return nil, p.writer.writeFinalizers(ctx, p.kind, o, nil)
}
