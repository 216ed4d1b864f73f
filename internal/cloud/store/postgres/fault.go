package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/errs"
)

// SQLSTATE codes that we act upon (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	readOnlyTransaction  = "25006"
	diskFull             = "53100"
	undefinedTable       = "42P01"
	notInState           = "55000" // of a connection: the database takes none at present
)

// lostRace reports whether the transaction may succeed when it is run again. A unique violation belongs here: the next
// run finds the row that was in the way and answers with a conflict, or finds it gone.
func lostRace(err error) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (answer.Code == serializationFailure || answer.Code == deadlockDetected || answer.Code == uniqueViolation)
}

// refused reports whether the server refused a statement for what it says, so that the function may hear of it where it made the statement. What ends the connection, or was lost
// to another transaction, is no refusal.
func refused(err error) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answer.SeverityUnlocalized == "ERROR" && !strings.HasPrefix(answer.Code, "40") && !strings.HasPrefix(answer.Code, "57") && !strings.HasPrefix(answer.Code, "08")
}

// fault says in our words what went wrong: the one map from SQLSTATE and connection errors to kinds.
func fault(ctx context.Context, verb string, err error) error {
	if gaveUp := row.GaveUp(ctx); gaveUp != nil {
		return gaveUp
	}
	say := func(kind errs.Kind, code, message, hint string) error {
		return errs.Wrap(kind, code, err, "%s: the PostgreSQL store %s", verb, message).Advise("%s", hint)
	}
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if lostConnection(err) {
			return say(errs.Unavailable, "StoreUnreachable", "cannot be reached", "check that the server runs and the address is right")
		}
		return say(errs.Internal, "StoreFailed", "gave an answer that cannot be read", "report this with the log")
	}
	switch answer.Code {
	case uniqueViolation:
		return say(errs.Conflict, "NodeExists", "already holds a row of that name", "")
	case serializationFailure, deadlockDetected, lockNotAvailable:
		return say(errs.Unavailable, "StoreContended", "gave way to another transaction too often", "repeat the request")
	case readOnlyTransaction:
		return say(errs.Unavailable, "StoreReadOnly", "does not take writes", "the address may lead to a standby: name the primary")
	case notInState:
		return say(errs.Unavailable, "StoreUnreachable", "does not take this at present", "check that the database takes connections")
	case diskFull:
		return say(errs.Unavailable, "StoreFull", "has no room left on its disk", "free some space on the server")
	}
	return byClass(answer.Code, say)
}

// byClass maps the first two characters of a SQLSTATE.
func byClass(code string, say func(errs.Kind, string, string, string) error) error {
	switch code[:min(2, len(code))] {
	case "08", "57":
		return say(errs.Unavailable, "StoreUnreachable", "went away", "check that the server runs")
	case "53":
		return say(errs.Unavailable, "StoreBusy", "lacks memory or free connections", "raise the limits of the server, or lower pool_max_conns")
	case "58":
		return say(errs.Unavailable, "StoreIO", "cannot read or write its files", "check the disk of the server")
	case "22":
		return say(errs.Invalid, "TextInvalid", "cannot keep this text", "leave out the NUL, or what is not UTF-8")
	case "28", "3D", "42":
		return say(errs.Denied, "StoreRefused", "refuses this user, or lacks the database or a right",
			"check user, password and database of the address; the user needs CREATE on the schema")
	case "54":
		return say(errs.Invalid, "BodyTooLarge", "cannot keep a document of this size", "send a smaller one")
	case "XX":
		return say(errs.Internal, "StoreCorrupt", "reports damage", "look into the log of the server")
	}
	return say(errs.Internal, "StoreFailed", "gave an unexpected answer", "report this with the log")
}

// lostConnection reports whether err is about the way to the server and not about a statement.
func lostConnection(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err)
}
