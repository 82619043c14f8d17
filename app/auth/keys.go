package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"usermanagement.dev/stack/internal/hostcontract"
)

// Keys are what the app's secret is for: second-factor secrets are encrypted by it with AES-256-GCM, each bound to its
// person, and the first administrator is let in by it. They may be replaced while requests are served: after a rotation,
// what was encrypted with an earlier key is still read.
type Keys struct {
	held atomic.Pointer[heldKeys]
	// refresh reads the secret again, at most as often as it sees fit.
	refresh func(context.Context)
}

type heldKeys struct {
	// ciphers are those of the present key and of the previous ones.
	ciphers []cipher.AEAD
	setup   string
}

// NewKeys takes keys of 32 bytes in standard base64.
func NewKeys(secret hostcontract.AppSecret) (*Keys, error) {
	k := &Keys{refresh: func(context.Context) {}}
	if err := k.Replace(secret); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace puts another secret in place of the present one. After an error the present one stays.
func (k *Keys) Replace(secret hostcontract.AppSecret) error {
	held := &heldKeys{setup: secret.SetupSecret}
	for _, key := range append([]string{secret.EncryptionKey}, secret.PreviousEncryptionKeys...) {
		aead, err := newAEAD(key)
		if err != nil {
			return err
		}
		held.ciphers = append(held.ciphers, aead)
	}
	k.held.Store(held)
	return nil
}

// RefreshBy names what is called when something does not fit the keys: another host may have a newer secret already. It is
// to be called before the keys are in use.
func (k *Keys) RefreshBy(refresh func(context.Context)) { k.refresh = refresh }

func newAEAD(key string) (cipher.AEAD, error) {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) != 32 {
		return nil, errors.New("the encryption key is not 32 bytes in base64")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("prepare the cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("prepare the cipher: %w", err)
	}
	return aead, nil
}

func bound(userID int64) []byte { return []byte("totp:" + strconv.FormatInt(userID, 10)) }

// seal encrypts with the present key.
func (k *Keys) seal(userID int64, plain string) []byte {
	aead := k.held.Load().ciphers[0]
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, []byte(plain), bound(userID))
}

// open decrypts with whichever key fits, and looks once for newer keys if none does.
func (k *Keys) open(ctx context.Context, userID int64, sealed []byte) (string, error) {
	plain, at := k.held.Load().open(userID, sealed)
	if at < 0 {
		k.refresh(ctx)
		plain, at = k.held.Load().open(userID, sealed)
	}
	if at < 0 {
		return "", errors.New("the second factor's secret cannot be decrypted: was the encryption key changed without keeping " +
			"the one before in previous_encryption_keys?")
	}
	return plain, nil
}

// open returns the text and the place of the key that fits, or -1.
func (h *heldKeys) open(userID int64, sealed []byte) (plain string, at int) {
	for i, aead := range h.ciphers {
		n := aead.NonceSize()
		if len(sealed) < n {
			break
		}
		if text, err := aead.Open(nil, sealed[:n], sealed[n:], bound(userID)); err == nil {
			return string(text), i
		}
	}
	return "", -1
}

// letsIn says whether it is the setup secret that was given, and looks once for a newer one if it is not.
func (k *Keys) letsIn(ctx context.Context, given string) bool {
	if k.held.Load().letsIn(given) {
		return true
	}
	k.refresh(ctx)
	return k.held.Load().letsIn(given)
}

func (h *heldKeys) letsIn(given string) bool {
	w, g := sha256.Sum256([]byte(h.setup)), sha256.Sum256([]byte(given))
	return h.setup != "" && subtle.ConstantTimeCompare(w[:], g[:]) == 1
}
