package cli

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/report"
)

// Who stops an assessment between two workspaces must not take the silence for an answer.
func TestAnAssessmentThatIsStoppedFails(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	id, err := arm.Parse("/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w")
	if err != nil {
		t.Fatal(err)
	}
	all, err := assessEach(ctx, streams{err: new(strings.Builder)}, []arm.ID{id, id}, func(context.Context, arm.ID) (report.Assessment, error) {
		stop()
		return report.Assessment{}, nil
	})
	if !errs.Is(err, errs.Canceled) || len(all) != 0 {
		t.Errorf("got %v and %v", all, err)
	}
	all, err = assessEach(t.Context(), streams{err: new(strings.Builder)}, []arm.ID{id}, func(context.Context, arm.ID) (report.Assessment, error) {
		return report.Assessment{}, errors.New("refused")
	})
	if err != nil || len(all) != 1 || all[0].Error != "refused" {
		t.Errorf("one that cannot be read: %v and %v", all, err)
	}
}
