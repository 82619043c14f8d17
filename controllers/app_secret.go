package controllers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "usermanagement.dev/stack/api/v1"
	"usermanagement.dev/stack/internal/build"
	"usermanagement.dev/stack/internal/hostcontract"
	"usermanagement.dev/stack/internal/status"
)

// appSecret is what a pass may know of the app's Secret: its name and the hash of its content, never the content.
type appSecret struct {
	name, hash string
}

// setupSecretKey holds the setup secret by itself, for people to read.
const setupSecretKey = "setup-secret"

// annotationSecretHash is put by the cache in place of a Secret's content, which the operator's memory never holds.
const annotationSecretHash = v1.Group + "/content-hash"

// appSecret makes the app's Secret once. When it is lost after the hosts may have used it, making another would
// make every second factor in the database unreadable, so that has to be asked for.
func (p *pass) appSecret(ctx context.Context) error {
	p.secret = appSecret{name: build.AppSecretName(p.stack)}
	secret := &corev1.Secret{}
	err := p.client.Get(ctx, types.NamespacedName{Namespace: p.stack.Namespace, Name: p.secret.name}, secret)
	switch {
	case err == nil && p.owns(secret):
		p.secret.hash = secret.Annotations[annotationSecretHash]
		return nil
	case err == nil:
		p.problems[build.NodeAppSecret] = foreignSecret(p.secret.name)
		return nil
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("read the Secret %s: %w", p.secret.name, err)
	case len(p.world.OfNode(build.NodeAppSecret)) > 0 && p.stack.Annotations[v1.AnnotationRegenerateSecret] == "":
		p.problems[build.NodeAppSecret] = lostSecret(p.secret.name)
		return nil
	}
	return p.makeSecret(ctx)
}

func (p *pass) makeSecret(ctx context.Context) error {
	document, setup, err := newAppSecret()
	if err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.stack.Namespace, Name: p.secret.name,
			Labels: map[string]string{
				v1.LabelManagedBy: v1.ManagedBy, v1.LabelStack: p.stack.Name, v1.LabelStackUID: string(p.stack.UID),
			},
			OwnerReferences: build.Owners(p.stack, p.namespace),
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{build.AppSecretKey: document, setupSecretKey: []byte(setup)},
	}
	hash := contentHash(secret.Data)
	err = p.client.Create(ctx, secret, client.FieldOwner(v1.ManagedBy))
	if apierrors.IsAlreadyExists(err) {
		// Our cache is behind, or somebody made it first: an event or the next look decides which.
		p.problems[build.NodeAppSecret] = foreignSecret(secret.Name)
		p.again(refusalRest)
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the Secret %s: %w", secret.Name, err)
	}
	p.secret.hash = hash
	return nil
}

// deleteSecret removes the app's Secret at the end of a teardown. The garbage collector would too, but later: a stack that
// is made again under the same name at once must not meet the old one.
func (p *pass) deleteSecret(ctx context.Context) error {
	secret := &corev1.Secret{}
	err := p.client.Get(ctx, types.NamespacedName{Namespace: p.stack.Namespace, Name: build.AppSecretName(p.stack)}, secret)
	if apierrors.IsNotFound(err) || err == nil && !p.owns(secret) {
		return nil
	}
	if err == nil {
		err = p.client.Delete(ctx, secret, client.Preconditions{UID: &secret.UID})
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete the Secret %s: %w", build.AppSecretName(p.stack), err)
	}
	return nil
}

// newAppSecret makes the document that the app reads at its start, with a fresh key, and the setup secret in it.
func newAppSecret() (document []byte, setup string, err error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program first
	setup = rand.Text()
	document, err = json.Marshal(hostcontract.AppSecret{
		SetupSecret: setup, EncryptionKey: base64.StdEncoding.EncodeToString(key),
	})
	if err != nil {
		return nil, "", fmt.Errorf("write the app secret: %w", err)
	}
	return document, setup, nil
}

func contentHash(data map[string][]byte) string {
	sum := sha256.Sum256(data[build.AppSecretKey])
	return hex.EncodeToString(sum[:8])
}

// withoutContent is the cache's view of a Secret. A cache may show it the same object again, which then has no content
// any more.
func withoutContent(object any) (any, error) {
	if secret, ok := object.(*corev1.Secret); ok && secret.Data != nil {
		if secret.Annotations == nil {
			secret.Annotations = map[string]string{}
		}
		secret.Annotations[annotationSecretHash] = contentHash(secret.Data)
		secret.Data, secret.StringData, secret.ManagedFields = nil, nil, nil
	}
	return object, nil
}

func foreignSecret(name string) status.Problem {
	return status.Problem{
		Reason:  v1.ReasonForeignObject,
		Message: "a Secret named " + name + " is there and is not this stack's",
		Hint:    "delete or rename the Secret " + name + "; the stack makes its own",
	}
}

func lostSecret(name string) status.Problem {
	return status.Problem{
		Reason:  v1.ReasonSecretMissing,
		Message: "the Secret " + name + " is gone; the hosts still have its content from Secrets Manager",
		Hint: "restore it from a backup or from Secrets Manager, or have a new one made, after which everybody sets up the second " +
			"factor anew: kubectl annotate ums NAME " + v1.AnnotationRegenerateSecret + "=yes",
	}
}
