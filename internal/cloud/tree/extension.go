package tree

import (
	"bytes"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
)

// EncodeExtension writes a document into an extension.
func EncodeExtension(e *store.Extension, doc Document) error {
	var err error
	e.Body, err = encode(doc)
	return err
}

// DecodeExtension reads the document of an extension.
func DecodeExtension(e store.Extension) (Document, error) { return decode(e.Body) }

// RenderExtension writes what a client sees of an extension.
func RenderExtension(e store.Extension) []byte {
	public, _, _ := bytes.Cut(e.Body, []byte{separator})
	return envelope(ExtensionID(e).String(), e.Name, e.Type, public)
}

// ExtensionID is the id of an extension: its scope, and a provider chain of its own.
func ExtensionID(e store.Extension) arm.ID {
	scope, err := arm.Parse(e.Scope)
	if err != nil {
		scope = nil // only "/" is kept without being an id
	}
	ns := arm.Type(e.Type).Namespace()
	return scope.Child(arm.Hop{Namespace: ns, Type: arm.Type(e.Type).Path(), Name: e.Name})
}
