package estate

import "testing"

func TestTheEstateStandsAndItsDigestSeesEverything(t *testing.T) {
	t.Parallel()
	e := Start(t)
	before := e.Digest(t)
	if len(before) < 30 {
		t.Errorf("the digest has only %d rows", len(before))
	}
	e.Unchanged(t, "nothing happened", before)
	e.Make(t, Workspace+"/models/m", `{"properties":{}}`)
	if lines := before.Diff(e.Digest(t)); len(lines) != 1 {
		t.Errorf("one new document gives %v", lines)
	}
}
