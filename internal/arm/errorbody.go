package arm

import (
	"encoding/json"
	"errors"

	"github.com/amlmove/amlmove/internal/errs"
)

// ErrorBody is ARM's error document: nested without bound, usually three levels in a failed move (arm-move 1.3).
type ErrorBody struct {
	Code           string          `json:"code"`
	Message        string          `json:"message"`
	Target         string          `json:"target,omitempty"`
	Details        []ErrorBody     `json:"details,omitempty"`
	AdditionalInfo json.RawMessage `json:"additionalInfo,omitempty"`
}

// ErrorDocument wraps the body as it travels.
type ErrorDocument struct {
	Error ErrorBody `json:"error"`
}

// NewErrorBody writes an error in ARM's shape. The cause is left out: it belongs to the log.
func NewErrorBody(e *errs.Error) ErrorBody {
	body := ErrorBody{Code: e.Code, Message: e.Message, Target: e.Target}
	if body.Code == "" {
		body.Code = "InternalServerError"
	}
	if e.Hint != "" {
		body.Message += " " + e.Hint
	}
	if info, ok := errors.AsType[informer](e.Err); ok {
		body.AdditionalInfo = info.AdditionalInfo()
	}
	for _, d := range e.Details {
		body.Details = append(body.Details, NewErrorBody(d))
	}
	return body
}

// informer is a cause that has more to say in ARM's additionalInfo: policy violations.
type informer interface {
	error
	AdditionalInfo() json.RawMessage
}
