package snapshot

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
)

// line is one line of an export: exactly one of its parts.
type line struct {
	Header   *Header       `json:"header,omitempty"`
	Document *exportedLine `json:"document,omitempty"`
	Gap      *Gap          `json:"gap,omitempty"`
	Note     *Note         `json:"note,omitempty"`
}

type exportedLine struct {
	Section Section         `json:"section"`
	ID      string          `json:"id"`
	Type    arm.Type        `json:"type"`
	Version string          `json:"apiVersion"`
	Taken   time.Time       `json:"taken"`
	Digest  string          `json:"digest"`
	Body    json.RawMessage `json:"body"`
}

// Export writes JSON Lines: the header, every document by section and key, gaps, notes.
func (s *Snapshot) Export(ctx context.Context, to io.Writer) error {
	out := bufio.NewWriterSize(to, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line{Header: &s.Header}); err != nil {
		return err
	}
	for d, err := range s.Documents(ctx) {
		if err != nil {
			return err
		}
		if err := enc.Encode(line{Document: &exportedLine{d.Section, d.ID, d.Type, d.Version, d.Taken, hex.EncodeToString(d.Digest[:]), d.Body}}); err != nil {
			return err
		}
	}
	gaps, err := s.Gaps(ctx)
	if err != nil {
		return err
	}
	for _, gap := range gaps {
		if err := enc.Encode(line{Gap: &gap}); err != nil {
			return err
		}
	}
	notes, err := s.Notes(ctx)
	if err != nil {
		return err
	}
	for _, note := range notes {
		if err := enc.Encode(line{Note: &note}); err != nil {
			return err
		}
	}
	return out.Flush()
}
