package sqlite

import (
	"errors"

	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
	"github.com/amlmove/amlmove/internal/errs"
)

// fault says in our words what SQLite answered: the one map from its result codes to kinds.
func fault(path, verb string, err error) error {
	answer, ok := errors.AsType[*lite.Error](err)
	if !ok {
		return errs.Wrap(errs.Internal, "StoreFailed", err, "%s in the store %s", verb, path)
	}
	say := func(kind errs.Kind, code, message, hint string) error {
		return errs.Wrap(kind, code, err, "%s: the store %s %s", verb, path, message).At(path).Advise("%s", hint)
	}
	switch answer.Code() {
	case lite.Full:
		return say(errs.Unavailable, "StoreFull", "has no room left on its disk", "free some space; reading goes on meanwhile")
	case lite.ReadOnly, lite.Perm:
		return say(errs.Unavailable, "StoreReadOnly", "cannot be written",
			"give this user the right to write the file and its folder")
	case lite.Busy:
		return say(errs.Unavailable, "StoreBusy", "is held by another program", "close the program that has the file open")
	case lite.CannotOpen:
		return say(errs.Unavailable, "StoreUnreadable", "cannot be opened", "check that the folder exists and may be written")
	case lite.IOError:
		return say(errs.Unavailable, "StoreIO", "cannot be read or written", "check the disk")
	case lite.Corrupt, lite.NotADatabase:
		return say(errs.Internal, "StoreCorrupt", "is damaged",
			"stop, keep a copy of the file with its -wal neighbour, and restore a backup")
	case lite.TooBig:
		return say(errs.Invalid, "BodyTooLarge", "cannot keep a document of this size", "send a smaller one")
	}
	return say(errs.Internal, "StoreFailed", "gave an unexpected answer", "report this with the log")
}

// taken reports whether a unique key is already there.
func taken(err error) bool {
	answer, ok := errors.AsType[*lite.Error](err)
	return ok && answer.Extended == lite.ConstraintUnique
}
