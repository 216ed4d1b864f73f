package provider

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
)

// NewETag returns a fresh entity tag, with its quotes.
func NewETag() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	return `"` + hex.EncodeToString(random[:]) + `"`
}

// NewGUID returns a fresh GUID.
func NewGUID() string { return uuid.NewString() }

// NewKey returns a fresh key of n random bytes in base64.
func NewKey(n int) string {
	random := make([]byte, n)
	_, _ = rand.Read(random)
	return base64.StdEncoding.EncodeToString(random)
}

// publicPart is the part of a stored body before its private part.
func publicPart(body []byte) []byte {
	public, _, _ := bytes.Cut(body, []byte{0})
	return public
}

// Region spells a location as ARM compares it: lower case, no blanks.
func Region(location string) string {
	return strings.ToLower(strings.ReplaceAll(location, " ", ""))
}

// DeletedWorkspace is the type of the hidden node below a resource group that keeps the name of a soft-deleted workspace (aml-contract 2).
const DeletedWorkspace = "!deletedWorkspaces"
