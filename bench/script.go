package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
)

// script does by az what a person does who has no amlmove, on the workspace where it is now: every list of its content is read to its end, and every version of a data
// asset is put, one command after the other. It stops after so many versions.
const script = `set -euo pipefail
page() { # URL OF-EACH-ID: reads a list to its end; ids go to a file
  local url=$1
  while [ -n "$url" ]; do
    az rest --method get --url "$url" >page.json
    jq -c '.value[]' page.json >>inventory.jsonl
    if [ -n "${2:-}" ]; then jq -r '.value[].id' page.json >>"$2"; fi
    url=$(jq -r '.nextLink // empty' page.json)
  done
}
inventory() {
  for kind in $KINDS; do
    page "$AMLMOVE_ENDPOINT$WORKSPACE/$kind?api-version=$VERSION"
  done
  for kind in $CONTAINERS; do
    : >containers
    page "$AMLMOVE_ENDPOINT$WORKSPACE/$kind?api-version=$VERSION&listViewType=All" containers
    while read -r id; do
      page "$AMLMOVE_ENDPOINT$id/versions?api-version=$VERSION&listViewType=All"
    done <containers
  done
}
restore() {
  jq -c 'select(.id | test("/data/[^/]+/versions/"))' inventory.jsonl | sed -n "1,${LIMIT}p" >versions
  while read -r doc; do
    jq '{properties: .properties}' <<<"$doc" >body.json
    az rest --method put --url "$AMLMOVE_ENDPOINT$(jq -r .id <<<"$doc")?api-version=$VERSION" --body @body.json >/dev/null
  done <versions
}
"$1"
`

// script times the script against what the mover took.
func (b *moverBench) script(ctx context.Context, limit int) error {
	if err := b.az(ctx, "account", "show"); err != nil { // registers the cloud and logs in
		return err
	}
	file := filepath.Join(b.dir, "script.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return err
	}
	inventory, err := b.timed(ctx, file, "inventory", limit)
	if err != nil {
		return err
	}
	restore, err := b.timed(ctx, file, "restore", limit)
	if err != nil {
		return err
	}
	lines, err := os.ReadFile(filepath.Join(b.dir, "inventory.jsonl"))
	if err != nil {
		return err
	}
	put, err := os.ReadFile(filepath.Join(b.dir, "versions"))
	if err != nil {
		return err
	}
	read, versions := bytes.Count(lines, []byte("\n")), bytes.Count(put, []byte("\n"))
	if versions == 0 {
		return errors.New("the script found no version of a data asset")
	}
	fmt.Printf("  az        %8.2f s  inventory of %d documents: %.0f times what capture takes, which reads more (aim 50)\n", inventory.Seconds(), read, inventory.Seconds()/b.inventory.Seconds())
	whole := restore.Seconds() * float64(b.versions) / float64(versions)
	fmt.Printf("  az        %8.2f s  puts %d of %d data versions; all of them: %.0f times what the run takes for the same (aim 50)\n", restore.Seconds(), versions, b.versions, whole/b.restore.Seconds())
	return nil
}

// az runs one command of the real az against the cloud.
func (b *moverBench) az(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, b.binary, append([]string{"cloud", "az", "--data", b.dir, "--"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("az %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// timed runs one half of the script.
func (b *moverBench) timed(ctx context.Context, file, half string, limit int) (time.Duration, error) {
	var kinds, containers []string
	for _, k := range aml.Kinds() {
		switch {
		case k.Depth() != 1:
		case versioned(k):
			containers = append(containers, k.Path)
		default:
			kinds = append(kinds, k.Path)
		}
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", `. ./env.sh && exec bash "$0" "$1"`, file, half)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "WORKSPACE="+b.landing, "VERSION=2025-09-01", fmt.Sprint("LIMIT=", limit), "KINDS="+strings.Join(kinds, " "), "CONTAINERS="+strings.Join(containers, " "))
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("the az script: %w: %s", err, out)
	}
	return time.Since(began), nil
}

// versioned reports whether a kind holds versions.
func versioned(k aml.Kind) bool {
	_, found := aml.FindKind(k.Path + "/versions")
	return found
}
