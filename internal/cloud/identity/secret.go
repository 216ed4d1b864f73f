package identity

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// The stored form is scheme$iterations$salt$hash, so that the cost can be raised without losing old secrets.
const (
	secretScheme     = "pbkdf2-sha256"
	secretIterations = 10_000     // client secrets are long and random; only people's passwords are worth guessing, and this is no place for real ones
	secretMost       = 10_000_000 // a damaged row must not stop the issuer for minutes
	saltSize         = 16
)

// HashSecret returns the form in which a secret is kept at rest: salted, slow to guess, and different on every call.
func HashSecret(secret string) (string, error) {
	if secret == "" {
		return "", errs.New(errs.Invalid, "EmptySecret", "a secret must not be empty")
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails: crypto/rand ends the program instead
	hash, err := pbkdf2.Key(sha256.New, secret, salt, secretIterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("hash secret: %w", err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	return strings.Join([]string{secretScheme, strconv.Itoa(secretIterations), encode(salt), encode(hash)}, "$"), nil
}

// SecretMatches reports whether the secret is the one that the stored form was made of. It compares in constant time;
// an empty or unreadable stored form matches nothing.
func SecretMatches(stored, secret string) bool {
	parts := strings.Split(stored, "$")
	if len(parts) != 4 || parts[0] != secretScheme || secret == "" {
		return false
	}
	iterations, err := strconv.Atoi(parts[1])
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[2])
	want, hashErr := base64.RawStdEncoding.DecodeString(parts[3])
	if err != nil || saltErr != nil || hashErr != nil || iterations < 1 || iterations > secretMost || len(want) != sha256.Size {
		return false
	}
	got, err := pbkdf2.Key(sha256.New, secret, salt, iterations, len(want))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

// matches checks a secret of a principal when a place for the work is free.
func (i *Issuer) matches(ctx context.Context, p Principal, secret string) (bool, error) {
	select {
	case i.hashing <- struct{}{}:
		defer func() { <-i.hashing }()
		return SecretMatches(p.Secret, secret), nil
	case <-ctx.Done():
		return false, errs.Wrap(errs.Canceled, "Canceled", ctx.Err(), "check secret of %s", p)
	}
}

// credentialMark changes when the secret of a principal changes, and tells nothing about it: it is a digest of the
// stored form, which is salted. A refresh token carries it, so that a new password ends the old sessions.
func credentialMark(p Principal) string {
	sum := sha256.Sum256([]byte("credential\x00" + p.Secret))
	return hex.EncodeToString(sum[:8])
}
